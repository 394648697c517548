"""drift.peers: how like instances differ, and which one changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.errors import NotCaptured
from tests.tools.stage import ONSET, SCOPE, START, container, found, kinds, views, world
from tools.drift import QUESTION, PeersArguments
from tools.findings import Finding
from tools.sources.fakes import FakeContainers, FakePeers
from tools.sources.inventory import parse_inventory
from tools.sources.peers import PeerProfile


async def asked(peers: FakePeers | None, engine: FakeContainers | None = None) -> tuple[Finding, ...]:
    stage = world(peers=peers, containers=engine or FakeContainers())
    return (await QUESTION.ask(stage, SCOPE, PeersArguments(service="mill"))).findings


def pair(one: dict[str, str], two: dict[str, str]) -> list[PeerProfile]:
    return [PeerProfile("mill-1", "mill", one), PeerProfile("mill-2", "mill", two)]


SAME = {"image": "mill-jade:7", "limit.cpu": "1", "config.contract": "3"}
TWIN = {"image": "mill-rust:7", "limit.cpu": "1", "config.contract": "3"}


async def test_own_name_and_colour_are_no_difference() -> None:
    """Images that differ by the colour in their name only are alike."""
    findings = await asked(FakePeers(read={START: pair(SAME, TWIN)}))
    assert kinds(findings) == {"peers_alike"}


async def test_the_instance_that_changed_since_the_baseline_is_the_odd_one() -> None:
    """mill-2 came back with an older contract, another build and half the CPU: three findings, all about it."""
    changed = {"image": "mill-rust:6", "limit.cpu": "0.25", "config.contract": "2"}
    findings = await asked(FakePeers(read={START: pair(SAME, TWIN), ONSET: pair(SAME, changed)}))
    image, limit = found(findings, "image_differs", container="mill-2"), found(findings, "limit_differs")
    assert image is not None
    assert image.extra["changed_since_baseline"] is True
    assert limit is not None
    assert (limit.value, limit.direction, limit.subject.container) == (4.0, "down", "mill-2")
    contract = found(findings, "config_differs", container="mill-2")
    assert contract is not None
    assert contract.extra["contract"] is True
    assert "config.contract" in contract.detail


async def test_differences_the_inventory_allows_are_left_out() -> None:
    """An intended override on the list is no drift."""
    findings = await asked(FakePeers(read={START: pair(SAME, {**TWIN, "config.greeting": "hello"})}))
    assert kinds(findings) == {"peers_alike"}


async def test_without_profiles_what_the_engine_shows_is_compared() -> None:
    """Limits and environment keys come from inspect; unlimited against limited is a difference without a ratio."""
    engine = FakeContainers(
        lists={
            START: [
                container("mill-1", memory_limit=2**28, environment_keys=("A",)),
                container("mill-2", environment_keys=("A", "B")),
            ]
        }
    )
    findings = await asked(None, engine)
    limit = found(findings, "limit_differs")
    assert limit is not None
    assert limit.value is None
    keys = found(findings, "config_differs")
    assert keys is not None
    assert keys.extra["fact"] == "env.keys"


async def test_nothing_captured_is_not_captured_and_not_alike() -> None:
    """When neither profiles nor containers were recorded, the question says so instead of finding peers alike."""
    lost = NotCaptured("peers were not recorded")
    with pytest.raises(NotCaptured):
        await asked(FakePeers(fails=lost), FakeContainers(fails=NotCaptured("containers were not recorded")))


async def test_a_colour_called_like_a_number_does_not_tell_equal_limits_apart() -> None:
    """Colours 1 and 2, both with a limit of 1: alike."""
    numbered = parse_inventory("""
version: 1
services:
  - {name: mill, kind: worker, colours: {"1": [mill-1], "2": [mill-2]}}
""")
    stage = replace(world(peers=FakePeers(read={START: pair({"limit.cpu": "1"}, {"limit.cpu": "1"})}),
                          containers=FakeContainers()), inventory=numbered)
    answer = await QUESTION.ask(stage, SCOPE, PeersArguments(service="mill"))
    assert kinds(answer.findings) == {"peers_alike"}


async def test_builds_that_differ_by_colour_are_told_from_one_that_is_odd() -> None:
    """Two of each colour: with one build a colour it is the release; one of a colour with another build is not."""
    four = parse_inventory("""
version: 1
services:
  - {name: front, kind: api, routed: true, colours: {jade: [web-a], rust: [web-b]}}
  - {name: mill, kind: worker, follows: front, colours: {jade: [mill-1, mill-3], rust: [mill-2, mill-4]}}
""")

    async def by_colour(**builds: str) -> object:
        profiles = [PeerProfile(n.replace("_", "-"), "mill", {"image": f"mill:{b}"}) for n, b in builds.items()]
        stage = replace(world(peers=FakePeers(read={START: profiles}), containers=FakeContainers(),
                              routing={START: views("jade")}), inventory=four)
        image = found((await QUESTION.ask(stage, SCOPE, PeersArguments(service="mill"))).findings, "image_differs")
        assert image is not None
        return image.extra["by_colour"]

    assert await by_colour(mill_1="7", mill_3="7", mill_2="6", mill_4="6") is True
    assert await by_colour(mill_1="7", mill_3="8", mill_2="6", mill_4="6") is False

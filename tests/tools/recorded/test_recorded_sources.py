"""Recorded sources answer as of a moment, never past `now`, and say not_captured where they cannot know."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import BadSnapshot, NotCaptured
from tests.tools.recorded.tiny_case import END_MS, NOW_MS, ONSET_MS, START_MS, TinyCase, there, write_tiny_case
from tools.recorded.snapshot import MODALITIES
from tools.recorded.world import open_world
from tools.sources.containers import Containers

MINUTE = 60_000


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyCase:
    return write_tiny_case(tmp_path_factory.mktemp("case") / "tiny")


@pytest.fixture
def containers(tiny: TinyCase) -> Containers:
    return there(open_world(tiny.folder).containers)


async def test_container_is_as_last_seen_at_the_moment(containers: Containers) -> None:
    """Before the deploy the standby worker is stopped; after it, it runs the new build."""
    before = {c.name: c for c in await containers.list(at_ms=ONSET_MS - 2 * MINUTE)}["worker-green"]
    after = {c.name: c for c in await containers.list(at_ms=ONSET_MS + 30_000)}["worker-green"]
    assert (before.state, before.exit_code) == ("exited", 143)
    assert (after.state, after.exit_code, after.started_ms) == ("running", None, ONSET_MS - 30_000)
    assert after.cluster == "main"


async def test_reading_carries_the_time_it_was_taken(containers: Containers) -> None:
    """Stats asked between two observations are those of the earlier one, dated so that staleness shows."""
    readings = await containers.stats(at_ms=ONSET_MS + 59_999)
    assert {reading.at_ms for reading in readings} == {ONSET_MS}


async def test_nothing_after_now_is_answered(containers: Containers, tiny: TinyCase) -> None:
    """The recording goes on after `now`, but a later question gets what was known at `now`."""
    late = await containers.stats(at_ms=END_MS)
    assert late == await containers.stats(at_ms=NOW_MS)
    assert max(reading.at_ms for reading in late) <= NOW_MS
    queues = there(open_world(tiny.folder).queues)
    assert max(s.at_ms for s in await queues.states(start_ms=START_MS, end_ms=END_MS)) == NOW_MS


async def test_before_the_window_is_not_captured(tiny: TinyCase) -> None:
    """Every source refuses a moment before the window, and says from when it knows."""
    world = open_world(tiny.folder)
    early = START_MS - 1
    for asked in (
        there(world.containers).list(at_ms=early),
        there(world.containers).stats(at_ms=early),
        there(world.containers).top("redis", at_ms=early),
        there(world.routing).views("api", at_ms=early),
        there(world.containers).events(start_ms=early, end_ms=NOW_MS),
        there(world.peers).profiles("api", at_ms=early),
        there(world.changes).between(start_ms=early, end_ms=NOW_MS),
        there(world.alerts).active(at_ms=early),
        there(world.queues).states(start_ms=early, end_ms=NOW_MS),
    ):
        with pytest.raises(NotCaptured, match="captured from 2026-11-21T02:00:00"):
            await asked


async def test_window_wholly_after_now_is_not_captured(tiny: TinyCase) -> None:
    """What lies after `now` is unknown, which is not the same as `no change`."""
    changes = there(open_world(tiny.folder).changes)
    with pytest.raises(NotCaptured, match="nothing is known after"):
        await changes.between(start_ms=NOW_MS + 1, end_ms=END_MS)


async def test_events_and_changes_are_half_open_windows(containers: Containers, tiny: TinyCase) -> None:
    """start <= at < end, as live sources promise."""
    deploy = ONSET_MS - 30_000
    changes = there(open_world(tiny.folder).changes)
    assert [c.build for c in await changes.between(start_ms=deploy, end_ms=deploy + 1)] == ["42"]
    assert await changes.between(start_ms=START_MS, end_ms=deploy) == ()
    events = await containers.events(start_ms=deploy, end_ms=deploy + 101)
    assert [e.action for e in events] == ["create", "start"]


async def test_unread_processes_are_not_captured(containers: Containers) -> None:
    """Processes that were not read are unknown, not absent."""
    assert [p.pid for p in await containers.top("redis", at_ms=NOW_MS)] == ["1"]
    with pytest.raises(NotCaptured, match="processes of worker-green: not read at"):
        await containers.top("worker-green", at_ms=START_MS)


async def test_routing_peers_and_queues_answer_by_service_and_time(tiny: TinyCase) -> None:
    """Views only of the service asked for; profiles as of the moment."""
    world = open_world(tiny.folder)
    routing, peers, queues = there(world.routing), there(world.peers), there(world.queues)
    assert {(v.view, v.colour) for v in await routing.views("api", at_ms=NOW_MS)} == {
        ("declared_host", "blue"),
        ("declared_container", "blue"),
        ("loaded", "blue"),
    }
    assert await routing.views("worker", at_ms=NOW_MS) == ()
    images = [p.facts["image"] for p in await peers.profiles("worker", at_ms=ONSET_MS - 1)]
    assert images == ["worker:41", "worker:41"]
    assert [s.consumers for s in await queues.states(start_ms=ONSET_MS - MINUTE, end_ms=ONSET_MS)] == [1, 2]


async def test_alerts_come_from_payloads_where_no_state_was_polled(tiny: TinyCase) -> None:
    """The payload received at `now` says what fires; a moment before it nothing was known to fire."""
    alerts = there(open_world(tiny.folder).alerts)
    assert [(a.name, a.state, a.starts_ms, a.ends_ms) for a in await alerts.active(at_ms=NOW_MS)] == [
        ("CompletionsLate", "firing", NOW_MS - MINUTE, None)
    ]
    assert await alerts.active(at_ms=NOW_MS - 1) == ()


async def test_missing_modality_answers_not_captured_with_the_reason(tmp_path: Path) -> None:
    """Each source that was not captured answers with what is missing and why, never with emptiness."""
    folder = write_tiny_case(
        tmp_path / "c", captured=[], missing=[{"what": m, "why": "no access"} for m in MODALITIES]
    ).folder
    for path in [*folder.glob("*.json"), *folder.glob("*.jsonl")]:
        path.unlink()
    world = open_world(folder)
    for what, asked in {
        "containers": there(world.containers).list(at_ms=NOW_MS),
        "routing": there(world.routing).views("api", at_ms=NOW_MS),
        "changes": there(world.changes).between(start_ms=START_MS, end_ms=NOW_MS),
        "alerts": there(world.alerts).active(at_ms=NOW_MS),
        "peers": there(world.peers).profiles("api", at_ms=NOW_MS),
        "queues": there(world.queues).states(start_ms=START_MS, end_ms=NOW_MS),
    }.items():
        with pytest.raises(NotCaptured, match=rf"{what}: not captured \(no access\)"):
            await asked


async def test_malformed_data_is_found_when_asked(tmp_path: Path) -> None:
    """Opening reads no data file; the question that needs it gets the clear error."""
    folder = write_tiny_case(tmp_path / "c").folder
    (folder / "peers.json").write_text("{")
    world = open_world(folder)
    with pytest.raises(BadSnapshot, match=r"peers\.json"):
        await there(world.peers).profiles("api", at_ms=NOW_MS)


def test_bad_inventory_is_a_bad_snapshot(tmp_path: Path) -> None:
    """An inventory that does not parse is reported with its file and line."""
    folder = write_tiny_case(tmp_path / "c").folder
    (folder / "inventory.yaml").write_text("version: 1\nservices: [{name: ''}]\n")
    with pytest.raises(BadSnapshot, match=r"inventory\.yaml:2: services\.0\.name"):
        open_world(folder)

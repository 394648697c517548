"""Three clusters: a question names its cluster, an unreachable one is said, and N - 1 is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.errors import SourceUnavailable
from tests.tools.stage import END, INVENTORY, ONSET, SCOPE, START, every, handed, world
from tools import toolbox
from tools.evidence import Status
from tools.sources.fakes import FakeLogs
from tools.sources.inventory import Cluster, Inventory
from tools.world import World

SHARES = {"east": 0.5, "west": 0.25, "north": 0.25}


def inventory(*, carries: float | None = 5.0, shares: bool = True) -> Inventory:
    clusters = tuple(
        Cluster(name=n, active_active=True, traffic_share=x if shares else None, capacity_per_second=carries)
        for n, x in SHARES.items())
    return INVENTORY.model_copy(update={"clusters": clusters})


def three(*, dead: str = "", **options: object) -> World:
    """East takes two orders a second, the others one each; `dead` cannot be reached."""
    period = {"east": 0.5, "west": 1.0, "north": 1.0}
    found = {}
    for name in SHARES:
        one = replace(world(logs=[handed(every(period[name], START, END))], inventory=inventory(**options)),  # type: ignore[arg-type]
                      cluster=name, siblings={})
        down = replace(one, logs=FakeLogs([], fails=SourceUnavailable("connection refused")))
        found[name] = down if name == dead else one
    return replace(found["east"], siblings={n: w for n, w in found.items() if n != "east"})


async def asked(leaving: str, stage: World) -> toolbox.Evidence:
    return await toolbox.ask("capacity.clusters", {"leaving_cluster": leaving}, stage, SCOPE)


async def test_the_rest_can_carry_all() -> None:
    """Four orders a second for two clusters that carry five each: enough, with the figures."""
    told = await asked("east", three())
    (found,) = told.findings
    assert (found.kind, found.subject.cluster) == ("capacity_enough", "east")
    assert found.extra["load_per_second"] == pytest.approx(4.0, rel=0.1)
    assert found.extra["capacity_per_second"] == 10.0


async def test_the_rest_is_too_small() -> None:
    """The same load for two clusters that carry two each is short."""
    (found,) = (await asked("east", three(carries=2.0))).findings
    assert (found.kind, found.value) == ("capacity_short", pytest.approx(1.0, rel=0.1))


async def test_an_unreachable_cluster_is_estimated_and_said() -> None:
    """Its load comes from the declared share, the answer says so, and the evidence is marked incomplete."""
    told = await asked("north", three(dead="north"))
    (found,) = told.findings
    assert found.extra["estimated"] == ["north"]
    assert found.extra["load_per_second"] == pytest.approx(4.0, rel=0.1)
    assert "north could not be read" in told.text
    assert any("north" in gap for gap in told.query["notes"]["incomplete"])


async def test_without_shares_an_unreachable_cluster_is_undetermined() -> None:
    """No guess where nothing is declared: no finding, never `enough`."""
    told = await asked("north", three(dead="north", shares=False))
    assert (told.status, told.findings) == (Status.NO_DATA, ())
    assert "north" in told.text


async def test_unknown_capacity_is_undetermined() -> None:
    """Nobody knows what the others carry: said, not assumed."""
    assert (await asked("east", three(carries=None))).status is Status.NO_DATA


async def test_any_question_can_name_its_cluster() -> None:
    """`cluster` asks that cluster's world and the evidence carries its name; an unknown one is refused."""
    stage = three(dead="west")
    nobody = {"service": "front", "containers": []}
    here = await toolbox.ask("capacity.without", nobody, stage, SCOPE)
    there = await toolbox.ask("capacity.without", {**nobody, "cluster": "north"}, stage, SCOPE)
    dead = await toolbox.ask("logs.activity", {"cluster": "west"}, stage, SCOPE)
    nowhere = await toolbox.ask("logs.activity", {"cluster": "south"}, stage, SCOPE)
    assert (here.cluster, there.cluster, dead.cluster) == ("east", "north", "west")
    assert (dead.status, nowhere.status) == (Status.FAILED, Status.FAILED)
    assert "east, west, north" in nowhere.text


async def test_one_cluster_has_nobody_to_take_over() -> None:
    """A single world says so."""
    told = await asked("east", world(logs=[handed(every(1, ONSET, END))]))
    assert told.status is Status.NO_DATA

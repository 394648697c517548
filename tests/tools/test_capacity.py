"""capacity.without: can the rest carry the load?"""

from __future__ import annotations

import pytest

from config.errors import UnknownThing
from tests.tools.stage import (
    END,
    INVENTORY,
    SCOPE,
    START,
    container,
    every,
    found,
    handed,
    orders,
    views,
    world,
)
from tools.capacity import QUESTION, WithoutArguments
from tools.evidence import Status
from tools.question import Answer
from tools.sources.fakes import FakeContainers

BOTH_RUN = FakeContainers(lists={START: [container("mill-1"), container("mill-2")]})


async def asked(period_s: float, *leaving: str, capacity: bool = True) -> Answer:
    """Both mills share orders handed over every `period_s`; base is 2 a second."""
    logs = [
        handed(every(period_s, START, END)),
        orders("mill-1", every(2 * period_s, START, END)),
        orders("mill-2", every(2 * period_s, START, END, phase_s=period_s)),
    ]
    inventory = INVENTORY
    if not capacity:
        bare = tuple(s.model_copy(update={"capacity": None}) for s in INVENTORY.services)
        inventory = INVENTORY.model_copy(update={"services": bare})
    stage = world(logs=logs, containers=BOTH_RUN, routing={START: views("jade")}, inventory=inventory)
    return await QUESTION.ask(stage, SCOPE, WithoutArguments(service="mill", containers=leaving))


async def test_one_instance_carries_a_light_load_alone() -> None:
    """One order a second against two a second: half is needed, enough."""
    answer = await asked(1.0, "mill-2")
    enough = found(answer.findings, "capacity_enough", service="mill", container="mill-2")
    assert enough is not None
    assert enough.value == pytest.approx(0.5, abs=0.02)
    assert enough.strength == 1.0
    assert enough.extra["needed_instances"] == 1


async def test_stopping_a_needed_instance_is_short() -> None:
    """Three orders a second need two instances (3.32 with the factor): without one it is short."""
    answer = await asked(1 / 3, "mill-2")
    short = found(answer.findings, "capacity_short")
    assert short is not None
    assert short.value == pytest.approx(1.5, abs=0.05)
    assert short.extra["needed_instances"] == 2


async def test_nobody_named_means_those_who_wait() -> None:
    """With an empty list the standby leaves."""
    answer = await asked(1.0)
    assert answer.findings[0].extra["leaving"] == ["mill-2"]


async def test_all_leaving_is_short_for_certain() -> None:
    """No instance would remain."""
    answer = await asked(1.0, "mill-1", "mill-2")
    short = found(answer.findings, "capacity_short")
    assert short is not None
    assert short.strength == 1.0


async def test_without_a_known_base_the_peak_seen_is_a_lower_bound_only() -> None:
    """Each carried half of the load at most: whether one carries it all is undetermined, and no finding claims it."""
    answer = await asked(1.0, "mill-2", capacity=False)
    assert answer.findings == ()
    assert "undetermined" in answer.text


async def test_an_unmapped_service_and_a_stranger_are_told_apart() -> None:
    """No work mapping: no data. Not a container of the service: refused."""
    stage = world(logs=[], containers=BOTH_RUN)
    answer = await QUESTION.ask(stage, SCOPE, WithoutArguments(service="paint", containers=()))
    assert answer.status is Status.NO_DATA
    with pytest.raises(UnknownThing, match="web-a"):
        await QUESTION.ask(stage, SCOPE, WithoutArguments(service="mill", containers=("web-a",)))

"""What users feel without a probe: read off the access lines of the proxy nobody depends on."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tools.stage import END, INVENTORY, ONSET, SCOPE, START, every, found, gauge, lines, measured, world
from tools import onset
from tools.front_door import front_services, read_front_door, seconds_of
from tools.onset import OnsetArguments
from tools.sources.inventory import Service
from tools.windows import Grid

AXIS = Grid(START, END, 15_000, ONSET)
GATED = INVENTORY.model_copy(update={"services": (
    *INVENTORY.services,
    Service(name="gate", kind="proxy", containers=("gate-1",), depends_on=("front",)),
    Service(name="inner", kind="proxy", containers=("inner-1",)),
    Service(name="mesh", kind="other", depends_on=("inner",)),
)})
GOOD = '10.0.0.9 - "POST /ask HTTP/1.1" 200 512 rt=1.204 urt=1.203'
BAD = '10.0.0.9 - "POST /ask HTTP/1.1" 504 170 rt=30.001 urt=30.000'
CHECK = '10.0.0.9 - "GET /healthz HTTP/1.1" 200 2 rt=0.001'


@pytest.mark.parametrize(("line", "seconds"), [
    (GOOD, 1.204), ('{"request_time": 0.25, "status": 200}', 0.25), ("status=200 duration_ms=1500", 1.5),
    ("elapsed=2259 status=200", 2.259), ("took 12 ms", None), ("duration=1.5s status=200", 1.5), ("no time here", None),
])
def test_how_long_a_request_took_is_read_in_seconds(line: str, seconds: float | None) -> None:
    """nginx' seconds have a decimal point; bare whole numbers are milliseconds; a unit decides where there is one."""
    assert seconds_of(line) == seconds


def test_the_front_is_the_proxy_nobody_calls_else_the_routed_service() -> None:
    """A proxy inside the mesh is no front door."""
    assert [s.name for s in front_services(GATED)] == ["gate"]
    assert [s.name for s in front_services(INVENTORY)] == ["front"]


async def test_half_of_the_answers_fail_and_health_checks_do_not_hide_it() -> None:
    """504 for every second user since the onset, between twice as many healthy checks: half is what users see."""
    told = lines("gate-1", "gate", (every(4, START, ONSET), GOOD), (every(8, ONSET, END), GOOD),
                 (every(8, ONSET, END, phase_s=4), BAD), (every(2, START, END), CHECK))
    success = next(i for i in await read_front_door(world(logs=[told], inventory=GATED), AXIS) if i.kind == "success")
    assert np.nanmean(success.values[: AXIS.split]) == 1.0
    assert np.nanmean(success.values[AXIS.split:]) == pytest.approx(0.5, abs=0.1)


async def test_a_shallow_probe_does_not_pass_for_users_being_well() -> None:
    """The health page answers in 10 ms all along; every second user gets 504: users see errors, and are not healthy."""
    told = lines("gate-1", "gate", (every(4, START, ONSET), GOOD), (every(8, ONSET, END), GOOD),
                 (every(8, ONSET, END, phase_s=4), BAD))
    probe = measured(gauge("probe_success", lambda t: 1.0, job="blackbox"),
                     gauge("probe_duration_seconds", lambda t: 0.01, job="blackbox"))
    stage = world(metrics=probe, logs=[told], inventory=GATED)
    answer = await onset.QUESTION.ask(stage, SCOPE, OnsetArguments())
    failing = found(answer.findings, "user_errors_up")
    assert failing is not None
    assert abs((failing.since_ms or 0) - ONSET) <= 30_000
    assert found(answer.findings, "user_healthy") is None


async def test_without_logs_or_a_front_there_is_nothing_to_read() -> None:
    """No source, no indicator, no error."""
    assert await read_front_door(world(), AXIS) == ()

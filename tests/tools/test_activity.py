"""logs.activity: who works, in which role."""

from __future__ import annotations

import pytest

from tests.tools.stage import (
    END,
    INVENTORY,
    ONSET,
    SCOPE,
    START,
    every,
    found,
    handed,
    kinds,
    lines,
    orders,
    views,
    world,
)
from tools.activity import QUESTION, ActivityArguments
from tools.evidence import Status
from tools.question import Answer
from tools.sources.changes import Change
from tools.sources.fakes import FakeChanges
from tools.world import World

JADE = {START: views("jade")}


async def asked(stage: World) -> Answer:
    return await QUESTION.ask(stage, SCOPE, ActivityArguments())


async def test_a_waiting_instance_that_works_is_named_with_share_and_since() -> None:
    """A standby that takes every second order from the onset on is found, dated within a bin, with its share."""
    alone, shared = every(1, START, ONSET), every(2, ONSET, END)
    stray = every(2, ONSET, END, phase_s=1)
    answer = await asked(
        world(
            routing=JADE, logs=[handed(every(1, START, END)), orders("mill-1", alone + shared), orders("mill-2", stray)]
        )
    )
    stranger = found(answer.findings, "work_by_waiting_role", container="mill-2", role="standby")
    assert stranger is not None
    assert stranger.value == pytest.approx(0.5, abs=0.03)
    assert stranger.baseline == 0
    assert stranger.strength == 1.0
    assert stranger.since_ms is not None
    assert abs(stranger.since_ms - ONSET) <= 6_000
    less = found(answer.findings, "share_of_work", container="mill-1", role="active")
    assert less is not None
    assert less.direction == "down"
    assert "mill-2 (standby) handled" in answer.text
    assert str(stranger.extra["units"]) in answer.text


async def test_a_stray_that_was_always_there_has_no_since() -> None:
    """When the standby worked through the whole window, it is found but not dated to the incident."""
    answer = await asked(
        world(
            routing=JADE,
            logs=[orders("mill-1", every(2, START, END)), orders("mill-2", every(2, START, END, phase_s=1))],
        )
    )
    stranger = found(answer.findings, "work_by_waiting_role", container="mill-2")
    assert stranger is not None
    assert stranger.since_ms is None
    assert stranger.baseline == pytest.approx(0.5, abs=0.03)


async def test_a_drain_after_a_switch_is_no_stray() -> None:
    """The old colour finishes eight orders in the half minute after the switch and falls silent: a drain."""
    routing = {START: views("jade"), ONSET: views("rust", at=ONSET, since=ONSET)}
    old = every(1, START, ONSET) + every(4, ONSET, ONSET + 30_000)
    answer = await asked(
        world(
            routing=routing,
            logs=[
                handed(every(1, START, ONSET)),
                handed(every(1, ONSET, END), "web-b"),
                orders("mill-1", old),
                orders("mill-2", every(1, ONSET, END)),
            ],
        )
    )
    drain = found(answer.findings, "drain_decaying", container="mill-1")
    assert drain is not None
    assert drain.value == pytest.approx(8, abs=1)
    assert "work_by_waiting_role" not in kinds(answer.findings)
    assert "share_of_work" not in kinds(answer.findings)
    assert found(answer.findings, "work_normal", service="mill") is not None


async def test_steady_work_after_a_switch_is_a_stray() -> None:
    """The old colour that goes on at half the rate until the end did not drain."""
    routing = {START: views("jade"), ONSET: views("rust", at=ONSET, since=ONSET)}
    old = every(1, START, ONSET) + every(2, ONSET, END)
    answer = await asked(
        world(routing=routing, logs=[orders("mill-1", old), orders("mill-2", every(2, ONSET, END, phase_s=1))])
    )
    assert found(answer.findings, "work_by_waiting_role", container="mill-1") is not None
    assert "drain_decaying" not in kinds(answer.findings)


async def test_declared_both_mode_makes_no_stray() -> None:
    """When both colours are declared to serve, nobody waits, so nobody's work is wrong."""
    both = FakeChanges([Change(START + 60_000, "mode", service="front", mode="both")])
    answer = await asked(
        world(
            routing=JADE,
            changes=both,
            logs=[orders("mill-1", every(2, START, END)), orders("mill-2", every(2, START + 60_000, END, phase_s=1))],
        )
    )
    assert "work_by_waiting_role" not in kinds(answer.findings)


async def test_unknown_routing_makes_nobody_a_standby() -> None:
    """Without any view of the active colour, work of the second instance is told but nobody is accused."""
    answer = await asked(
        world(logs=[orders("mill-1", every(2, START, END)), orders("mill-2", every(2, ONSET, END, phase_s=1))])
    )
    assert "work_by_waiting_role" not in kinds(answer.findings)
    share = found(answer.findings, "share_of_work", container="mill-2")
    assert share is not None
    assert share.subject.role == ""


async def test_views_that_disagree_leave_the_role_unknown() -> None:
    """The file says rust, the proxy runs jade: whose turn it is to wait is not known."""
    stage = world(
        routing={START: views("rust", loaded="jade")},
        logs=[orders("mill-1", every(2, START, END)), orders("mill-2", every(2, START, END, phase_s=1))],
    )
    answer = await asked(stage)
    assert "work_by_waiting_role" not in kinds(answer.findings)
    assert any("disagree" in gap for gap in answer.notes["gaps"])


async def test_a_dead_active_worker_is_work_stopped_only_while_orders_come_in() -> None:
    """The active worker falls silent two minutes before the end while the API hands orders over."""
    until = END - 120_000
    logs = [handed(every(1, START, END)), orders("mill-1", every(1, START, until))]
    answer = await asked(world(routing=JADE, logs=logs))
    stopped = found(answer.findings, "work_stopped", container="mill-1", role="active")
    assert stopped is not None
    assert stopped.strength == 1.0
    assert stopped.since_ms is not None
    assert abs(stopped.since_ms - until) <= 6_000
    gap = found(answer.findings, "completion_gap", service="mill")
    assert gap is not None
    assert gap.value == pytest.approx(0.5, abs=0.05)
    quiet = [handed(every(1, START, until)), orders("mill-1", every(1, START, until))]
    idle = await asked(world(routing=JADE, logs=quiet))
    assert "work_stopped" not in kinds(idle.findings)


async def test_failures_of_one_instance_are_concentrated_there() -> None:
    """Of two working instances one fails every order it takes: the failures are its own."""
    answer = await asked(
        world(
            routing={START: views("both")},
            logs=[
                orders("mill-1", every(2, START, END)),
                orders("mill-2", every(2, START, ONSET, phase_s=1), failed=every(2, ONSET, END, phase_s=1)),
            ],
        )
    )
    failing = found(answer.findings, "work_failing", service="mill")
    assert failing is not None
    assert failing.value == pytest.approx(0.5, abs=0.05)
    own = found(answer.findings, "failures_concentrated", container="mill-2", role="both")
    assert own is not None
    assert own.value == 1.0


async def test_a_waiting_instance_that_is_silent_is_idle_as_declared() -> None:
    """The standby logs that it lives and nothing else: idle, and the service is normal."""
    answer = await asked(
        world(
            routing=JADE,
            logs=[handed(every(1, START, END)), orders("mill-1", every(1, START, END)), orders("mill-2", [])],
        )
    )
    idle = found(answer.findings, "idle_as_declared", container="mill-2")
    assert idle is not None
    assert idle.strength == 1.0
    assert kinds(answer.findings) == {"idle_as_declared", "work_normal"}


async def test_no_work_line_at_all_is_no_data_not_health() -> None:
    """Streams without a single work line answer `no_data` and no finding."""
    answer = await asked(world(routing=JADE, logs=[lines("mill-1", "mill", (every(30, START, END), "still here"))]))
    assert answer.status is Status.NO_DATA
    assert answer.findings == ()


async def test_an_unlisted_container_of_the_service_counts_with_its_share() -> None:
    """A container the inventory does not list, but whose stream names the service, is counted."""
    answer = await asked(
        world(
            routing=JADE,
            logs=[orders("mill-1", every(2, START, END)), orders("mill-7", every(2, ONSET, END, phase_s=1))],
        )
    )
    share = found(answer.findings, "share_of_work", container="mill-7", service="mill")
    assert share is not None
    assert share.direction == "up"


async def test_charts_stay_small() -> None:
    """Charts of telling series have at most 240 points and marks where the findings begin."""
    answer = await asked(
        world(
            routing=JADE,
            logs=[orders("mill-1", every(2, START, END)), orders("mill-2", every(2, ONSET, END, phase_s=1))],
        )
    )
    assert answer.charts
    assert all(len(c.ms) == len(c.values) <= 240 for c in answer.charts)


def uneven(period_s: float, start: int, end: int) -> list[int]:
    """Moments one period apart on average, as jobs come and clocks do not."""
    return [t + (t // 1_000 * 7_919) % int(period_s * 900) for t in every(period_s, start, end)]


@pytest.mark.parametrize("mapped", [False, True])
async def test_unmapped_work_is_guessed_from_lines_that_are_no_heartbeat(mapped: bool) -> None:
    """Without a mapping, or with one that matches nothing, the stray is still seen, at less strength, as a guess."""
    work = INVENTORY.services[1].work if mapped else None
    bare = tuple(s.model_copy(update={"work": work}) if s.name == "mill" else s for s in INVENTORY.services)
    beat = (every(2, START, END), "pulse ok")
    answer = await asked(
        world(
            routing=JADE,
            inventory=INVENTORY.model_copy(update={"services": bare}),
            logs=[
                lines("mill-1", "mill", beat, (uneven(2, START, END), "baked loaf {n}")),
                lines("mill-2", "mill", beat, (uneven(2, ONSET, END), "baked loaf {n}")),
            ],
        )
    )
    stranger = found(answer.findings, "work_by_waiting_role", container="mill-2")
    assert stranger is not None
    assert stranger.strength == pytest.approx(0.6)
    assert stranger.extra["guessed"] is True
    assert any("guessed" in gap for gap in answer.notes["gaps"])


async def test_heartbeats_alone_are_no_work() -> None:
    """A line as regular as a clock is never taken for work."""
    bare = tuple(s.model_copy(update={"work": None}) for s in INVENTORY.services)
    answer = await asked(
        world(
            routing=JADE,
            inventory=INVENTORY.model_copy(update={"services": bare}),
            logs=[lines(m, "mill", (every(2, START, END), "pulse ok")) for m in ("mill-1", "mill-2")],
        )
    )
    assert answer.status is Status.NO_DATA

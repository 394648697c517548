"""queues.state: do queues grow, and do more consumers wait on one than roles allow?"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from itertools import takewhile

import numpy as np

from tools.analysis.trend import rising_share, trend
from tools.charts import chart
from tools.evidence import Chart, Status
from tools.findings import Finding, Subject
from tools.question import Answer, NoArguments, Question
from tools.roles import STANDBY, Roles, read_roles
from tools.sources.queues import QueueState
from tools.windows import first_ms
from tools.wording import clock, number, sig
from tools.world import Scope, World

READINGS = 5
MANY = 1.4  # times the expected number, from which unnamed consumers are too many
STEADY = 5  # readings whose median is the present count
LEAST_GROWTH = 5


async def ask(world: World, scope: Scope, arguments: NoArguments) -> Answer:
    """Every reading from the baseline's start; growth since the onset, consumers now against roles and baseline."""
    assert world.queues is not None
    start = first_ms(world, scope)
    states, roles = await asyncio.gather(
        world.queues.states(start_ms=start, end_ms=scope.asked_at_ms), read_roles(world, scope)
    )
    if not states:
        return Answer("No queue was read in the window.", status=Status.NO_DATA, queries=("queues.states",))
    by_name: dict[str, list[QueueState]] = defaultdict(list)
    for state in states:
        by_name[state.name].append(state)
    findings, told = list[Finding](), list[str]()
    for name, readings in sorted(by_name.items()):
        findings += growth(world, scope, name, readings)
        findings += _consumers(world, scope, roles, name, readings)
        last = readings[-1]
        consumers = "" if last.consumers is None else f", {last.consumers} consumers"
        told.append(f"{name}: {last.length} items{consumers} at {clock(last.at_ms)}")
    return Answer(
        _text(told, findings),
        tuple(findings),
        queries=("queues.states",),
        charts=_charts(by_name),
        as_of_ms=max(s.at_ms for s in states),
    )


def growth(world: World, scope: Scope, name: str, readings: list[QueueState]) -> list[Finding]:
    """Longer at the end than ever in the baseline, and mostly upwards since it left that level."""
    usual = max((s.length for s in readings if s.at_ms < scope.incident[0]), default=0)
    calm = [i for i, s in enumerate(readings) if s.length <= usual]
    inside = readings[calm[-1] if calm else 0 :]
    if len(inside) < 3 or inside[-1].length - inside[0].length < LEAST_GROWTH:
        return []
    ms = np.array([s.at_ms for s in inside], dtype=np.int64)
    lengths = np.array([s.length for s in inside], dtype=np.float64)
    minutes = max((ms[-1] - ms[0]) / 60_000, 1e-3)
    line = trend(ms, lengths)
    rate = line.per_hour / 60 if line is not None else float(lengths[-1] - lengths[0]) / minutes
    if rate <= 0 or rising_share(lengths) < 0.6:
        return []
    strength = min(1.0, rising_share(lengths) * (len(inside) - 1) / READINGS)
    extra = {"length": inside[-1].length, "length_before": usual}
    return [
        Finding(
            "queue_growth",
            _about(world, name),
            strength,
            sig(float(rate)),
            direction="up",
            since_ms=int(ms[0]),
            detail=name,
            extra=extra,
        )
    ]


def _about(world: World, queue: str) -> Subject:
    brokers = [s for s in world.inventory.services if s.kind == "broker"]
    only = brokers[0] if len(brokers) == 1 else None
    return Subject(service=only.name if only else "", resource=queue, cluster=only.cluster if only else "")


def _consumers(world: World, scope: Scope, roles: Roles, name: str, readings: list[QueueState]) -> list[Finding]:
    """Consumers of waiting instances by name; where names are not told, more of them than one baseline instance had."""
    known = [s for s in readings if s.consumers is not None]
    if not known:
        return []
    workers = [m for s in world.inventory.services if s.kind == "worker" or s.follows for m in s.members()]
    last = known[-1]
    strays = [m for m in workers if roles.role(m, scope.asked_at_ms) == STANDBY and _named(last, m)]
    before = [s for s in known if s.at_ms < scope.baseline[1]]
    serving = [
        sum(1 for m in workers if roles.role(m, t) in ("active", "both"))
        for t in (before[0].at_ms if before else scope.baseline[0], scope.asked_at_ms)
    ]
    usual = float(np.median([s.consumers or 0 for s in before])) if before else 0.0
    expected = usual * serving[1] / serving[0] if serving[0] else 0.0
    now = float(np.median([s.consumers or 0 for s in known[-STEADY:]]))  # busy consumers do not block: counts jitter
    if not strays and not (expected > 0 and now >= expected * MANY):
        return []
    since = _since(known, lambda s: any(_named(s, m) for m in strays) if strays else (s.consumers or 0) > expected)
    detail = ", ".join(strays) if strays else name
    found = Finding(
        "extra_consumer",
        _about(world, name),
        1.0 if strays else 0.7,
        now,
        sig(expected) if expected else None,
        "up",
        since,
        detail,
        {"waiting": strays},
    )
    return [found]


def _since(known: list[QueueState], holds: Callable[[QueueState], bool]) -> int | None:
    """The first reading of the last stretch over which it holds."""
    stretch = list(takewhile(holds, reversed(known)))
    return stretch[-1].at_ms if stretch else None


def _named(state: QueueState, container: str) -> bool:
    return any(container == n or container in n.replace("/", ":").split(":") for n in state.consumer_names)


def _text(told: list[str], findings: list[Finding]) -> str:
    growing = [
        f"{f.detail} grows by {number(f.value or 0)} items a minute" for f in findings if f.kind == "queue_growth"
    ]
    extra = [
        f"{number(f.value or 0)} consumers, {number(f.baseline or 0)} expected ({f.detail})"
        for f in findings
        if f.kind == "extra_consumer"
    ]
    return "; ".join([*told[:6], *growing, *extra]) + "."


def _charts(by_name: dict[str, list[QueueState]]) -> tuple[Chart, ...]:
    return tuple(
        chart(
            f"length of {name}",
            "items",
            np.array([s.at_ms for s in rows], dtype=np.int64),
            np.array([s.length for s in rows], dtype=np.float64),
        )
        for name, rows in sorted(by_name.items())[:3]
    )


QUESTION = Question(
    name="queues.state",
    asks="Do queues grow, and do more consumers wait on them than roles allow?",
    needs=("queues",),
    finds=("queue_growth", "extra_consumer"),
    cost_s=0.5,
    arguments=NoArguments,
    ask=ask,
)

"""logs.activity: who does the work. Units by container and role, now against the baseline.

An instance that waits should do nothing; an active one should finish what is handed out. A colour that lost its role
may finish what it had: a drain dies away, a stray goes on.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from config.errors import UnknownThing
from tools.charts import chart
from tools.discover_work import TRUST, discover_work
from tools.dispatch import dispatchers, flow
from tools.evidence import Chart, Status
from tools.findings import Finding
from tools.question import Answer, Question
from tools.roles import Roles, read_roles
from tools.sources.inventory import Service
from tools.windows import NS, seconds
from tools.wording import clock, listed, number, percent
from tools.work import WorkCounts, bins, matchers_of, read_work, work_query
from tools.work_facts import Reading, facts
from tools.world import Scope, World


class ActivityArguments(BaseModel):
    """`service`: only this one; empty for every service whose work is mapped."""

    model_config = ConfigDict(extra="forbid")
    service: str = ""


async def ask(world: World, scope: Scope, arguments: ActivityArguments) -> Answer:
    """Counts work of every mapped service concurrently, then states who worked."""
    services = [s for s in world.inventory.services if arguments.service in ("", s.name)]
    if arguments.service and not services:
        raise UnknownThing(f"no service {arguments.service!r} in the inventory")
    joined = {r.name: r for s in services for r in (s, *dispatchers(world.inventory, s))}
    roles, speaking, results = await asyncio.gather(
        read_roles(world, scope),
        _speaking(world, scope, services),
        asyncio.gather(*(read_work(world, scope, s) for s in joined.values())),
    )
    counts = {w.service: w for w in results if w is not None}
    guessed = await _discovered(world, scope, services, counts)
    services = [guessed[s.name][0] if s.name in guessed else s for s in services]
    counts |= {name: work for name, (_, work) in guessed.items()}
    readings = [
        Reading(world, scope, s, counts[s.name], roles, flow(world.inventory, s, counts, scope.baseline), speaking)
        for s in services
        if s.name in counts
    ]
    return _answer(world, scope, services, readings, roles, frozenset(guessed))


async def _discovered(
    world: World, scope: Scope, services: list[Service], counts: dict[str, WorkCounts]
) -> dict[str, tuple[Service, WorkCounts]]:
    """Workers whose work is not mapped, or whose mapped lines never occur, with what their lines suggest instead."""
    silent = [s for s in services if s.kind == "worker" and (s.name not in counts or not counts[s.name].containers())]
    works = await asyncio.gather(*(discover_work(world, scope, s) for s in silent))
    found = [s.model_copy(update={"work": w}) for s, w in zip(silent, works, strict=True) if w is not None]
    read = await asyncio.gather(*(read_work(world, scope, s) for s in found))
    return {s.name: (s, r) for s, r in zip(found, read, strict=True) if r is not None and r.containers()}


async def _speaking(world: World, scope: Scope, services: list[Service]) -> frozenset[str]:
    """Containers with any line since the baseline began: without one, silence proves nothing."""
    if world.logs is None:
        return frozenset()
    logs, label = world.logs, world.inventory.labels.logs.container
    first, last, _ = bins(world, scope)
    ways = [m for s in services for m in matchers_of(world, s)]
    found = await asyncio.gather(*(logs.series(m, start_ns=first * NS, end_ns=last * NS + 1) for m in ways))
    return frozenset(labels.get(label, "") for streams in found for labels in streams)


def _answer(
    world: World, scope: Scope, services: list[Service], readings: list[Reading], roles: Roles, guessed: frozenset[str]
) -> Answer:
    queries = tuple(q for r in readings for q in r.counts.queries)
    unmapped = [s.name for s in services if s.work is None and s.kind in ("api", "worker")]
    gaps = (
        *roles.gaps,
        *((f"work is not mapped for {listed(unmapped)}",) if unmapped else ()),
        *(f"the work lines of {name} were guessed from its log" for name in sorted(guessed)),
    )
    notes = {"gaps": gaps, "work": {r.service.name: work_query(r.service) for r in readings}}
    if not any(r.counts.containers() for r in readings):
        asked = listed([r.service.name for r in readings]) or "no service with mapped work"
        window = f"between {clock(scope.baseline[0])} and {clock(scope.asked_at_ms)}"
        text = f"No unit of work was logged by {asked} {window}."
        return Answer(text, status=Status.NO_DATA, queries=queries, notes=notes)
    findings, sentences, charts = [], [], []
    for reading in readings:
        found = facts(reading)
        if reading.service.name in guessed:
            found = [replace(f, strength=f.strength * TRUST, extra={**f.extra, "guessed": True}) for f in found]
        findings += found
        sentences.append(_sentence(reading, found))
        charts += _charts(reading, found)
    return Answer(
        " ".join(s for s in sentences if s),
        tuple(findings),
        queries=queries,
        charts=tuple(charts),
        as_of_ms=max(r.end for r in readings),
        notes=notes,
    )


def _sentence(reading: Reading, findings: list[Finding]) -> str:
    """At most six short sentences whose numbers are those of the findings."""
    said = [_said(f, f"{reading.counts.unit}s") for f in findings]
    if not any(f.kind == "work_normal" for f in findings):
        said.append(_rates(reading))
    return " ".join([s for s in said if s][:6])


def _rates(reading: Reading) -> str:
    scope, name = reading.scope, reading.service.name
    now = reading.all_units(scope.incident[0], reading.end) / seconds((scope.incident[0], reading.end))
    before = reading.all_units(*scope.baseline) / seconds(scope.baseline)
    return f"{name} works at {number(now)} {reading.counts.unit}s/s, baseline {number(before)}."


def _said(f: Finding, units: str) -> str:
    who, e = f.subject.container or f.subject.service, f.extra
    now, before = f.value or 0.0, f.baseline or 0.0
    if f.kind == "work_by_waiting_role":
        since = f" since {clock(f.since_ms)}" if f.since_ms else " throughout"
        return (
            f"{who} (standby) handled {e['units']} of {e['of']} {units} ({percent(now)}){since}; "
            f"{percent(before)} before."
        )
    if f.kind == "work_stopped":
        return f"{who} finished nothing for {number(e['quiet_s'])} s while {e['dispatched']} {units} were due."
    if f.kind == "completion_gap":
        return f"{who} finished {e['finished']} of {e['dispatched']} {units} dispatched."
    if f.kind == "work_failing":
        return f"{who}: {e['failed']} of {e['finished']} {units} failed ({percent(now)}; {percent(before)} before)."
    if f.kind == "failures_concentrated":
        return f"{who} owns {e['failed']} of {e['of']} failures."
    if f.kind == "drain_decaying":
        return f"{who} finished {number(now)} {units} after it lost its role, the last at {clock(e['last_unit_ms'])}."
    if f.kind == "work_normal":
        return f"{who} works at {number(now)} {units}/s, baseline {number(before)}."
    return ""


def _charts(reading: Reading, findings: list[Finding]) -> list[Chart]:
    """Units a minute of each container a finding names."""
    named = {f.subject.container for f in findings if f.subject.container and f.kind != "idle_as_declared"}
    marks = tuple((f.since_ms, f.kind) for f in findings if f.since_ms)[:3]
    counts, factor = reading.counts, 60_000 / reading.counts.step_ms
    return [
        chart(f"{counts.unit}s handled by {c}", f"{counts.unit}s/min", counts.ms, counts.handled(c) * factor, marks)
        for c in sorted(named)[:4]
    ]


QUESTION = Question(
    name="logs.activity",
    asks="Which containers do the work, in which role, now against the baseline; does everything handed out finish?",
    needs=("logs",),
    finds=(
        "work_by_waiting_role",
        "share_of_work",
        "work_stopped",
        "completion_gap",
        "work_failing",
        "failures_concentrated",
        "drain_decaying",
        "idle_as_declared",
        "work_normal",
        "work_follows_demand",
        "demand_up",
    ),
    cost_s=2.0,
    arguments=ActivityArguments,
    ask=ask,
)

"""metrics.movers: over everything captured, which series moved most, by kind, and which component stands out.

Series of a kind are compared with their own kind: |robust z| with that kind's scale floor. Components are ranked with
the call graph of the inventory, so that one which merely waits for another stands behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.analysis.onset import step
from tools.charts import chart
from tools.evidence import Chart, Status
from tools.findings import Finding, Subject
from tools.moves import Mover, ranked, scored, sees_others
from tools.question import Answer, Question
from tools.readings import promql_string
from tools.roles import read_roles
from tools.series_kinds import floor_for, kind_of
from tools.sources.inventory import Inventory
from tools.sources.metrics import Metrics, Series
from tools.windows import Grid, grid, rate_window_ms
from tools.wording import number, sig
from tools.world import Scope, World

MAX_NAMES = 300
MAX_SERIES = 2_000
AT_ONCE = 8
PER_KIND = 6
MAX_FINDINGS = 40
MAX_SUSPECTS = 5
LEAST_SCORE = 0.2
MOVED = 4.0
COMPONENT_LABELS = ("service", "app", "job", "deployment", "pod", "instance")


class MoversArguments(BaseModel):
    """`kind`: only this kind of series (cpu, memory, network, latency, errors, …); empty for all. `hurts`: which of
    the two the alert says users feel, where it says so; symptoms of the other then count half."""

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(default="", max_length=30)
    hurts: Literal["", "latency", "errors"] = ""


async def ask(world: World, scope: Scope, arguments: MoversArguments) -> Answer:
    """Reads every series that says something of load or health, then ranks."""
    assert world.metrics is not None
    axis = grid(world, scope, rate_window_ms(world))
    (names, skipped), roles = await asyncio.gather(
        _names(world.metrics, axis, arguments.kind), read_roles(world, scope)
    )
    gate = asyncio.Semaphore(AT_ONCE)
    parts = await asyncio.gather(*(_read(world, axis, name, gate) for name in names))
    movers = scored([m for part in parts for m in part], axis)
    queries = ('count by (__name__) ({__name__=~".+"})', *(_query(world, n) for n in names[:30]))
    notes = {"gaps": (f"{skipped} metric names were left out for their number of series",)} if skipped else {}
    if not movers:
        return Answer("No series has samples on both sides of the onset.", status=Status.NO_DATA, queries=queries)
    best = _best(movers)
    own = [m for m in movers if not roles.changed(m.subject.container, axis.start_ms, axis.end_ms)]
    findings = [*_suspects(world.inventory, own, arguments.hurts), *(_moved(world, axis, m) for m in best)]
    return Answer(
        _text(movers, best, findings),
        tuple(findings),
        queries=queries,
        notes=notes,
        window=(axis.start_ms, axis.end_ms),
        charts=_charts(axis, best),
    )


async def _names(metrics: Metrics, axis: Grid, kind: str) -> tuple[list[str], int]:
    """(metric names worth reading, how many were left out): those with fewer series first."""
    query, middle = 'count by (__name__) ({__name__=~".+"})', int(axis.ms[axis.split // 2])
    answers = await asyncio.gather(*(metrics.instant(query, at_ms=t) for t in (axis.end_ms, middle)))
    counts: dict[str, float] = {}
    for series in (s for answer in answers for s in answer.series):
        name = series.label("__name__")
        counts[name] = max(counts.get(name, 0.0), float(series.values[-1]))
    wanted = sorted((n for n in counts if _worth_reading(n, kind)), key=lambda n: (counts[n], n))
    total, kept = 0.0, list[str]()
    for name in wanted[:MAX_NAMES]:
        total += counts[name]
        if total > MAX_SERIES:
            break
        kept.append(name)
    return kept, len(wanted) - len(kept)


def _worth_reading(name: str, kind: str) -> bool:
    known = kind_of(name)
    return not known.moot and not name.endswith("_bucket") and name != "up" and kind in ("", known.kind)


def _query(world: World, name: str) -> str:
    selector = f'{{__name__="{promql_string(name)}"}}'
    return f"rate({selector}[{rate_window_ms(world) // 1000}s])" if kind_of(name).counter else selector


async def _read(world: World, axis: Grid, name: str, gate: asyncio.Semaphore) -> list[Mover]:
    assert world.metrics is not None
    async with gate:
        result = await world.metrics.range(
            _query(world, name), start_ms=axis.start_ms, end_ms=axis.end_ms, step_ms=axis.step_ms
        )
    kind = kind_of(name)
    outbound = sees_others(name)
    return [
        Mover(name, kind, subject_of(world.inventory, s, kind.kind), outbound, axis.place(s)) for s in result.series
    ]


def subject_of(inventory: Inventory, series: Series, resource: str) -> Subject:
    """The subject a series' labels name, by the inventory's mapping, else by the labels exporters use."""
    labels = inventory.labels.metrics
    container = series.label(labels.container)
    owner = inventory.service_of(container)
    host = series.label(labels.host) if labels.host else ""
    service = owner.name if owner else (series.label(labels.service) if labels.service else "")
    listed_host = any(host in (h.name, h.instance) for h in inventory.hosts)
    if not service and not container and not listed_host:
        service = next((series.label(n) for n in COMPONENT_LABELS if n != labels.host and series.label(n)), "")
    return Subject(
        service=service,
        container=container,
        colour=owner.colour_of(container) if owner else "",
        host="" if container else host,
        resource=resource,
    )


def _best(movers: Sequence[Mover]) -> list[Mover]:
    """The strongest of each kind, one for a component and kind, strongest first."""
    seen, per_kind, out = set[tuple[str, str, str]](), dict[str, int](), list[Mover]()
    for m in movers:
        key = m.component, m.subject.container, m.kind.kind
        if abs(m.z) < MOVED or key in seen or per_kind.get(m.kind.kind, 0) >= PER_KIND:
            continue
        seen.add(key)
        per_kind[m.kind.kind] = per_kind.get(m.kind.kind, 0) + 1
        out.append(m)
    return out[:MAX_FINDINGS]


def _moved(world: World, axis: Grid, mover: Mover) -> Finding:
    smear = rate_window_ms(world) // axis.step_ms if mover.kind.counter else 0
    found = step(mover.values, floor_for(mover.metric), baseline_end=axis.split, smear=smear)
    since = int(axis.ms[found.at]) if found is not None else None
    return Finding(
        "level_changed",
        mover.subject,
        min(1.0, abs(mover.z) / 10),
        sig(mover.after),
        sig(mover.before),
        "up" if mover.z > 0 else "down",
        since,
        mover.metric,
        {"z": sig(mover.z, 3), "kind": mover.kind.kind},
    )


def _suspects(inventory: Inventory, movers: Sequence[Mover], hurts: str) -> list[Finding]:
    """The components that stand out; the call graph is the inventory's `depends_on`."""
    calls = [(s.name, d) for s in inventory.services for d in s.depends_on]
    suspects = [s for s in ranked(movers, calls, hurts=hurts) if s.score >= LEAST_SCORE][:MAX_SUSPECTS]
    named = {m.component: m.subject for m in movers}
    out = []
    for place, s in enumerate(suspects, start=1):
        extra: dict[str, object] = {"place": place, "own": sig(s.own, 3), "served": sig(s.served, 3)}
        extra["path"] = sig(s.path, 3)
        if s.explained_by:
            extra["explained_by"] = s.explained_by
        of = named.get(s.name, Subject(service=s.name))
        about = Subject(service=of.service, container="" if of.service else of.container, host=of.host)
        strength = min(1.0, s.score / 2) * (s.score / suspects[0].score)
        out.append(Finding("suspect", about, strength, sig(s.score, 3), extra=extra))
    return out


def _text(movers: Sequence[Mover], best: Sequence[Mover], findings: Sequence[Finding]) -> str:
    if not best:
        return f"None of {len(movers)} series left its baseline."
    said = [
        f"{_name(m)} {m.metric} {number(m.before)} -> {number(m.after)} (z {number(sig(m.z, 3))})" for m in best[:5]
    ]
    kinds = dict.fromkeys(m.kind.kind for m in best)
    suspects = [f.subject.service or f.subject.container or f.subject.host for f in findings if f.kind == "suspect"][:3]
    tail = f" Standing out: {', '.join(suspects)}." if suspects else ""
    return f"Of {len(movers)} series, moved most ({', '.join(kinds)}): {'; '.join(said)}.{tail}"


def _name(mover: Mover) -> str:
    return mover.subject.container or mover.component or "a series"


def _charts(axis: Grid, best: Sequence[Mover]) -> tuple[Chart, ...]:
    return tuple(chart(f"{_name(m)} {m.metric}", "", axis.ms, m.values) for m in best[:3])


QUESTION = Question(
    name="metrics.movers",
    asks="Over all captured series, which moved most against the baseline, and which component stands out?",
    needs=("metrics",),
    finds=("suspect", "level_changed"),
    cost_s=4.0,
    arguments=MoversArguments,
    ask=ask,
)

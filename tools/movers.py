"""metrics.movers: over everything captured, which series moved most, by kind, and which component stands out.

Series of a kind are compared with their own kind: |robust z| with that kind's scale floor. Components are ranked with
the call graph of the inventory, so that one which merely waits for another stands behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tools.analysis.onset import step
from tools.analysis.ranking import Standing, Symptoms, anomaly, rank
from tools.analysis.robust import Floats, median, row_z
from tools.charts import chart
from tools.evidence import Chart, Status
from tools.findings import Finding, Subject
from tools.question import Answer, Question
from tools.readings import promql_string
from tools.roles import read_roles
from tools.series_kinds import SeriesKind, floor_for, kind_of
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
    """`kind`: only this kind of series (cpu, memory, network, latency, errors, …); empty for all."""

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(default="", max_length=30)


@dataclass(frozen=True)
class Mover:
    """One series with its place on the grid and how far it moved."""

    metric: str
    kind: SeriesKind
    subject: Subject
    outbound: bool
    values: Floats
    before: float = float("nan")
    after: float = float("nan")
    z: float = 0.0

    @property
    def component(self) -> str:
        """The service, else the container, else the host."""
        return self.subject.service or self.subject.container or self.subject.host


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
    findings = [*_suspects(world.inventory, own), *(_moved(world, axis, m) for m in best)]
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


WEIGHTS = {"memory": 0.6, "network": 0.7, "disk": 0.7, "requests": 0.3, "share": 0.6, "other": 0.4}
"""How much a move of a kind says about what is wrong: caches fill, traffic follows users; CPU and queues tell more."""
OUTBOUND = frozenset({"client", "outbound", "upstream", "egress", "remote"})


def sees_others(metric: str) -> bool:
    """Whether the metric's name says it was measured by the component as a client of others."""
    return bool(OUTBOUND & set(_words(metric)))


def _words(name: str) -> Iterable[str]:
    word = ""
    for char in name:
        if char.isupper() or not char.isalnum():
            if word:
                yield word.lower()
            word = char if char.isalnum() else ""
        else:
            word += char
    if word:
        yield word.lower()


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


def scored(movers: Sequence[Mover], axis: Grid, recent: int = 0) -> list[Mover]:
    """Movers with levels and z, all computed at once, largest |z| first; series without a baseline are left out.

    `recent`: how many columns before the split lie just before the incident, where the rest of the baseline is from
    another time (another day). What had left the baseline by then did not begin with the incident: only what came on
    top counts.
    """
    if not movers:
        return []
    values = np.stack([_from_nothing(m, axis) for m in movers])
    values = np.where(np.isfinite(values), values, np.nan)
    floors = [floor_for(m.metric) for m in movers]
    split = np.full(len(movers), axis.split, dtype=np.int64)
    absolute, relative = np.array([f.absolute for f in floors]), np.array([f.relative for f in floors])
    before, after, z = row_z(values, split, absolute, relative, tails=True)
    if recent >= LEAST_RECENT:
        z = _since(values[:, axis.split - recent : axis.split], before, after, z)
    out = [
        replace(m, before=float(before[i]), after=float(after[i]), z=float(z[i]))
        for i, m in enumerate(movers)
        if np.isfinite(z[i])
    ]
    return sorted(out, key=lambda m: (-abs(m.z), m.metric, m.component))


LEAST_RECENT = 2


def _since(recent: Floats, before: Floats, after: Floats, z: Floats) -> Floats:
    """z of what came on top of the level just before the incident; 0 where it went the other way."""
    known = np.isfinite(recent).sum(axis=1) >= LEAST_RECENT
    level = np.array([median(row) for row in recent])
    with np.errstate(all="ignore"):
        part = np.clip((after - level) / (after - before), 0.0, 1.0)
    return np.where(known & np.isfinite(part), z * part, z)


APPEARS = frozenset({"cpu", "network", "disk", "requests", "errors"})


def _from_nothing(mover: Mover, axis: Grid) -> Floats:
    """A rate that was not there in the baseline came from 0: its container did not run."""
    if mover.kind.kind in APPEARS and mover.kind.counter and not np.isfinite(mover.values[: axis.split]).any():
        return np.where(np.arange(mover.values.size) < axis.split, 0.0, mover.values)
    return mover.values


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


def standings(inventory: Inventory, movers: Sequence[Mover]) -> list[Standing]:
    """Components ranked by what is wrong with themselves; the call graph is the inventory's `depends_on`."""
    return ranked(movers, [(s.name, d) for s in inventory.services for d in s.depends_on])


def ranked(movers: Sequence[Mover], calls: Iterable[tuple[str, str]]) -> list[Standing]:
    """As `standings`, with (caller, callee) pairs from anywhere; without any, components stand alone."""
    seen: dict[str, Symptoms] = {}
    for m in movers:
        if m.component:
            seen[m.component] = _with(seen.get(m.component, Symptoms()), m)
    return rank(seen, calls)


def _with(symptoms: Symptoms, mover: Mover) -> Symptoms:
    """The symptoms of a component with one more series."""
    s, kind = symptoms, mover.kind.kind
    size = anomaly(mover.z) * WEIGHTS.get(kind, 1.0)
    if kind not in ("latency", "errors", "success"):
        return replace(s, own=max(s.own, size))
    if (mover.z < 0) != (kind == "success") or mover.z == 0:
        return s
    moved = abs(mover.after - mover.before) if abs(mover.z) > 3.0 else 0.0
    if mover.outbound:
        return replace(s, outbound=max(s.outbound, size))
    if kind == "latency":
        return replace(s, latency=max(s.latency, size), slower=max(s.slower, moved))
    return replace(s, errors=max(s.errors, size), failing=max(s.failing, moved))


def _suspects(inventory: Inventory, movers: Sequence[Mover]) -> list[Finding]:
    suspects = [s for s in standings(inventory, movers) if s.score >= LEAST_SCORE][:MAX_SUSPECTS]
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

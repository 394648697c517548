"""metrics.onset: when did it begin, and do users feel it? Asked first; the scope of every other question follows it.

Change points are looked for in what users feel, in the resources of each container and in the work they do. The onset
is where the earliest heavy group of lasting changes lies that leads up to what users noticed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from config.errors import CulpritError
from tools.analysis.onset import Step, consensus, step
from tools.analysis.robust import FLOORS, Floats, floor_of
from tools.changes import symptom_path
from tools.charts import chart
from tools.evidence import Chart, Status
from tools.findings import Finding, Subject
from tools.front_door import read_front_door
from tools.indicators import Indicator, read_indicators
from tools.metrics import level_changed
from tools.question import Answer, Question
from tools.resources import ResourceReading, read_resources
from tools.subjects import subject
from tools.user_impact import impact_of
from tools.windows import Grid, grid, rate_window_ms
from tools.wording import clock, number, sig
from tools.work import WorkCounts, read_work
from tools.world import Scope, World

LEADS_MS = 5 * 60_000
LAGS_MS = 45_000
GROUP_MS = 45_000
GROUP_SHARE = 0.25
RESOURCES = ("cpu", "memory", "network_rx", "network_tx", "throttling")


class OnsetArguments(BaseModel):
    """`symptom`: the service whose users suffer, where it is known; its path narrows what counts."""

    model_config = ConfigDict(extra="forbid")
    symptom: str = ""


@dataclass(frozen=True)
class Moved:
    """A lasting change of one series: who, when, how much it counts."""

    about: Subject
    axis: Grid
    step: Step
    weight: float

    @property
    def at_ms(self) -> int:
        """The moment of the change."""
        return int(self.axis.ms[self.step.at])


async def ask(world: World, scope: Scope, arguments: OnsetArguments) -> Answer:
    """Reads user-visible series, container resources and work over the whole window, all at once."""
    axis = grid(world, scope, rate_window_ms(world))
    indicators, resources, work = await asyncio.gather(
        read_indicators(world, axis), read_resources(world, axis, RESOURCES), _work(world, scope)
    )
    indicators = (*indicators, *await read_front_door(world, axis))
    if not indicators and not resources:
        return Answer("No user-visible metric and no container metric has data.", status=Status.NO_DATA)
    impact = _standing([f for i in indicators for f in impact_of(i, axis)])
    noticed = min((f.since_ms for f in impact if f.since_ms is not None and "healed_ms" not in f.extra), default=None)
    moved = _moves(world, axis, resources) + work_moves(world, work)
    path = symptom_path(world.inventory, arguments.symptom)
    moved = [m for m in moved if not path or not m.about.service or m.about.service in path] or moved
    onset, group, share = _onset(moved, noticed)
    findings = list(impact)
    if onset is not None:
        findings.insert(0, _incident_onset(onset, group, share, noticed))
        findings += [level_changed(m.about, m.axis, m.step) for m in group]
    if not impact and indicators:
        findings.insert(0, _healthy(indicators, axis))
    queries = tuple(dict.fromkeys([*(i.query for i in indicators), *(r.query for r in resources)]))
    return Answer(
        _text(findings, onset, noticed, bool(indicators)),
        tuple(findings[:40]),
        queries=queries,
        window=(axis.start_ms, axis.end_ms),
        charts=_charts(axis, indicators, impact),
        notes={} if indicators else {"gaps": ("no user-visible metric was found",)},
    )


def _standing(impact: list[Finding]) -> list[Finding]:
    """Without what healed where others of the kind still suffer: one view that recovered is no recovery."""
    lasting = {f.kind for f in impact if not f.extra.get("healed")}
    return [f for f in impact if not f.extra.get("healed") or f.kind not in lasting]


async def _work(world: World, scope: Scope) -> list[WorkCounts]:
    """Work of every mapped service; what cannot be read is left out here, logs.activity tells why."""
    results = await asyncio.gather(
        *(read_work(world, scope, s) for s in world.inventory.services), return_exceptions=True
    )
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, CulpritError):
            raise result
    return [r for r in results if isinstance(r, WorkCounts)]


def _moves(world: World, axis: Grid, readings: tuple[ResourceReading, ...]) -> list[Moved]:
    smear = rate_window_ms(world) // axis.step_ms
    out = []
    for reading in readings:
        floor, spread = floor_of(reading.resource.kind), 0 if reading.resource.name == "memory" else smear
        for name, values in reading.values.items():
            found = step(values, floor, smear=spread)
            if found is not None and found.healed is None:
                about = subject(world.inventory, name, resource=reading.resource.name)
                weight = min(1.0, abs(found.z) / 10) * (0.5 if reading.resource.name == "memory" else 1.0)
                out.append(Moved(about, axis, found, weight))
    return out


def work_moves(world: World, work: list[WorkCounts]) -> list[Moved]:
    """Lasting changes of the pace at which each container works."""
    out = []
    for counts in work:
        axis = Grid(int(counts.ms[0]), int(counts.ms[-1]), counts.step_ms, int(counts.ms[0]))
        for name in counts.containers():
            found = step(_per_bin(counts.handled(name)), FLOORS["count"])
            if found is not None and found.healed is None:
                about = subject(world.inventory, name, resource="work", service=counts.service)
                out.append(Moved(about, axis, found, min(1.0, abs(found.z) / 10)))
    return out


def _per_bin(counts: Floats) -> Floats:
    """Counts smoothed over three bins: single units in short bins are noise."""
    return np.convolve(np.pad(counts, 1, mode="edge"), np.ones(3) / 3, "valid")


def _onset(moved: list[Moved], noticed: int | None) -> tuple[int | None, list[Moved], float]:
    """(onset, the changes of its group, their share of all weight)."""
    near = [m for m in moved if noticed is None or noticed - LEADS_MS <= m.at_ms <= noticed + LAGS_MS]
    if not near:
        return noticed, [], 0.0
    groups = _groups(sorted(near, key=lambda m: m.at_ms))
    weights = [sum(m.weight for m in g) for g in groups]
    heavy = next(g for g, w in zip(groups, weights, strict=True) if w >= GROUP_SHARE * max(weights))
    if noticed is None:
        heavy = groups[int(np.argmax(weights))]
    if noticed is None and max(weights) < 1.0:
        return None, [], 0.0
    found = consensus(np.array([m.at_ms for m in heavy]), np.array([m.weight for m in heavy]), GROUP_MS)
    at = found[0] if found else heavy[0].at_ms
    if noticed is not None:
        at = min(at, noticed)
    share = sum(m.weight for m in heavy) / max(sum(m.weight for m in moved), 1e-9)
    return at, [m for m in heavy if m.at_ms >= at], share


def _groups(moved: list[Moved]) -> list[list[Moved]]:
    """Changes whose neighbours are less than a group's width apart, oldest first."""
    out = [[moved[0]]]
    for m in moved[1:]:
        if m.at_ms - out[-1][-1].at_ms > GROUP_MS:
            out.append([])
        out[-1].append(m)
    return out


def _incident_onset(onset: int, group: list[Moved], share: float, noticed: int | None) -> Finding:
    agreeing = len(group) + (noticed is not None and abs(noticed - onset) <= LAGS_MS)
    extra: dict[str, object] = {"share_of_moves": sig(share, 3)}
    if noticed is not None:
        extra["users_noticed_ms"] = noticed
        extra["lead_s"] = sig((noticed - onset) / 1000)
    strength = min(1.0, 0.6 + 0.1 * agreeing) if noticed is not None else min(0.6, 0.2 + 0.1 * agreeing)
    return Finding("incident_onset", Subject(), strength, float(agreeing), since_ms=onset, extra=extra)


def _healthy(indicators: tuple[Indicator, ...], axis: Grid) -> Finding:
    latency = [i for i in indicators if i.kind == "latency"]
    subject_of = Subject(service=indicators[0].subject.service)
    if not latency:
        return Finding("user_healthy", subject_of, 0.8)
    worst = max(latency, key=lambda i: _tail(i.values[axis.split :]) / max(_tail(i.values[: axis.split]), 1e-9))
    now, before = _tail(worst.values[axis.split :]), _tail(worst.values[: axis.split])
    ratio = now / before if before > 0 else 1.0
    strength = min(1.0, max(0.3, 1 - (ratio - 1.2)))
    return Finding("user_healthy", worst.subject, strength, sig(now), sig(before))


def _tail(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(np.quantile(finite, 0.9)) if finite.size else 0.0


def _text(findings: list[Finding], onset: int | None, noticed: int | None, seen: bool) -> str:
    parts = []
    for f in findings:
        if f.kind == "user_latency_up":
            rose = f"from {number(f.baseline or 0)} to {number(f.value or 0)} s at {clock(f.since_ms or 0)}"
            parts.append(f"Latency {f.subject.resource} rose {rose}.")
        elif f.kind == "user_errors_up":
            parts.append(
                f"Errors rose from {number(f.baseline or 0)} to {number(f.value or 0)} of all "
                f"at {clock(f.since_ms or 0)}."
            )
        elif f.kind == "user_healthy":
            parts.append("What users feel is at its baseline.")
    if not seen:
        parts.append("No user-visible metric was found.")
    if onset is not None:
        count = sum(1 for f in findings if f.kind == "level_changed")
        parts.append(f"It began at {clock(onset)}: {count} container series left their level then.")
    return " ".join(parts[:6])


def _charts(axis: Grid, indicators: tuple[Indicator, ...], impact: list[Finding]) -> tuple[Chart, ...]:
    """The user-visible series that moved, else the first latency."""
    wanted = {f.subject for f in impact} or {i.subject for i in indicators if i.kind == "latency"}
    shown = [i for i in indicators if i.subject in wanted][:3]
    return tuple(
        chart(
            f"{i.subject.service} {i.subject.resource}".strip(),
            "s" if i.kind == "latency" else "share",
            axis.ms,
            i.values,
            [(f.since_ms, f.kind) for f in impact if f.subject == i.subject],
        )
        for i in shown
    )


QUESTION = Question(
    name="metrics.onset",
    asks="When did it begin, and do users feel it in latency or errors?",
    needs=("metrics",),
    finds=("incident_onset", "user_latency_up", "user_errors_up", "user_healthy", "level_changed"),
    cost_s=2.0,
    arguments=OnsetArguments,
    ask=ask,
)

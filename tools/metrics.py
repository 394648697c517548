"""metrics.change: what moved in the resources of each container: level, limits, throttling, egress, trend."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from pydantic import BaseModel, ConfigDict

from config.errors import UnknownThing
from tools.analysis.onset import Ints, Step, step
from tools.analysis.robust import Floats, floor_of, median
from tools.analysis.trend import rising_share, trend
from tools.charts import chart
from tools.evidence import Chart, Status
from tools.findings import Finding, Subject
from tools.question import Answer, Question
from tools.resources import Resource, ResourceReading, read_resources
from tools.roles import Roles, read_roles
from tools.subjects import subject
from tools.windows import Grid, grid, rate_window_ms
from tools.wording import clock, number, sig
from tools.world import Scope, World

SATURATED = 0.8
THROTTLED = 0.05
EGRESS_RATIO = 3.0
TOGETHER_MS = 45_000
LEAST_TREND_MS = 240_000
EGRESS_LEAST = 10_000.0  # bytes per second
MAX_FINDINGS = 60


class ChangeArguments(BaseModel):
    """`service` or `container`: only those; both empty: every container that is measured."""

    model_config = ConfigDict(extra="forbid")
    service: str = ""
    container: str = ""


async def ask(world: World, scope: Scope, arguments: ChangeArguments) -> Answer:
    """Reads every resource of every container on one grid, then compares now with the baseline."""
    if arguments.service and world.inventory.service(arguments.service) is None:
        raise UnknownThing(f"no service {arguments.service!r} in the inventory")
    axis = grid(world, scope, rate_window_ms(world))
    readings, roles = await asyncio.gather(read_resources(world, axis), read_roles(world, scope))
    wanted = _wanted(world, arguments, readings)
    queries = tuple(r.query for r in readings)
    if not wanted:
        return Answer("No container resource is measured under these names.", status=Status.NO_DATA, queries=queries)
    found = [
        f
        for r in readings
        for name in wanted
        if name in r.values
        for f in container_facts(world, scope, axis, roles, r, name)
    ]
    found = inner_traffic(found)
    found.sort(key=lambda f: (-f.strength, f.subject.container, f.subject.resource))
    kept = found[:MAX_FINDINGS]
    return Answer(
        _text(kept, len(wanted)),
        tuple(kept),
        queries=queries,
        window=(axis.start_ms, axis.end_ms),
        as_of_ms=_newest(axis, readings),
        charts=charts(axis, readings, kept),
    )


def _wanted(world: World, arguments: ChangeArguments, readings: Iterable[ResourceReading]) -> list[str]:
    names = sorted({n for r in readings for n in r.values})
    if arguments.container:
        return [n for n in names if n == arguments.container]
    service = world.inventory.service(arguments.service)
    return [n for n in names if service is None or n in service.members()]


def container_facts(
    world: World, scope: Scope, axis: Grid, roles: Roles, reading: ResourceReading, name: str
) -> list[Finding]:
    """All findings of one resource of one container; `role_changed` marks a move that a switch explains."""
    values, resource = reading.values[name], reading.resource
    switched = roles.changed(name, axis.start_ms, scope.asked_at_ms)
    about = subject(world.inventory, name, role=roles.role(name, scope.asked_at_ms), resource=resource.name)
    smear = rate_window_ms(world) // axis.step_ms
    moved = step(values, floor_of(resource.kind), baseline_end=axis.split, smear=smear)
    out = list[Finding]()
    if moved is not None:
        out.append(level_changed(about, axis, moved, appeared=name in reading.appeared, switched=switched))
        if resource.name == "network_tx":
            out += _egress(about, axis, moved, _peers(world, reading, name))
    if resource.name in ("cpu_of_limit", "memory_of_limit"):
        out += _saturation(about, axis, values, moved)
    elif resource.name == "throttling":
        out += _throttling(about, axis, values, moved)
    if resource.name == "memory" or (resource.name == "cpu" and _one_core(world, name)):
        out += (
            _trend(about, axis, values, resource)
            if resource.name == "memory"
            else _saturation(about, axis, values, moved)
        )
    return out


def _peers(world: World, reading: ResourceReading, name: str) -> float:
    """The highest usual level among an instance's peers: what its service may well need; 0 without peers."""
    owner = world.inventory.service_of(name)
    peers = [reading.values[m] for m in (owner.members() if owner else ()) if m != name and m in reading.values]
    levels = [float(np.nanquantile(v, 0.9)) for v in peers if np.isfinite(v).any()]
    return max(levels, default=0.0)


def level_changed(
    about: Subject, axis: Grid, moved: Step, *, appeared: bool = False, switched: bool = False
) -> Finding:
    """The step as a finding; one that healed before the end weighs half."""
    healed = moved.healed is not None
    extra: dict[str, object] = {"z": sig(moved.z, 3)}
    if moved.healed is not None:
        extra["healed_ms"] = int(axis.ms[moved.healed])
    if appeared:
        extra["appeared"] = True
    if switched:
        extra["role_changed"] = True
    return Finding(
        "level_changed",
        about,
        min(1.0, abs(moved.z) / 10) * (0.5 if healed else 1.0),
        sig(moved.after),
        sig(moved.before),
        "up" if moved.z > 0 else "down",
        int(axis.ms[moved.at]),
        extra=extra,
    )


def _one_core(world: World, container: str) -> bool:
    """A broker runs its commands on a single thread: one core is its limit, whatever its container may use."""
    owner = world.inventory.service_of(container)
    return owner is not None and owner.kind == "broker"


def recent(axis: Grid, values: Floats, moved: Step | None) -> float:
    """The level now: since the step where one stands, else since the onset guess."""
    if moved is not None and moved.healed is None:
        return moved.after
    return median(values[axis.split :])


def chronic(strength: float, began: int | None, now: float, before: float) -> float:
    """A share that was as high in the baseline cannot have begun the incident: a third of its strength."""
    return strength / 3 if began is None and before >= 0.8 * now else strength


def _saturation(about: Subject, axis: Grid, values: Floats, moved: Step | None) -> list[Finding]:
    now, before = recent(axis, values, moved), median(values[: axis.split])
    if not now >= SATURATED:
        return []
    began = int(axis.ms[moved.at]) if moved is not None and moved.healed is None and moved.z > 0 else None
    return [
        Finding(
            "saturation",
            about,
            chronic(min(1.0, (now - 0.65) / 0.3), began, now, before),
            sig(now),
            sig(before) if np.isfinite(before) else None,
            "up" if began else "",
            began,
        )
    ]


def _throttling(about: Subject, axis: Grid, values: Floats, moved: Step | None) -> list[Finding]:
    now, before = recent(axis, values, moved), median(values[: axis.split])
    if not now >= THROTTLED:
        return []
    began = int(axis.ms[moved.at]) if moved is not None and moved.healed is None and moved.z > 0 else None
    return [
        Finding(
            "throttling",
            about,
            chronic(min(1.0, now / 0.5), began, now, before),
            sig(now),
            sig(before) if np.isfinite(before) else None,
            "up" if began else "",
            began,
        )
    ]


def _egress(about: Subject, axis: Grid, moved: Step, peers: float) -> list[Finding]:
    if moved.healed is not None or moved.z < 0 or moved.after < EGRESS_LEAST:
        return []
    ratio = moved.after / max(moved.before, peers, 100.0)
    if ratio < EGRESS_RATIO:
        return []
    return [
        Finding(
            "egress_new", about, min(1.0, ratio / 10), sig(moved.after), sig(moved.before), "up", int(axis.ms[moved.at])
        )
    ]


def inner_traffic(findings: list[Finding]) -> list[Finding]:
    """What one container sends more, another listed one receives more at the same time: no egress to the outside."""
    rises = [f for f in findings if f.kind == "level_changed" and f.direction == "up" and f.since_ms is not None
             and f.subject.resource == "network_rx"]

    def inner(sent: Finding) -> str:
        grew = (sent.value or 0.0) - (sent.baseline or 0.0)
        for f in rises:
            got = (f.value or 0.0) - (f.baseline or 0.0)
            together = abs((f.since_ms or 0) - (sent.since_ms or 0)) <= TOGETHER_MS
            if f.subject.container != sent.subject.container and together and 0.5 <= got / max(grew, 1.0) <= 2.0:
                return f.subject.container
        return ""

    return [
        replace(f, extra={**f.extra, "inner": True, "to": to})
        if f.kind == "egress_new" and (to := inner(f)) else f
        for f in findings
    ]


def _trend(about: Subject, axis: Grid, values: Floats, resource: Resource) -> list[Finding]:
    """A steady climb or fall, no step: over the whole window, else since the onset, else up to it (a kill ends it)."""
    for first, end in ((0, values.size), (axis.split, values.size), (0, axis.split)):
        found = _line(about, axis.ms[first:end], values[first:end], resource, whole=end - first == values.size)
        if found:
            return found
    return []


def _line(about: Subject, ms: Ints, values: Floats, resource: Resource, *, whole: bool) -> list[Finding]:
    """At least a tenth of its level over the stretch, mostly one way; a part of a few minutes is no trend."""
    line = trend(ms, values)
    if line is None or line.last <= 0 or (not whole and (line.r2 < 0.9 or ms[-1] - ms[0] < LEAST_TREND_MS)):
        return []
    if line.r2 < 0.8:
        return []
    hours = int(ms[-1] - ms[0]) / 3_600_000
    one_way = rising_share(values) if line.per_hour > 0 else 1 - rising_share(values)
    if abs(line.per_hour) * hours < max(0.1 * line.last, 5 * floor_of(resource.kind).absolute) or one_way < 0.6:
        return []
    direction, strength = "up" if line.per_hour > 0 else "down", min(1.0, max(0.1, (line.r2 - 0.6) / 0.3))
    extra = {"r2": sig(line.r2, 3), "last": sig(line.last)}
    return [Finding("trend", about, strength, sig(line.per_hour), direction=direction, extra=extra)]


def _newest(axis: Grid, readings: Iterable[ResourceReading]) -> int | None:
    last = [
        int(axis.ms[np.flatnonzero(np.isfinite(v))[-1]])
        for r in readings
        for v in r.values.values()
        if np.isfinite(v).any()
    ]
    return max(last, default=None)


def _text(findings: list[Finding], containers: int) -> str:
    steps = [f for f in findings if f.kind == "level_changed"][:4]
    others = [f for f in findings if f.kind in ("saturation", "throttling", "egress_new", "trend")][:3]
    if not steps and not others:
        return f"No resource of {containers} containers left its baseline."
    said = [
        f"{f.subject.container} {f.subject.resource} {number(f.baseline or 0)} -> {number(f.value or 0)} "
        f"at {clock(f.since_ms or 0)}"
        for f in steps
    ]
    said += [
        f"{f.subject.container} {f.subject.resource} {f.kind.replace('_', ' ')} {number(f.value or 0)}" for f in others
    ]
    return "; ".join(said) + "."


def charts(axis: Grid, readings: Iterable[ResourceReading], findings: list[Finding]) -> tuple[Chart, ...]:
    """The strongest three findings' series."""
    known = {r.resource.name: r for r in readings}
    out, seen = list[Chart](), set[tuple[str, str]]()
    for f in findings:
        key = f.subject.container, f.subject.resource
        if key in seen or f.subject.resource not in known or len(out) == 3:
            continue
        seen.add(key)
        reading = known[f.subject.resource]
        values, marks = reading.values[f.subject.container], ((f.since_ms, f.kind),)
        out.append(chart(f"{f.subject.container} {f.subject.resource}", reading.resource.unit, axis.ms, values, marks))
    return tuple(out)


QUESTION = Question(
    name="metrics.change",
    asks="How did CPU, memory, network and throttling of each container move against the baseline and their limits?",
    needs=("metrics",),
    finds=("level_changed", "saturation", "throttling", "egress_new", "trend"),
    cost_s=1.5,
    arguments=ChangeArguments,
    ask=ask,
)

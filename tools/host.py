"""metrics.host: is the host short of CPU, memory or disk, and which container owns the pressure?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tools.analysis.onset import step
from tools.analysis.robust import Floats, floor_of, median
from tools.charts import chart
from tools.evidence import Chart, Status
from tools.findings import Finding, Subject
from tools.metrics import chronic, recent
from tools.question import Answer, NoArguments, Question
from tools.readings import by_label
from tools.resources import ResourceReading, read_resources
from tools.roles import Roles, read_roles
from tools.sources.inventory import Inventory
from tools.subjects import host_name, subject
from tools.windows import Grid, grid, rate_window_ms
from tools.wording import clock, number, percent, sig
from tools.world import Scope, World

PRESSED = 0.75
OWNS = 0.25
GREW = 0.05  # a container's share of the host, gained since the baseline


@dataclass(frozen=True)
class Used:
    """The used share of one resource of one host on the grid, and the query it came from."""

    host: str
    resource: str
    values: Floats
    query: str


async def ask(world: World, scope: Scope, arguments: NoArguments) -> Answer:
    """CPU, memory and disk of every host, and the CPU of every container as a share of its host."""
    axis = grid(world, scope, rate_window_ms(world))
    used, cores, resources, roles = await asyncio.gather(
        _used(world, axis), _cores(world, axis), read_resources(world, axis, ("cpu",)), read_roles(world, scope)
    )
    if not used:
        return Answer("No host metric has data.", status=Status.NO_DATA)
    findings = [f for u in used for f in _pressure(world.inventory, axis, u)]
    if resources:
        findings += _owners(world, scope, axis, used, cores, resources[0], roles)
    queries = (*dict.fromkeys(u.query for u in used), *(r.query for r in resources))
    return Answer(_text(findings, used), tuple(findings), queries=queries, charts=_charts(axis, used, findings))


async def _used(world: World, axis: Grid) -> list[Used]:
    assert world.metrics is not None
    metrics, label = world.metrics, world.inventory.labels.metrics.host or "instance"
    window = f"{rate_window_ms(world) // 1000}s"
    queries = {
        "cpu": f'1 - sum by ({label}) (rate(node_cpu_seconds_total{{mode="idle"}}[{window}])) '
        f"/ {_total(label, window)}",
        "memory": f"1 - sum by ({label}) (node_memory_MemAvailable_bytes) "
        f"/ sum by ({label}) (node_memory_MemTotal_bytes)",
        "disk": f'max by ({label}) (1 - node_filesystem_avail_bytes{{fstype!~"tmpfs|overlay|squashfs|ramfs"}} '
        f'/ node_filesystem_size_bytes{{fstype!~"tmpfs|overlay|squashfs|ramfs"}})',
    }
    read = await asyncio.gather(*(by_label(metrics, q, label, axis) for q in queries.values()))
    return [
        Used(host, resource, values, queries[resource])
        for resource, hosts in zip(queries, read, strict=True)
        for host, values in sorted(hosts.items())
    ]


def _total(label: str, window: str) -> str:
    """Cores of a host: all modes' seconds a second, where one series may stand for all cores together; else, where only
    idle time is kept, the number of its series."""
    every, cores = f"sum by ({label}) (rate(node_cpu_seconds_total[{window}]))", (
        f'count by ({label}) (node_cpu_seconds_total{{mode="idle"}})')
    return f"(({every} >= {cores}) or {cores})"


async def _cores(world: World, axis: Grid) -> Mapping[str, float]:
    assert world.metrics is not None
    label = world.inventory.labels.metrics.host or "instance"
    query = _total(label, f"{rate_window_ms(world) // 1000}s")
    result = await world.metrics.instant(query, at_ms=axis.end_ms)
    return {s.label(label): float(s.values[-1]) for s in result.series}


def _pressure(inventory: Inventory, axis: Grid, used: Used) -> list[Finding]:
    moved = step(used.values, floor_of("share"), baseline_end=axis.split)
    now, before = recent(axis, used.values, moved), median(used.values[: axis.split])
    if not now >= PRESSED:
        return []
    began = int(axis.ms[moved.at]) if moved is not None and moved.healed is None and moved.z > 0 else None
    about = Subject(host=host_name(inventory, used.host), resource=used.resource)
    return [
        Finding(
            "host_pressure",
            about,
            chronic(min(1.0, (now - 0.6) / 0.3), began, now, before),
            sig(now),
            sig(before) if np.isfinite(before) else None,
            "up" if began else "",
            began,
        )
    ]


def _owners(
    world: World,
    scope: Scope,
    axis: Grid,
    used: list[Used],
    cores: Mapping[str, float],
    cpu: ResourceReading,
    roles: Roles,
) -> list[Finding]:
    """Containers with a large part of what the host uses, where the host is pressed or their part grew."""
    busiest = max((u for u in used if u.resource == "cpu"), key=lambda u: median(u.values[axis.split :]), default=None)
    if busiest is None or not cores.get(busiest.host):
        return []
    total = cores[busiest.host]
    host_now, host_then = median(busiest.values[axis.split :]), median(busiest.values[: axis.split])
    host = host_name(world.inventory, busiest.host)
    out, contained, contained_then = list[Finding](), 0.0, 0.0
    for name, values in sorted(cpu.values.items()):
        moved = step(values, floor_of("cpu"), baseline_end=axis.split)
        now, before = recent(axis, values, moved) / total, median(values[: axis.split]) / total
        contained += now if np.isfinite(now) else 0.0
        contained_then += before if np.isfinite(before) else 0.0
        share = now / max(host_now, 1e-9)
        if not share >= OWNS or (host_now < PRESSED and now - before < GREW) or now < 0.1:
            continue
        about = subject(world.inventory, name, role=roles.role(name, scope.asked_at_ms), resource="cpu")
        began = int(axis.ms[moved.at]) if moved is not None and moved.z > 0 and moved.healed is None else None
        out.append(
            Finding(
                "pressure_owner",
                about,
                chronic(min(1.0, share / 0.5), began, now, before),
                sig(min(share, 1.0)),
                sig(min(before / max(host_then, 1e-9), 1.0)) if np.isfinite(before) else None,
                "up" if began else "",
                began,
                extra={"of_host": sig(now), "host": host},
            )
        )
    if host_now >= PRESSED and contained < 0.4 * host_now:
        out.append(_outside(host, host_now, contained, host_then, contained_then))
    return sorted(out, key=lambda f: -(f.value or 0))


def _outside(host: str, now: float, contained: float, then: float, contained_then: float) -> Finding:
    """What uses the host is no container that is measured; weak where that was so in the baseline already."""
    grew = (now - contained) - (then - contained_then)
    share, before = 1 - contained / now, 1 - contained_then / max(then, 1e-9)
    strength = min(1.0, max(0.6, share)) if grew >= GREW else 0.2
    about = Subject(host=host, resource="cpu")
    return Finding("pressure_owner", about, strength, sig(share), sig(before), detail="outside containers")


def _text(findings: list[Finding], used: list[Used]) -> str:
    pressed = [
        f"{f.subject.host} {f.subject.resource} {percent(f.value or 0)} used"
        + (f" since {clock(f.since_ms)}" if f.since_ms else "")
        for f in findings
        if f.kind == "host_pressure"
    ]
    owners = [
        f"{f.subject.container or f.detail} {number(f.value or 0)} of the host's CPU use"
        for f in findings
        if f.kind == "pressure_owner"
    ]
    if not pressed and not owners:
        return f"{len({u.host for u in used})} hosts are below {percent(PRESSED)} of CPU, memory and disk."
    return ". ".join(["; ".join(x) for x in (pressed, owners) if x]) + "."


def _charts(axis: Grid, used: list[Used], findings: list[Finding]) -> tuple[Chart, ...]:
    pressed = {f.subject.resource for f in findings if f.kind == "host_pressure"}
    shown = [u for u in used if u.resource in pressed][:3]
    return tuple(chart(f"{u.host} {u.resource}", "used share", axis.ms, u.values) for u in shown)


QUESTION = Question(
    name="metrics.host",
    asks="Is a host short of CPU, memory or disk, since when, and which container owns the pressure?",
    needs=("metrics",),
    finds=("host_pressure", "pressure_owner"),
    cost_s=1.5,
    arguments=NoArguments,
    ask=ask,
)

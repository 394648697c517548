"""metrics.health: can the monitoring be believed? Targets down, samples stale, counters reset, clocks apart.

Asked before anything is concluded: a quiet graph of a dead exporter is no quiet system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from config.errors import CulpritError
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.question import Answer, NoArguments, Question
from tools.readings import promql_label
from tools.sources.metrics import Metrics, MetricsResult, Series
from tools.subjects import host_name, subject
from tools.windows import Grid, grid
from tools.wording import clock, listed, number, sig
from tools.world import Scope, World

SKEW_S = 1.0
FAMILIES = {
    "containers": 'max(timestamp({__name__=~"container_last_seen|container_cpu_usage_seconds_total"}))',
    "hosts": 'max(timestamp({__name__=~"node_cpu_seconds_total|node_time_seconds"}))',
    "probes": "max(timestamp(probe_success))",
}


async def ask(world: World, scope: Scope, arguments: NoArguments) -> Answer:
    """Targets, freshness, resets and clocks, all at once."""
    assert world.metrics is not None
    axis = grid(world, scope)
    metrics, label = world.metrics, promql_label(world)
    window_s = max(1, (axis.end_ms - axis.start_ms) // 1000 - 1)
    resets = f'sum by ({label}) (resets(container_cpu_usage_seconds_total{{{label}!=""}}[{window_s}s]))'
    skew = "node_time_seconds - timestamp(node_time_seconds) or node_timex_offset_seconds"
    (targets, reset, clocks), newest = await asyncio.gather(
        asyncio.gather(
            metrics.range("up", start_ms=axis.start_ms, end_ms=axis.end_ms, step_ms=axis.step_ms),
            metrics.instant(resets, at_ms=axis.end_ms),
            metrics.instant(skew, at_ms=axis.end_ms),
        ),
        asyncio.gather(*(_newest(metrics, query, axis) for query in FAMILIES.values())),
    )
    absent = await _stopped_left_out(world, scope, _absent(world, axis, targets))
    findings = [
        *_clusters_down(world, targets, absent),
        *absent,
        *_resets(world, label, reset),
        *_skewed(world, clocks),
        *_stale(world, axis, dict(zip(FAMILIES, newest, strict=True))),
    ]
    known = [t for t in newest if t is not None]
    if not targets.series and not known:
        return Answer(
            "No scrape target and no sample is known in the window.",
            status=Status.NO_DATA,
            queries=("up", *FAMILIES.values()),
        )
    return Answer(
        _text(targets.series, findings, axis, known),
        tuple(findings),
        as_of_ms=max(known, default=None),
        queries=("up", resets, skew, *FAMILIES.values()),
    )


async def _newest(metrics: Metrics, query: str, axis: Grid) -> int | None:
    """The newest sample's time in ms; a stale marker at the very end leaves the last moment before it."""
    result = await metrics.instant(query, at_ms=axis.end_ms)
    if not result.series:
        result = await metrics.range(query, start_ms=axis.start_ms, end_ms=axis.end_ms, step_ms=axis.step_ms)
    values = [float(v) for s in result.series[:1] for v in s.values if np.isfinite(v)]
    return round(max(values) * 1000) if values else None


def _absent(world: World, axis: Grid, targets: MetricsResult) -> list[Finding]:
    """Targets that are down at the end, or whose samples ended."""
    out = []
    for series in targets.series:
        values = axis.place(series)
        good = np.flatnonzero(values > 0)
        if good.size and good[-1] >= values.size - 2:
            continue
        last = int(axis.ms[good[-1]]) if good.size else None
        gone = (axis.end_ms - (last or axis.start_ms)) / 1000
        host = series.label(world.inventory.labels.metrics.host or "instance")
        about = Subject(service=_service(world, series), host=host_name(world.inventory, host),
                        cluster=_cluster(world, series, host))
        inside = host.rsplit(":", 1)[0]
        if inside in world.inventory.owners:  # the application's own target: no host of that name is gone
            about = subject(world.inventory, inside)
        detail = f"{series.label('job')} {series.label('instance')}".strip()
        out.append(
            Finding(
                "target_absent",
                about,
                min(1.0, gone / 60),
                sig(gone),
                since_ms=last,
                detail=detail,
                extra={"cluster": series.label("cluster"), "always": last is None},
            )
        )
    return out


async def _stopped_left_out(world: World, scope: Scope, absent: list[Finding]) -> list[Finding]:
    """Without targets inside containers that do not run: containers.state tells of those; a stop is no blindness."""
    inside = [f for f in absent if f.subject.container]
    if not inside or world.containers is None:
        return absent
    try:
        running = {c.name for c in await world.containers.list(at_ms=scope.asked_at_ms) if c.state == "running"}
    except CulpritError:
        return absent
    return [f for f in absent if not f.subject.container or f.subject.container in running]


def _cluster(world: World, series: Series, host: str) -> str:
    """The cluster a target's label or its listed host names; "" where there is but one."""
    if len(world.inventory.clusters) < 2:
        return ""
    listed_host = next((h for h in world.inventory.hosts if host and host in (h.name, h.instance)), None)
    return series.label("cluster") or (listed_host.cluster if listed_host else "")


def _clusters_down(world: World, targets: MetricsResult, absent: Sequence[Finding]) -> list[Finding]:
    """A cluster all of whose targets are gone while another's are up."""
    total: dict[str, int] = {}
    for series in targets.series:
        name = _cluster(world, series, series.label(world.inventory.labels.metrics.host or "instance"))
        total[name] = total.get(name, 0) + 1
    gone = {name: [f for f in absent if f.subject.cluster == name] for name in total if name}
    down = {name: found for name, found in gone.items() if found and len(found) == total[name]}
    if not down or len(down) == len(total):
        return []
    shares = {c.name: c.traffic_share for c in world.inventory.clusters}
    return [
        Finding("cluster_absent", Subject(cluster=name), min(1.0, 0.5 + 0.25 * len(found)), float(len(found)),
                since_ms=max((f.since_ms for f in found if f.since_ms is not None), default=None),
                extra={"targets": len(found), "traffic_share": shares.get(name)})
        for name, found in sorted(down.items())
    ]


def _service(world: World, series: Series) -> str:
    """The inventory's service of that job, or the job itself."""
    job = series.label("job")
    return job if world.inventory.service(job) is not None else ""


def _resets(world: World, label: str, reset: MetricsResult) -> list[Finding]:
    return [
        Finding("counter_reset", subject(world.inventory, s.label(label)), 1.0, float(s.values[-1]))
        for s in reset.series
        if s.values.size and s.values[-1] > 0
    ]


def _skewed(world: World, clocks: MetricsResult) -> list[Finding]:
    return [
        Finding(
            "clock_skew",
            Subject(host=host_name(world.inventory, s.label(world.inventory.labels.metrics.host or "instance"))),
            min(1.0, abs(float(s.values[-1])) / 5),
            sig(float(s.values[-1])),
        )
        for s in clocks.series
        if s.values.size and abs(float(s.values[-1])) >= SKEW_S
    ]


def _stale(world: World, axis: Grid, newest: dict[str, int | None]) -> list[Finding]:
    """Families of metrics that had samples and whose newest is older than two scrapes."""
    out = []
    for family, last in newest.items():
        if last is None:
            continue
        age = (axis.end_ms - last) / 1000
        intervals = age * 1000 / max(world.scrape_interval_ms, 1)
        if intervals > 2.5:
            out.append(
                Finding(
                    "stale_data",
                    Subject(resource=family),
                    min(1.0, intervals / 5),
                    sig(age),
                    since_ms=last,
                    detail=f"{family} metrics",
                )
            )
    return out


def _text(targets: Sequence[Series], findings: Sequence[Finding], axis: Grid, known: Sequence[int]) -> str:
    down = [f.detail for f in findings if f.kind == "target_absent"]
    parts = [f"{len(targets) - len(down)} of {len(targets)} scrape targets are up."]
    if down:
        parts.append(f"Down: {listed(down)}.")
    if known:
        parts.append(f"The newest sample is {number((axis.end_ms - max(known)) / 1000)} s old.")
    stale = [f"{f.detail} since {clock(f.since_ms or 0)}" for f in findings if f.kind == "stale_data"]
    if stale:
        parts.append(f"Stale: {listed(stale)}.")
    again = [f.subject.container for f in findings if f.kind == "counter_reset"]
    if again:
        parts.append(f"Counters began again: {listed(again)}.")
    skew = [f"{f.subject.host} {number(f.value or 0)} s" for f in findings if f.kind == "clock_skew"]
    if skew:
        parts.append(f"Clocks apart: {listed(skew)}.")
    return " ".join(parts)


QUESTION = Question(
    name="metrics.health",
    asks="Can the monitoring be believed: which targets are down, samples stale, counters reset, clocks apart?",
    needs=("metrics",),
    finds=("target_absent", "cluster_absent", "stale_data", "counter_reset", "clock_skew"),
    cost_s=1.0,
    arguments=NoArguments,
    ask=ask,
)

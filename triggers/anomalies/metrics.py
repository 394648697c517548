"""The metric door: one query for each kind of signal, grouped by label; users' indicators as health checks find them.

Counters are read as rates over four scrapes, so that a reset is no jump. Samples older than a few scrapes are stale:
then nothing is judged, and that is what is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from tools.anomalies.sample import Watched
from tools.indicators import Indicator, read_indicators
from tools.readings import promql_label
from tools.resources import RESOURCES
from tools.sources.metrics import Series
from tools.subjects import subject
from tools.windows import Grid, rate_window_ms
from tools.world import World
from triggers.anomalies.counting import Load

STALE_SCRAPES = 4
POINTS = 4
_SATURATION = ("throttling", "cpu_of_limit", "memory_of_limit")


@dataclass
class MetricReadings:
    """What the metrics said at one moment, in the words of `Sample`."""

    values: dict[Watched, float] = field(default_factory=dict)
    limits: dict[Watched, float] = field(default_factory=dict)
    down: set[Watched] = field(default_factory=set)


async def read_metrics(
    world: World, load: Load, *, at_ms: int, interval_ms: int, series: Mapping[str, str], most: int
) -> MetricReadings:
    """Reads the interval that ends at `at_ms`. Queries that fail leave gaps noted in `load`."""
    out = MetricReadings()
    if world.metrics is None:
        return out
    fresh = await load.tried("scrapes", lambda: _fresh(world, at_ms))
    if not fresh:
        if fresh is not None:
            load.failed.append("scrapes: the newest sample is stale; metrics are not judged")
        return out
    label = promql_label(world)
    container_queries = _container_queries(world, interval_ms)
    asked = {**container_queries, **{f"series {name}": q for name, q in series.items()}}
    answers = await asyncio.gather(
        *(load.tried(what, partial(_instant, world, query, at_ms)) for what, query in asked.items()))
    for what, found in zip(asked, answers, strict=True):
        for one in (found or ())[: max(most - len(out.values), 0)]:
            _place(world, out, what, one, label)
    await asyncio.gather(_read_users(world, load, out, at_ms, interval_ms),
                         _read_queues(world, load, out, at_ms, interval_ms), _read_targets(world, load, out, at_ms))
    return out


def _container_queries(world: World, interval_ms: int) -> dict[str, str]:
    label, rate = promql_label(world), f"{rate_window_ms(world) // 1000}s"
    some = f'{{{label}!=""}}'
    wanted = (*_SATURATION, "memory")
    out = {r.name: r.promql.format(by=label, some=some, r=rate) for r in RESOURCES if r.name in wanted}
    out["limit"] = f"sum by ({label}) (container_spec_memory_limit_bytes{some}) > 0"
    out["restarts"] = f"sum by ({label}) (changes(container_start_time_seconds{some}[{max(interval_ms // 1000, 1)}s]))"
    return out


async def _fresh(world: World, at_ms: int) -> bool:
    """Whether anything was scraped lately; True where nothing can be said."""
    assert world.metrics is not None
    found = await world.metrics.instant("max(timestamp(up))", at_ms=at_ms)
    newest = max((float(v) for s in found.series for v in s.values if np.isfinite(v)), default=None)
    return newest is not None and at_ms - newest * 1000 <= STALE_SCRAPES * world.scrape_interval_ms


async def _instant(world: World, query: str, at_ms: int) -> tuple[Series, ...]:
    assert world.metrics is not None
    return (await world.metrics.instant(query, at_ms=at_ms)).series


def _place(world: World, out: MetricReadings, what: str, series: Series, label: str) -> None:
    value = float(series.values[-1]) if series.values.size else float("nan")
    if not np.isfinite(value):
        return
    container = series.label(label)
    about = subject(world.inventory, container)
    service = about.service or series.label("service") or series.label("job") or container
    if what.startswith("series "):
        rest = ",".join(f"{k}={v}" for k, v in sorted(series.labels.items()) if k not in (label, "__name__"))
        out.values[Watched("series", service, container, f"{what[7:]} {rest}".strip(), world.cluster)] = value
        return
    memory = Watched("memory", service, container, cluster=world.cluster)
    if what == "memory":
        out.values[memory] = value
    elif what == "limit":
        out.limits[memory] = value
    elif what == "restarts":
        out.values[Watched("restarts", service, container, cluster=world.cluster)] = value
    else:
        out.values[Watched("saturation", service, container, what, world.cluster)] = value


async def _read_users(world: World, load: Load, out: MetricReadings, at_ms: int, interval_ms: int) -> None:
    step = max(interval_ms // POINTS, world.scrape_interval_ms)
    axis = Grid(at_ms - (POINTS - 1) * step, at_ms, step, at_ms)
    for indicator in await load.tried("users' indicators", lambda: read_indicators(world, axis)) or ():
        values = indicator.values[np.isfinite(indicator.values)]
        if values.size:
            _place_user(world, out, indicator, float(np.median(values[-POINTS:])))


def _place_user(world: World, out: MetricReadings, indicator: Indicator, value: float) -> None:
    kind = {"latency": "latency", "success": "error_share", "errors": "errors"}.get(indicator.kind)
    if kind is not None:
        name = indicator.subject.resource
        key = Watched(kind, indicator.subject.service, "", name, world.cluster)
        out.values[key] = 1 - value if indicator.kind == "success" else value


async def _read_queues(world: World, load: Load, out: MetricReadings, at_ms: int, interval_ms: int) -> None:
    if world.queues is None:
        return
    queues = world.queues
    states = await load.tried("queues", lambda: queues.states(start_ms=at_ms - interval_ms, end_ms=at_ms))
    for state in states or ():
        out.values[Watched("queue", "", "", state.name, world.cluster)] = float(state.length)  # oldest first


async def _read_targets(world: World, load: Load, out: MetricReadings, at_ms: int) -> None:
    for series in await load.tried("targets", lambda: _instant(world, "up", at_ms)) or ():
        if series.values.size and series.values[-1] == 0:
            job, instance = series.label("job"), series.label("instance")
            out.down.add(Watched("target", job, "", f"{job} {instance}", world.cluster))

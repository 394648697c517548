"""One poll: what logs and metrics say about the last interval, as one sample."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from config.settings import Anomalies
from tools.anomalies.sample import Sample, Watched
from tools.sources.changes import Change
from tools.sources.inventory import Service
from tools.world import World
from triggers.anomalies.counting import Load, counted
from triggers.anomalies.logs import LogReadings, read_logs
from triggers.anomalies.metrics import MetricReadings, read_metrics
from triggers.anomalies.planned import MODE_MS, planned_services
from triggers.anomalies.streams import Streams

LEAST_UNITS = 20  # handed out over the window of the completion ratio
WINDOW = 5  # intervals of that window


@dataclass
class Completion:
    """Units handed out and finished over the last intervals; dispatched units need time to finish."""

    kept: dict[str, list[tuple[float, float]]]

    def ratio(self, service: str, handed: float, finished: float) -> tuple[float, float] | None:
        """(finished / handed, handed) over `WINDOW` intervals; None while too little was handed out."""
        window = self.kept.setdefault(service, [])
        window.append((handed, finished))
        del window[:-WINDOW]
        whole = sum(h for h, _ in window)
        if len(window) < WINDOW or whole < LEAST_UNITS:
            return None
        return min(sum(f for _, f in window) / whole, 1.5), whole


async def take_sample(
    world: World, *, at_ms: int, settings: Anomalies, sampled: tuple[Service, ...], completion: Completion,
    streams: Streams,
) -> tuple[Sample, Load]:
    """Ask everything about (at - interval, at]. Never raises for a source: what failed is `unread`."""
    world, load = counted(world)
    interval = int(settings.interval_seconds * 1000)
    logs, metrics, changes = await asyncio.gather(
        read_logs(world, load, start_ms=at_ms - interval, end_ms=at_ms, drain_ms=int(settings.drain_seconds * 1000),
                  max_streams=settings.max_streams, sampled=sampled, streams=streams),
        read_metrics(world, load, at_ms=at_ms, interval_ms=interval, series=settings.series, most=settings.max_series),
        _changes(world, load, at_ms),
    )
    planned = planned_services(changes, at_ms=at_ms, grace_ms=int(settings.grace_seconds * 1000))
    _place_completion(world, logs, completion)
    return _sample(at_ms, logs, metrics, planned, load), load


async def _changes(world: World, load: Load, at_ms: int) -> tuple[Change, ...]:
    if world.changes is None:
        return ()
    ask = partial(world.changes.between, start_ms=at_ms - MODE_MS, end_ms=at_ms + 1)
    return await load.tried("changes", ask) or ()


def _place_completion(world: World, logs: LogReadings, completion: Completion) -> None:
    for service, handed in logs.handed.items():
        found = completion.ratio(service, handed, logs.finished.get(service, 0.0))
        if found is not None:
            key = Watched("completion", service, cluster=world.cluster)
            logs.values[key], logs.trials[key] = found


def _sample(
    at_ms: int, logs: LogReadings, metrics: MetricReadings, planned: frozenset[str], load: Load
) -> Sample:
    return Sample(
        at_ms, {**logs.values, **metrics.values}, logs.trials, metrics.limits, logs.waiting, frozenset(metrics.down),
        planned, logs.lines, logs.read, tuple(load.failed))

"""Units of work by container and outcome over time, from log lines or a counter, as the inventory describes them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tools.analysis.onset import Ints
from tools.analysis.robust import Floats
from tools.readings import members_pattern, promql_label, promql_string
from tools.sources.inventory import LogPattern, Service
from tools.sources.logs import LabelMatcher, LineFilter, LogQuery
from tools.windows import NS, first_ms, log_step_ms
from tools.world import Scope, World

OUTCOMES = ("started", "done", "failed")


@dataclass(frozen=True)
class WorkCounts:
    """Counts of one service: by[(container, outcome)][i] units in (ms[i] - step, ms[i]]; arrays of shape (n,)."""

    service: str
    unit: str
    step_ms: int
    ms: Ints
    by: Mapping[tuple[str, str], Floats]
    outcomes: frozenset[str]
    queries: tuple[str, ...] = ()

    def containers(self) -> tuple[str, ...]:
        """Names that did anything in the window, sorted."""
        return tuple(sorted({c for (c, _), counts in self.by.items() if counts.any()}))

    def of(self, container: str, *outcomes: str) -> Floats:
        """The summed counts of one container, zeros where it did nothing."""
        total = np.zeros(self.ms.size)
        for outcome in outcomes:
            total = total + self.by.get((container, outcome), 0.0)
        return total

    def handled(self, container: str) -> Floats:
        """Units a container finished, well or badly; where no end is logged, units it started."""
        ends = tuple(o for o in ("done", "failed") if o in self.outcomes)
        return self.of(container, *(ends or ("started",)))

    def total(self, *outcomes: str) -> Floats:
        """All containers together."""
        return np.asarray(sum((self.of(c, *outcomes) for c in self.containers()), np.zeros(self.ms.size)))

    def within(self, start_ms: int, end_ms: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which bins lie wholly in (start, end]: a mask of shape (n,)."""
        return (self.ms - self.step_ms >= start_ms) & (self.ms <= end_ms)


def matchers_of(world: World, service: Service) -> tuple[tuple[LabelMatcher, ...], ...]:
    """Ways to select a service's streams: by its containers and, where logs name the service, by that name."""
    labels = world.inventory.labels.logs
    ways = []
    if service.members():
        ways.append((LabelMatcher(labels.container, "=~", members_pattern(service.members(), promql=False)),))
    if labels.service:
        ways.append((LabelMatcher(labels.service, "=", service.name),))
    return tuple(ways)


def line_filter(pattern: LogPattern) -> LineFilter:
    """The filter that a work pattern is."""
    return LineFilter("contains", pattern.contains) if pattern.contains else LineFilter("regex", pattern.regex)


def bins(world: World, scope: Scope) -> tuple[int, int, int]:
    """(first, last, step): moments of the bins; every bin lies in what was captured and before asked_at."""
    start, end = first_ms(world, scope), scope.asked_at_ms
    step = log_step_ms(start, end)
    return -(-(start + step) // step) * step, end // step * step, step


async def read_work(world: World, scope: Scope, service: Service) -> WorkCounts | None:
    """The service's work over baseline start .. asked_at; None where the inventory does not say what work is.

    Raises what the source raises.
    """
    work = service.work
    if work is None:
        return None
    first, last, step = bins(world, scope)
    ms = np.arange(first, max(last, first) + 1, step, dtype=np.int64)
    patterns = {o: getattr(work, o) for o in OUTCOMES if getattr(work, o) is not None}
    if patterns and world.logs is not None:
        by, queries = await _from_logs(world, service, patterns, ms, step)
        return WorkCounts(service.name, work.unit, step, ms, by, frozenset(patterns), queries)
    if work.metric and world.metrics is not None:
        by, queries = await _from_metric(world, work.metric, ms, step)
        return WorkCounts(service.name, work.unit, step, ms, by, frozenset({"done"}), queries)
    return None


async def _from_logs(
    world: World, service: Service, patterns: Mapping[str, LogPattern], ms: Ints, step: int
) -> tuple[dict[tuple[str, str], Floats], tuple[str, ...]]:
    assert world.logs is not None
    logs, label = world.logs, world.inventory.labels.logs.container
    asked = [(o, p, ways) for o, p in patterns.items() for ways in matchers_of(world, service)]
    queries = [LogQuery(ways, int(ms[0]) * NS, int(ms[-1]) * NS, (line_filter(p),)) for _, p, ways in asked]
    results = await asyncio.gather(*(logs.count(q, (label,), step) for q in queries))
    by: dict[tuple[str, str], Floats] = {}
    for (outcome, _, _), result in zip(asked, results, strict=True):
        for series in result.series:
            counts = np.zeros(ms.size)
            index = (np.array(series.ms, dtype=np.int64) - ms[0]) // step
            inside = (index >= 0) & (index < ms.size)
            counts[index[inside]] = np.array(series.counts, dtype=np.float64)[inside]
            key = (series.labels.get(label, ""), outcome)
            by[key] = np.maximum(by[key], counts) if key in by else counts  # two ways select the same lines
    texts = tuple(
        f"count {ways[0].name}{ways[0].op}{ways[0].value} {p.contains or p.regex!r} [{step // 1000}s]"
        for _, p, ways in asked
    )
    return by, texts


async def _from_metric(
    world: World, selector: str, ms: Ints, step: int
) -> tuple[dict[tuple[str, str], Floats], tuple[str, ...]]:
    assert world.metrics is not None
    label = promql_label(world)
    window_s = max(step, 2 * world.scrape_interval_ms) // 1000
    query = f"sum by ({label}) (rate({selector}[{window_s}s])) * {step / 1000:g}"
    start = int(ms[0]) if world.earliest_ms is None else max(int(ms[0]), world.earliest_ms + window_s * 1000)
    start = int(ms[0]) + -(-(start - int(ms[0])) // step) * step
    result = await world.metrics.range(query, start_ms=start, end_ms=int(ms[-1]), step_ms=step)
    by: dict[tuple[str, str], Floats] = {}
    for series in result.series:
        counts = np.zeros(ms.size)
        counts[(series.ms - ms[0]) // step] = np.nan_to_num(series.values)
        by[(series.label(label), "done")] = counts
    return by, (query,)


def work_query(service: Service) -> str:
    """One line that says what counts as work for a service."""
    work = service.work
    if work is None:
        return "none mapped"
    said = [f"{o}: {p.contains or p.regex}" for o in OUTCOMES if (p := getattr(work, o)) is not None]
    return "; ".join(said) or promql_string(work.metric)

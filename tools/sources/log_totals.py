"""Lines of exactly one window, by label: a count over steps is aligned to the step and would reach outside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tools.sources.logs import LogQuery, Logs

_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class LogTotal:
    """How many lines one group had in the window."""

    labels: Mapping[str, str]
    count: int


async def total_lines(logs: Logs, query: LogQuery, by: tuple[str, ...]) -> tuple[LogTotal, ...]:
    """Lines in (start, end] of the query's window, rounded to milliseconds, one total a group that had any.

    Asked as one window that ends at `end`. The step is a millisecond, so that `end` is one of its multiples.
    """
    end_ms = -(-query.end_ns // _NS_PER_MS)
    window_ms = max(end_ms - query.start_ns // _NS_PER_MS, 1)
    last = replace(query, start_ns=end_ms * _NS_PER_MS - 1, end_ns=end_ms * _NS_PER_MS)
    result = await logs.count(last, by, 1, window_ms)
    totals = ((series, dict(zip(series.ms, series.counts, strict=True)).get(end_ms, 0)) for series in result.series)
    return tuple(LogTotal(series.labels, count) for series, count in totals if count)

"""The logs seam of a recorded world: what was not captured is refused, and nothing after its `now` exists."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock

from config.errors import NotCaptured
from tools.evidence import iso
from tools.recorded.logs.engine import NS_PER_MS, LogEngine, count_moments
from tools.recorded.logs.logql_parser import parse_selector
from tools.recorded.logs.store import matches_value
from tools.recorded.logs_file import read_logs
from tools.recorded.span import Span
from tools.sources.logql import compile_selector
from tools.sources.logs import (
    CountResult,
    CountSeries,
    LabelMatcher,
    LogQuery,
    LogResult,
    check_count,
    check_matchers,
    check_window,
)
from tools.sources.loki_answers import StreamStats, Volume

Matchers = tuple[LabelMatcher, ...]


class RecordedLogs:
    """`start_ns` is the first captured moment and `now_ns` the frozen present: lines at or after it do not exist yet.

    `load` reads the lines when they are first asked for. `scope` holds the selectors that were captured (any of them
    will do); empty means every stream was.
    """

    def __init__(
        self, *, load: Callable[[], LogEngine], start_ns: int, now_ns: int, scope: tuple[Matchers, ...] = ()
    ) -> None:
        self._load = load
        self._loading = Lock()
        self._loaded: LogEngine | None = None
        self._start_ns = start_ns
        self._now_ns = now_ns
        self._scope = scope

    async def search(self, query: LogQuery) -> LogResult:
        """Lines of the window up to the present. Raises NotCaptured, QueryError."""
        self._check_scope(query.matchers)
        start, end = self._window(query.start_ns, query.end_ns)
        engine = await self._engine()
        return await asyncio.to_thread(engine.search, replace(query, start_ns=start, end_ns=end))

    async def count(
        self, query: LogQuery, by: tuple[str, ...], step_ms: int, window_ms: int | None = None
    ) -> CountResult:
        """Counts by label. Moments whose window begins before the recording are left out; where they lie within the
        query's window, a warning says so.
        """
        check_count(query, by, step_ms, window_ms)
        self._check_scope(query.matchers)
        start, end = self._window(query.start_ns, query.end_ns)
        query = replace(query, start_ns=start, end_ns=end)
        engine = await self._engine()
        result = await asyncio.to_thread(engine.count, query, by, step_ms, window_ms, self._now_ns)
        return self._without_partial(result, query, step_ms, window_ms or step_ms)

    async def labels(self, *, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Names of stream labels, sorted."""
        streams = await self.series((), start_ns=start_ns, end_ns=end_ns)
        return tuple(sorted({name for labels in streams for name in labels}))

    async def label_values(self, name: str, *, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Values of one stream label, sorted."""
        streams = await self.series((), start_ns=start_ns, end_ns=end_ns)
        return tuple(sorted({labels[name] for labels in streams if name in labels}))

    async def series(self, matchers: Matchers, *, start_ns: int, end_ns: int) -> tuple[Mapping[str, str], ...]:
        """Streams with a line in the window; no matchers mean all that were captured."""
        check_window(start_ns, end_ns)
        if matchers:
            self._check_scope(matchers)
        start, end = self._window(start_ns, end_ns)
        return (await self._engine()).series(matchers, start, end)

    async def stats(self, matchers: Matchers, *, start_ns: int, end_ns: int) -> StreamStats:
        """How much the selected streams hold; a recorded stream is one chunk."""
        sizes = await self._sizes(matchers, start_ns, end_ns)
        return StreamStats(len(sizes), len(sizes), sum(size for *_, size in sizes), sum(lines for _, lines, _ in sizes))

    async def volume(
        self, matchers: Matchers, *, start_ns: int, end_ns: int, by: tuple[str, ...] = (), limit: int = 100
    ) -> tuple[Volume, ...]:
        """Bytes of log text by label (default: the matchers' labels), the `limit` largest, largest first."""
        names = by or tuple(sorted({matcher.name for matcher in matchers}))
        groups: Counter[tuple[tuple[str, str], ...]] = Counter()
        for labels, _, size in await self._sizes(matchers, start_ns, end_ns):
            groups[tuple((name, labels[name]) for name in names if name in labels)] += size
        return tuple(
            Volume(dict(group), size) for group, size in sorted(groups.items(), key=lambda one: (-one[1], one))[:limit]
        )

    async def _sizes(
        self, matchers: Matchers, start_ns: int, end_ns: int
    ) -> tuple[tuple[Mapping[str, str], int, int], ...]:
        check_matchers(matchers)
        check_window(start_ns, end_ns)
        self._check_scope(matchers)
        start, end = self._window(start_ns, end_ns)
        engine = await self._engine()
        return await asyncio.to_thread(engine.sizes, matchers, start, end)

    async def _engine(self) -> LogEngine:
        if self._loaded is not None:
            return self._loaded
        return await asyncio.to_thread(self._load_once)

    def _load_once(self) -> LogEngine:
        with self._loading:
            engine = self._loaded or self._load()
            self._loaded = engine
            return engine

    def _window(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        if start_ns < self._start_ns:
            raise NotCaptured(f"logs: asked from {_moment(start_ns)}; captured from {_moment(self._start_ns)}")
        if start_ns >= self._now_ns:
            raise NotCaptured(f"logs: asked from {_moment(start_ns)}; nothing is known after {_moment(self._now_ns)}")
        return start_ns, min(end_ns, self._now_ns)

    def _check_scope(self, matchers: Matchers) -> None:
        if self._scope and not any(_inside(matchers, selector) for selector in self._scope):
            captured = " or ".join(compile_selector(selector) for selector in self._scope)
            raise NotCaptured(f"logs: {compile_selector(matchers)} was not captured; only {captured}")

    def _without_partial(self, result: CountResult, query: LogQuery, step_ms: int, window_ms: int) -> CountResult:
        moments = count_moments(query, step_ms)
        whole = moments[moments - window_ms * NS_PER_MS >= self._start_ns - 1]
        if len(whole) == len(moments):
            return result
        if len(whole) == 0:
            asked = _moment(int(moments[-1]) - window_ms * NS_PER_MS)
            raise NotCaptured(f"logs: counts need lines from {asked}; captured from {_moment(self._start_ns)}")
        first = int(whole[0]) // NS_PER_MS
        kept = (_from(series, first) for series in result.series)
        warnings = result.warnings
        if int(moments[-len(whole) - 1]) >= query.start_ns:
            warnings += (f"counts before {iso(first)} are left out: their windows begin before the recording",)
        return CountResult(tuple(series for series in kept if series.ms), warnings)


def open_logs(path: Path, *, span: Span, scope: tuple[str, ...] = ()) -> RecordedLogs:
    """The logs of a case folder: `path` is its logs file, `scope` the selectors captured, as LogQL."""
    return RecordedLogs(
        load=lambda: LogEngine(read_logs(path)),
        start_ns=span.start_ms * NS_PER_MS,
        now_ns=span.now_ms * NS_PER_MS + 1,
        scope=tuple(parse_selector(selector) for selector in scope),
    )


def _inside(matchers: Matchers, selector: Matchers) -> bool:
    """Whether every stream the matchers select is one the captured selector selects too, as far as can be proven."""
    return all(
        captured in matchers
        or any(one.name == captured.name and one.op == "=" and matches_value(captured, one.value) for one in matchers)
        for captured in selector
    )


def _from(series: CountSeries, first_ms: int) -> CountSeries:
    kept = [(ms, count) for ms, count in zip(series.ms, series.counts, strict=True) if ms >= first_ms]
    return CountSeries(series.labels, tuple(ms for ms, _ in kept), tuple(count for _, count in kept))


def _moment(ns: int) -> str:
    return iso(ns // NS_PER_MS)

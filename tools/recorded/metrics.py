"""The metrics seam of a recorded world: any PromQL, answered as the recorded server would have at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock

import numpy as np

from config.errors import NotCaptured, QueryError
from tools.evidence import iso
from tools.recorded.coverage import Coverage
from tools.recorded.metrics_file import Series as Stored
from tools.recorded.metrics_file import read_metrics
from tools.recorded.promql.arrays import Ints
from tools.recorded.promql.engine import Answer, Engine
from tools.recorded.promql.grammar import parse
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.store import SeriesStore
from tools.recorded.promql.syntax import Matcher, Selector, bare
from tools.recorded.snapshot import Server
from tools.recorded.span import Span
from tools.sources.metrics import MetricsResult, Series

MAX_STEPS = 11_000  # what Prometheus refuses to exceed
Labels = Mapping[str, str]


class RecordedMetrics:
    """`load` reads the series when they are first asked for; no sample after `now` may be among them."""

    def __init__(
        self, *, load: Callable[[], SeriesStore], semantics: Semantics, span: Span, coverage: Coverage
    ) -> None:
        self._load = load
        self._loading = Lock()
        self._engine: Engine | None = None
        self.semantics = semantics
        self.span = span
        self._coverage = coverage

    async def instant(self, promql: str, *, at_ms: int) -> MetricsResult:
        """Evaluate at one moment, or at `now` for a later one."""
        return _result(await self.ask(promql, at_ms=at_ms))

    async def range(self, promql: str, *, start_ms: int, end_ms: int, step_ms: int) -> MetricsResult:
        """Evaluate at start, start + step, … <= end, not past `now`. NotCaptured unless every step is covered."""
        return _result(await self.ask_range(promql, start_ms=start_ms, end_ms=end_ms, step_ms=step_ms))

    async def ask(self, promql: str, *, at_ms: int) -> Answer:
        """As `instant`, in the engine's own form (scalars and strings stay such)."""
        at = self.span.moment(at_ms, "metrics")
        self._coverage.check(parse(promql, self.semantics), at, at)
        return await asyncio.to_thread(lambda: self._opened().instant(promql, at))

    async def ask_range(
        self, promql: str, *, start_ms: int, end_ms: int, step_ms: int, partial: bool = False
    ) -> Answer:
        """As `range`. With `partial`, steps that are not covered are left out with a warning, as a server that began
        recording then would show it; without, they are NotCaptured.
        """
        _check_steps(start_ms, end_ms, step_ms)
        node = parse(promql, self.semantics)
        if not partial:
            start_ms, end_ms = self.span.window(start_ms, end_ms, "metrics")
            self._coverage.check(node, start_ms, end_ms)
            return await asyncio.to_thread(lambda: self._opened().range(promql, start_ms, end_ms, step_ms))
        end_ms = min(end_ms, self.span.now_ms)
        late = self._coverage.missing_ms(node, start_ms, end_ms)
        first = end_ms + 1 if late is None else start_ms + -(-late // step_ms) * step_ms
        if first > end_ms:
            raise NotCaptured(f"metrics: nothing of this window was captured; captured from {iso(self.span.start_ms)}")
        answer = await asyncio.to_thread(lambda: self._opened().range(promql, first, end_ms, step_ms))
        if first == start_ms:
            return answer
        warning = f"steps before {iso(first)} are left out: they read what was not captured"
        return replace(answer, warnings=(*answer.warnings, warning))

    async def series(
        self, selectors: Sequence[tuple[Matcher, ...]], *, start_ms: int, end_ms: int
    ) -> tuple[Labels, ...]:
        """Labels of the series any selector selects that have a sample in [start, end], sorted."""
        return await asyncio.to_thread(lambda: tuple(
            labels for labels, ms in self._selected(selectors) if _has_sample(ms, start_ms, end_ms)))

    def _selected(self, selectors: Sequence[tuple[Matcher, ...]]) -> list[tuple[Labels, Ints]]:
        store = self._opened().store
        dots = self.semantics.dot_matches_newline
        rows = {int(row) for selector in selectors for row in store.select(selector, dots)[0]}
        return [store.raw(row)[:2] for row in sorted(rows)]

    def matchers(self, selector: str) -> tuple[Matcher, ...]:
        """The matchers of a plain selector such as `up{job="node"}`. Raises QueryError."""
        return selector_matchers(selector, self.semantics)

    def _opened(self) -> Engine:
        with self._loading:
            if self._engine is None:
                self._engine = Engine(self._load(), self.semantics)
            return self._engine


def open_metrics(
    path: Path, *, span: Span, server: Server, scope: Sequence[str] = ()
) -> RecordedMetrics:
    """The metrics of a case folder: `path` is its metrics file, `scope` the selectors that were captured."""
    semantics = semantics_of(server)
    return RecordedMetrics(
        load=lambda: SeriesStore(known_by(read_metrics(path), span.now_ms)),
        semantics=semantics, span=span,
        coverage=Coverage(span.start_ms, round(server.scrape_interval_s * 1000), semantics,
                          tuple(selector_matchers(selector, semantics) for selector in scope)),
    )


def selector_matchers(selector: str, semantics: Semantics) -> tuple[Matcher, ...]:
    """The matchers of a plain selector. Raises QueryError for any other expression."""
    node = bare(parse(selector, semantics))
    if not isinstance(node, Selector) or node.offset_ms or node.at is not None:
        raise QueryError(f"{selector[:200]!r} is not a plain selector")
    return node.matchers


def semantics_of(server: Server) -> Semantics:
    """What the recorded server's version and flags make of a query."""
    return Semantics(server.version, round(server.lookback_s * 1000), round(server.default_subquery_step_s * 1000))


def known_by(series: Iterable[Stored], now_ms: int) -> Iterator[Stored]:
    """The series without samples after `now`; those that share a time vector go on sharing one."""
    cut: dict[int, tuple[Ints, Ints]] = {}
    for labels, ms, values in series:
        if id(ms) not in cut:
            cut[id(ms)] = ms, ms[: int(np.searchsorted(ms, now_ms, side="right"))]  # ms is kept, and so is its id
        times = cut[id(ms)][1]
        if len(times):
            yield labels, times, values[: len(times)]


def _result(answer: Answer) -> MetricsResult:
    if answer.kind == "string":
        raise QueryError("the query's answer is a text, not numbers")
    return MetricsResult(tuple(Series(*one) for one in answer.series), answer.warnings)


def _has_sample(ms: Ints, start_ms: int, end_ms: int) -> bool:
    return bool(np.searchsorted(ms, start_ms, side="left") < np.searchsorted(ms, end_ms, side="right"))


def _check_steps(start_ms: int, end_ms: int, step_ms: int) -> None:
    if step_ms <= 0:
        raise QueryError("zero or negative query resolution step widths are not accepted. Try a positive integer")
    if end_ms < start_ms:
        raise QueryError("end timestamp must not be before start time")
    if (end_ms - start_ms) // step_ms >= MAX_STEPS:
        raise QueryError("exceeded maximum resolution of 11,000 points per timeseries. "
                         "Try decreasing the query resolution (?step=XX)")

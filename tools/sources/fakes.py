"""In-memory sources for tests: each keeps what it is told and answers by the rules of its seam.

`fails` makes every call raise that error, as a backend that is down would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from config.errors import CulpritError, NotCaptured
from tools.recorded.logs.engine import LogEngine
from tools.recorded.logs.store import LogStream
from tools.sources.alerts import Alert, AlertRule, ScrapeTarget
from tools.sources.changes import Change
from tools.sources.containers import Container, ContainerEvent, ContainerProcess, ContainerStats
from tools.sources.logs import CountResult, LabelMatcher, LogQuery, LogResult
from tools.sources.metrics import MetricsResult, Series
from tools.sources.peers import PeerProfile
from tools.sources.queues import QueueState
from tools.sources.routing import RouteView


@dataclass
class _Fake:
    fails: CulpritError | None = field(default=None, kw_only=True)

    def _check(self) -> None:
        if self.fails is not None:
            raise self.fails


@dataclass
class FakeChanges(_Fake):
    changes: Sequence[Change] = ()

    async def between(self, *, start_ms: int, end_ms: int) -> tuple[Change, ...]:
        self._check()
        return tuple(sorted((c for c in self.changes if start_ms <= c.at_ms < end_ms), key=lambda c: c.at_ms))


@dataclass
class FakeRouting(_Fake):
    """`readings`: views by the moment they were read; the last at or before a moment answers."""

    readings: Mapping[int, Sequence[RouteView]] = field(default_factory=dict)

    async def views(self, service: str, *, at_ms: int) -> tuple[RouteView, ...]:
        self._check()
        known = [t for t in self.readings if t <= at_ms]
        return tuple(v for v in self.readings[max(known)] if v.service == service) if known else ()


@dataclass
class FakeContainers(_Fake):
    """`lists`, `tops` and `readings` by moment, as FakeRouting."""

    lists: Mapping[int, Sequence[Container]] = field(default_factory=dict)
    happened: Sequence[ContainerEvent] = ()
    tops: Mapping[int, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    readings: Mapping[int, Sequence[ContainerStats]] = field(default_factory=dict)

    async def list(self, *, at_ms: int) -> tuple[Container, ...]:
        self._check()
        known = [t for t in self.lists if t <= at_ms]
        return tuple(self.lists[max(known)]) if known else ()

    async def stats(self, *, at_ms: int) -> tuple[ContainerStats, ...]:
        self._check()
        known = [t for t in self.readings if t <= at_ms]
        return tuple(self.readings[max(known)]) if known else ()

    async def top(self, name: str, *, at_ms: int) -> tuple[ContainerProcess, ...]:
        self._check()
        known = [t for t in self.tops if t <= at_ms]
        rows = self.tops[max(known)].get(name, ()) if known else ()
        return tuple(ContainerProcess(str(i + 1), c) for i, c in enumerate(rows))

    async def events(self, *, start_ms: int, end_ms: int) -> tuple[ContainerEvent, ...]:
        self._check()
        return tuple(e for e in self.happened if start_ms <= e.at_ms < end_ms)


@dataclass
class FakePeers(_Fake):
    """`read`: profiles by moment, as FakeRouting."""

    read: Mapping[int, Sequence[PeerProfile]] = field(default_factory=dict)

    async def profiles(self, service: str, *, at_ms: int) -> tuple[PeerProfile, ...]:
        self._check()
        known = [t for t in self.read if t <= at_ms]
        return tuple(p for p in self.read[max(known)] if p.service == service) if known else ()


@dataclass
class FakeQueues(_Fake):
    known: Sequence[QueueState] = ()

    async def states(self, *, start_ms: int, end_ms: int) -> tuple[QueueState, ...]:
        self._check()
        return tuple(s for s in self.known if start_ms <= s.at_ms <= end_ms)


@dataclass
class FakeAlerts(_Fake):
    """`evaluated` and `scraped` None: rules and targets are not told."""

    known: Sequence[Alert] = ()
    evaluated: Sequence[AlertRule] | None = ()
    scraped: Sequence[ScrapeTarget] | None = ()

    async def active(self, *, at_ms: int) -> tuple[Alert, ...]:
        self._check()
        return tuple(a for a in self.known if a.starts_ms <= at_ms)

    async def rules(self, *, at_ms: int) -> tuple[AlertRule, ...]:
        self._check()
        if self.evaluated is None:
            raise NotCaptured("rules are not told")
        return tuple(self.evaluated)

    async def targets(self, *, at_ms: int) -> tuple[ScrapeTarget, ...]:
        self._check()
        if self.scraped is None:
            raise NotCaptured("targets are not told")
        return tuple(self.scraped)


class FakeLogs:
    """Streams in memory, answered by the recorded log engine."""

    def __init__(self, streams: Iterable[LogStream], *, fails: CulpritError | None = None) -> None:
        self._engine = LogEngine(streams)
        self._fails = fails

    def _check(self) -> None:
        if self._fails is not None:
            raise self._fails

    async def search(self, query: LogQuery) -> LogResult:
        self._check()
        return self._engine.search(query)

    async def count(
        self, query: LogQuery, by: tuple[str, ...], step_ms: int, window_ms: int | None = None
    ) -> CountResult:
        self._check()
        return self._engine.count(query, by, step_ms, window_ms)

    async def labels(self, *, start_ns: int, end_ns: int) -> tuple[str, ...]:
        self._check()
        return tuple(sorted({n for labels in self._engine.series((), start_ns, end_ns) for n in labels}))

    async def label_values(self, name: str, *, start_ns: int, end_ns: int) -> tuple[str, ...]:
        self._check()
        return tuple(sorted({x[name] for x in self._engine.series((), start_ns, end_ns) if name in x}))

    async def series(
        self, matchers: tuple[LabelMatcher, ...], *, start_ns: int, end_ns: int
    ) -> tuple[Mapping[str, str], ...]:
        self._check()
        return self._engine.series(matchers, start_ns, end_ns)


@dataclass
class FakeMetrics(_Fake):
    """`told`: a piece of the query -> series as (labels, value at a moment in ms; None where there is no sample).

    The first piece that occurs in a query answers it: the values are what the whole expression gives. It stands in
    for a server where a test is about what a question makes of an answer, not about PromQL.
    """

    told: Mapping[str, Sequence[tuple[Mapping[str, str], Callable[[int], float | None]]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def instant(self, promql: str, *, at_ms: int) -> MetricsResult:
        return await self.range(promql, start_ms=at_ms, end_ms=at_ms, step_ms=1)

    async def range(self, promql: str, *, start_ms: int, end_ms: int, step_ms: int) -> MetricsResult:
        self._check()
        self.asked.append(promql)
        series = next((s for piece, s in self.told.items() if piece in promql), ())
        out = []
        for labels, value in series:
            points = [(t, v) for t in range(start_ms, end_ms + 1, step_ms) if (v := value(t)) is not None]
            if points:
                ms, values = zip(*points, strict=True)
                out.append(Series(dict(labels), np.array(ms, dtype=np.int64), np.array(values, dtype=np.float64)))
        return MetricsResult(tuple(out))

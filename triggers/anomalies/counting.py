"""The watcher's own load: every query it sends is counted, and what could not be read is remembered in words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from config.errors import CulpritError
from tools.sources.log_volume import Volumes
from tools.sources.logs import CountResult, LabelMatcher, LogQuery, LogResult, Logs
from tools.sources.loki_answers import Volume
from tools.sources.metrics import Metrics, MetricsResult
from tools.world import World

T = TypeVar("T")


@dataclass
class Load:
    """Of one poll: queries by source, and what failed."""

    metrics: int = 0
    logs: int = 0
    failed: list[str] = field(default_factory=list)

    async def tried(self, what: str, ask: Callable[[], Awaitable[T]]) -> T | None:
        """The answer, or None with a note of what could not be read."""
        try:
            return await ask()
        except CulpritError as error:
            self.failed.append(f"{what}: {type(error).__name__}: {error}"[:300])
            return None


@dataclass(frozen=True)
class CountedMetrics:
    """Passes on and counts."""

    source: Metrics
    load: Load

    async def instant(self, promql: str, *, at_ms: int) -> MetricsResult:
        self.load.metrics += 1
        return await self.source.instant(promql, at_ms=at_ms)

    async def range(self, promql: str, *, start_ms: int, end_ms: int, step_ms: int) -> MetricsResult:
        self.load.metrics += 1
        return await self.source.range(promql, start_ms=start_ms, end_ms=end_ms, step_ms=step_ms)


@dataclass(frozen=True)
class CountedLogs:
    """Passes on and counts."""

    source: Logs
    load: Load

    async def search(self, query: LogQuery) -> LogResult:
        self.load.logs += 1
        return await self.source.search(query)

    async def count(
        self, query: LogQuery, by: tuple[str, ...], step_ms: int, window_ms: int | None = None
    ) -> CountResult:
        self.load.logs += 1
        return await self.source.count(query, by, step_ms, window_ms)

    async def labels(self, *, start_ns: int, end_ns: int) -> tuple[str, ...]:
        self.load.logs += 1
        return await self.source.labels(start_ns=start_ns, end_ns=end_ns)

    async def label_values(self, name: str, *, start_ns: int, end_ns: int) -> tuple[str, ...]:
        self.load.logs += 1
        return await self.source.label_values(name, start_ns=start_ns, end_ns=end_ns)

    async def series(
        self, matchers: tuple[LabelMatcher, ...], *, start_ns: int, end_ns: int
    ) -> tuple[Mapping[str, str], ...]:
        self.load.logs += 1
        return await self.source.series(matchers, start_ns=start_ns, end_ns=end_ns)


@dataclass(frozen=True)
class CountedVolumes(CountedLogs):
    """The same for a store that knows volumes."""

    async def volume(
        self, matchers: tuple[LabelMatcher, ...], *, start_ns: int, end_ns: int, by: tuple[str, ...] = (),
        limit: int = 100,
    ) -> tuple[Volume, ...]:
        self.load.logs += 1
        assert isinstance(self.source, Volumes)
        return await self.source.volume(matchers, start_ns=start_ns, end_ns=end_ns, by=by, limit=limit)


def _logs(source: Logs, load: Load) -> CountedLogs:
    return CountedVolumes(source, load) if isinstance(source, Volumes) else CountedLogs(source, load)


def counted(world: World) -> tuple[World, Load]:
    """The same world, its metrics and logs counted."""
    load = Load()
    return replace(world, metrics=CountedMetrics(world.metrics, load) if world.metrics else None,
                   logs=_logs(world.logs, load) if world.logs else None), load

"""One poll of the watch over 5,000 log streams and 20,000 series: processor time, memory, and its queries.

The sources answer at once from memory, so what is measured is the watcher: reading answers, judging, saving.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agent.incident import Signal
from config.database import Database
from config.migrations import migrate
from config.settings import Anomalies
from tools.sources.fakes import FakeChanges
from tools.sources.inventory import parse_inventory
from tools.sources.logs import CountResult, CountSeries, LabelMatcher, LogEntry, LogQuery, LogResult
from tools.sources.metrics import MetricsResult, Series
from tools.world import World
from triggers.anomalies.store import WatchStore
from triggers.anomalies.watcher import Watcher

STREAMS, SERIES, SERVICES = 5_000, 20_000, 200
POLLS = 8
START_MS = 1_793_577_600_000


@dataclass
class CrowdedLogs:
    """Counts of `STREAMS` streams, each with some lines in every window."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    async def search(self, query: LogQuery) -> LogResult:
        lines = (LogEntry(query.end_ns - i, f"job {i * 37} finished in {i} ms") for i in range(query.limit))
        return LogResult(tuple(lines))

    async def count(
        self, query: LogQuery, by: tuple[str, ...], step_ms: int, window_ms: int | None = None
    ) -> CountResult:
        end = -(-query.end_ns // 1_000_000)
        lines = self.rng.poisson(3 if query.filters else 60, STREAMS)
        return CountResult(tuple(CountSeries({"container": f"c{i}"}, (end,), (int(n),)) for i, n in enumerate(lines)))

    async def labels(self, *, start_ns: int, end_ns: int) -> tuple[str, ...]:
        return ("container",)

    async def label_values(self, name: str, *, start_ns: int, end_ns: int) -> tuple[str, ...]:
        return ()

    async def series(
        self, matchers: tuple[LabelMatcher, ...], *, start_ns: int, end_ns: int
    ) -> tuple[dict[str, str], ...]:
        return ()


@dataclass
class CrowdedMetrics:
    """Each query answers with `SERIES` / 5 containers; five kinds are read of each."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(2))

    async def instant(self, promql: str, *, at_ms: int) -> MetricsResult:
        ms = np.array([at_ms], dtype=np.int64)
        if promql.startswith("max(timestamp"):
            return MetricsResult((Series({}, ms, np.array([at_ms / 1000])),))
        if "count by" in promql or promql == "up":
            return MetricsResult(())
        values = self.rng.normal(1e8, 1e6, SERIES // 5)
        limit = 2e9 if "limit" in promql and "working" not in promql else 1.0
        return MetricsResult(tuple(Series({"name": f"c{i}"}, ms, np.array([v * limit])) for i, v in enumerate(values)))

    async def range(self, promql: str, *, start_ms: int, end_ms: int, step_ms: int) -> MetricsResult:
        return MetricsResult(())


def crowded_world() -> World:
    """200 services of 25 containers."""
    each = STREAMS // SERVICES
    services = "".join(f"- {{name: s{s}, containers: [{', '.join(f'c{s * each + i}' for i in range(each))}]}}\n"
                       for s in range(SERVICES))
    return World("bench", parse_inventory(f"version: 1\nservices:\n{services}"), cluster="bench",
                 metrics=CrowdedMetrics(), logs=CrowdedLogs(), changes=FakeChanges())


async def measure() -> None:
    """Print the figures of the last polls; the first ones make the rows."""
    clock = START_MS

    async def send(signals: Sequence[Signal]) -> int:
        return len(signals)

    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'bench.db'}")
        migrate(database)
        store = WatchStore(database=database)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        watcher = Watcher(worlds={"bench": crowded_world()}, settings=Anomalies(max_series=SERIES), store=store,
                          send=send, owner="bench", clock=lambda: clock)
        costs = []
        for _ in range(POLLS):
            clock += 60_000
            began = time.process_time()
            await watcher.tick()
            costs.append(time.process_time() - began)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        saved = store.read("bench")
        assert saved is not None
        size = (len(saved.recent) + sum(len(profile) for _, profile in store.hours("bench"))) / 1e6
        say = sys.stdout.write
        say(f"anomalies: {saved.looked['series']} values a poll from {STREAMS} streams and {SERIES} series\n")
        usual = float(np.median(costs[2:]))
        say(f"anomalies: one poll {min(costs[2:]):.2f} s of processor time (median {usual:.2f})\n")
        say(f"anomalies: {peak / 1000:.0f} MB at the most, {(peak - before) / 1000:.0f} MB of them by the watch; "
            f"{size:.0f} MB kept\n")
        say(f"anomalies: its own load: {saved.looked['metric_queries']} metric and {saved.looked['log_queries']} log "
            "queries a poll, whatever the number of lines\n")
        database.close()


if __name__ == "__main__":
    asyncio.run(measure())

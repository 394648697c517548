"""Our PromQL engine beside a real Prometheus: the same series, the same questions, in one run.

`python -m evals.bench.promql` prints a table: milliseconds a query, best of several, at 240 and 60 steps and for an
instant query. Prometheus is asked over HTTP on this machine, as its users ask it; its answer is read but not parsed.
Ours is built to the last label and value.
"""

from __future__ import annotations

import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from evals.bench.prometheus_server import PrometheusServer, running_prometheus
from tools.recorded.metrics_file import read_metrics, write_metrics
from tools.recorded.promql.arrays import Floats, Ints
from tools.recorded.promql.engine import Engine
from tools.recorded.promql.store import SeriesStore

BEGIN_MS = 1_760_000_000_000
SCRAPE_MS = 15_000
SAMPLES = 240
TARGETS, PER_TARGET = 40, 50
LOADED_SERIES = 1_584  # 380,160 samples
REPEATS = 7

SHAPES = {
    "rate": "rate(requests_total[5m])",
    "sum by": "sum by (service) (rate(requests_total[5m]))",
    "histogram_quantile": "histogram_quantile(0.9, sum by (le, service) (rate(latency_bucket[5m])))",
    "max_over_time": "max_over_time(requests_total[5m])",
    "avg_over_time": "avg_over_time(requests_total[5m])",
    "quantile_over_time": "quantile_over_time(0.9, requests_total[5m])",
    "stddev_over_time": "stddev_over_time(requests_total[5m])",
    "topk": "topk(10, rate(requests_total[5m]))",
    "ratio of two sums": 'sum(rate(requests_total{code="500"}[5m])) / sum(rate(requests_total[5m]))',
    "predict_linear": "predict_linear(requests_total[5m], 600)",
}


@dataclass(frozen=True)
class Timing:
    """Best milliseconds of one shape at a number of steps (1 is an instant query)."""

    shape: str
    steps: int
    theirs: float
    ours: float

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours


def bench_series() -> Iterator[tuple[dict[str, str], Ints, Floats]]:
    """2,000 counters and 2,000 buckets of 240 samples, from 40 targets that are each scraped at their own offset."""
    dice = np.random.default_rng(3)
    bounds = ["0.01", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"]
    for target in range(TARGETS):
        ms = BEGIN_MS + int(dice.integers(SCRAPE_MS)) + SCRAPE_MS * np.arange(SAMPLES, dtype=np.int64)
        base = {"instance": f"10.0.0.{target}:8080", "service": f"service-{target % 8}"}
        for number in range(PER_TARGET):
            labels = {"code": ("200", "404", "500")[number % 3], "path": f"/api/{number}"}
            steps = dice.poisson(3.0, SAMPLES).astype(np.float64)
            steps[dice.integers(SAMPLES)] = -1e6
            yield {"__name__": "requests_total", **base, **labels}, ms, _counter(steps)
        for path in range(PER_TARGET // len(bounds)):
            counts = np.cumsum(dice.poisson(1.0, (len(bounds), SAMPLES)), axis=0)
            for bound, row in zip(bounds, counts, strict=True):
                labels = {"path": f"/api/{path}", "le": bound}
                yield {"__name__": "latency_bucket", **base, **labels}, ms, np.cumsum(row).astype(np.float64)


def _counter(steps: Floats) -> Floats:
    """A running total that starts again from zero where a step is negative."""
    total = np.cumsum(np.where(steps < 0, 0, steps))
    at = int(np.argmin(steps))
    total[at:] -= total[at]
    return total


def compare(engine: Engine, server: PrometheusServer) -> Iterator[Timing]:
    end = BEGIN_MS + SAMPLES * SCRAPE_MS
    for shape, query in SHAPES.items():
        for steps in (240, 60, 1):
            if steps == 1:
                theirs = _best(partial(server.fetch_instant, query, end))
                ours = _best(partial(engine.instant, query, end))
            else:
                step = SAMPLES * SCRAPE_MS // steps
                window = (BEGIN_MS + step, end, step)
                theirs = _best(partial(server.fetch_range, query, *window))
                ours = _best(partial(engine.range, query, *window))
            yield Timing(shape, steps, theirs, ours)


def _best(ask: Callable[[], object]) -> float:
    """Milliseconds, best of several."""
    timings = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        ask()
        timings.append(time.perf_counter() - begin)
    return min(timings) * 1000


def main() -> int:
    """Print the table; exit 1 if a shape is slower than Prometheus."""
    console = Console()
    series = list(bench_series())
    with tempfile.TemporaryDirectory() as folder:
        console.print(_loading(Path(folder), series[:LOADED_SERIES]))
        with running_prometheus(Path(folder)) as server:
            server.write(series)
            timings = list(compare(Engine(SeriesStore(series)), server))
            console.print(_table(timings, server.version))
    return 0 if all(timing.ratio > 1 for timing in timings) else 1


def _loading(folder: Path, series: list[tuple[dict[str, str], Ints, Floats]]) -> str:
    """What it takes to get a store from a file: time, then memory kept and at its peak in a second reading."""
    sizes = {}
    for name in ("metrics.jsonl", "metrics.jsonl.gz"):
        write_metrics(folder / name, series)
        sizes[name] = (folder / name).stat().st_size / 2**20
    seconds = _best(lambda: SeriesStore(read_metrics(folder / "metrics.jsonl.gz")))
    tracemalloc.start()
    store = SeriesStore(read_metrics(folder / "metrics.jsonl.gz"))
    kept, peak = (size / 2**20 for size in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    return (
        f"{store.samples:,} samples in {len(store):,} series: {sizes['metrics.jsonl']:.1f} MB on disk, "
        f"{sizes['metrics.jsonl.gz']:.1f} MB gz, loaded in {seconds:.0f} ms, "
        f"{kept:.0f} MB kept, {peak:.0f} MB at the peak"
    )


def _table(timings: list[Timing], version: str) -> Table:
    table = Table(title=f"milliseconds a query, Prometheus {version} over HTTP / ours (ratio)")
    table.add_column("shape")
    columns = (240, 60, 1)
    for steps in columns:
        table.add_column("instant" if steps == 1 else f"{steps} steps", justify="right")
    for shape in SHAPES:
        row = {timing.steps: timing for timing in timings if timing.shape == shape}
        table.add_row(shape, *(f"{row[n].theirs:.1f} / {row[n].ours:.1f} ({row[n].ratio:.1f}x)" for n in columns))
    return table


if __name__ == "__main__":
    sys.exit(main())

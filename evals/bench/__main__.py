"""`make bench`: how fast the hot parts are here. Each figure is the best of a few; other load only worsens it."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from config.redact import Redactor
from tools.recorded.logs.engine import LogEngine
from tools.recorded.logs.store import stream_of
from tools.recorded.promql.engine import Engine
from tools.recorded.promql.store import SeriesStore
from tools.sources.logs import LabelMatcher, LogQuery

CASES = Path(__file__).resolve().parents[1] / "cases"
LINE = "2026-11-21T00:45:29.123Z level=info container=worker-a job=8f3a9c2d1b took=123.4ms 처리 완료\n"
MINUTE_MS = 60_000
NS_PER_MS = 1_000_000


def seconds(work: Callable[[], object], *, times: int = 3) -> float:
    """The shortest of `times` runs, in seconds."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def redaction() -> Iterator[tuple[str, float, str]]:
    """Clean lines in one text, clean lines one by one, and lines that each hold a secret."""
    redactor, clean = Redactor(), LINE * 10_000
    dirty = "".join(f'{{"user": "kim{n}@example.com", "password": "hunter{n}"}}\n' for n in range(2_000))
    megabytes = len(clean.encode()) / 1e6
    yield "redact: clean text", megabytes / seconds(lambda: redactor.redact(clean)), "MB/s"
    yield (
        "redact: clean, line by line",
        megabytes / 2 / seconds(lambda: [redactor.redact(LINE) for _ in range(5_000)]),
        "MB/s",
    )
    yield "redact: two secrets a line", len(dirty.encode()) / 1e6 / seconds(lambda: redactor.redact(dirty)), "MB/s"


def promql() -> Iterator[tuple[str, float, str]]:
    """A rate over 2,000 counters at 60 steps, summed by a label of 20 values."""
    ms = np.arange(0, 90 * MINUTE_MS, 5_000, dtype=np.int64)
    steps = np.random.default_rng(7).integers(0, 50, size=(2_000, len(ms))).cumsum(axis=1).astype(np.float64)
    labels = ({"__name__": "work_total", "instance": f"i{n}", "service": f"s{n % 20}"} for n in range(len(steps)))
    engine = Engine(SeriesStore((label, ms, row) for label, row in zip(labels, steps, strict=True)))
    query, start = "sum by (service) (rate(work_total[5m]))", 30 * MINUTE_MS
    took = seconds(lambda: engine.range(query, start, start + 59 * MINUTE_MS, MINUTE_MS))
    yield "promql: rate of 2,000 series, 60 steps", took * 1000, "ms"


def logs() -> Iterator[tuple[str, float, str]]:
    """Counting one word by container over 100,000 lines, a point each minute."""
    lines = [(n * 50 * NS_PER_MS, f"job {n} {'done' if n % 7 else 'failed: 시간 초과'}") for n in range(25_000)]
    engine = LogEngine(stream_of({"container": f"c{which}"}, lines) for which in range(4))
    query = LogQuery(matchers=(LabelMatcher("container", "=~", "c.*"),), start_ns=0, end_ns=1_250_000 * NS_PER_MS)
    took = seconds(lambda: engine.count(query, ("container",), MINUTE_MS))
    yield "logs: count 100,000 lines by container", took * 1000, "ms"


def investigations() -> Iterator[tuple[str, float, str]]:
    """Each bundled case from its signals to a verified diagnosis, with the built-in analyst."""
    from evals.case import load_case
    from evals.run import investigate_case

    for folder in sorted(path.parent for path in CASES.glob("*/case.yaml")):
        case = load_case(folder)
        took = seconds(lambda case=case: asyncio.run(investigate_case(case)), times=2)  # type: ignore[misc]
        yield f"investigate: {case.id}", took * 1000, "ms"


BENCHES = {"redaction": redaction, "promql": promql, "logs": logs, "investigations": investigations}


def main() -> None:
    """Run all, or those named."""
    parser = argparse.ArgumentParser(prog="python -m evals.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help="which; default all")
    for name in parser.parse_args().names or BENCHES:
        for title, figure, unit in BENCHES[name]():
            sys.stdout.write(f"{title:<45} {figure:>10,.1f} {unit}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

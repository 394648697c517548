"""Capture from a real Prometheus, then replay: the same samples bit for bit, the same answers to any question."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from config.redact import Redactor
from evals.bench.prometheus_server import PrometheusServer
from evals.capture import capture
from evals.capture_plan import Plan
from tests.golden.promql2.generate import recorded
from tests.golden.promql2.nasty_series import BEGIN_MS, SPAN_S, Series, nasty_series
from tests.golden.promql2.random_queries import QueryDice
from tests.live.prometheus import prometheus_server
from tests.tools.recorded.promql.shared_contract import verdict
from tools.recorded.metrics_file import read_metrics
from tools.recorded.promql.arrays import is_stale
from tools.recorded.promql.engine import Engine
from tools.recorded.promql.store import SeriesStore
from tools.sources.inventory import Inventory
from tools.sources.raw_samples import RawSamples
from tools.world import World

__all__ = ["prometheus_server"]

pytestmark = pytest.mark.live
SEED, QUESTIONS = 31, 300
HOUR_MS = 3_600_000
PLAN = Plan(id="nasty", start_ms=BEGIN_MS - HOUR_MS, end_ms=BEGIN_MS + SPAN_S * 1000 + HOUR_MS,
            now_ms=BEGIN_MS + SPAN_S * 1000)


@pytest.fixture(scope="module")
def series(prometheus_server: PrometheusServer) -> list[Series]:
    found = nasty_series(seed=SEED)
    prometheus_server.write(found)
    return found


async def captured(server: PrometheusServer, out: Path, *, remote: bool) -> dict[frozenset[tuple[str, str]], Series]:
    """The captured series by their labels."""
    samples = RawSamples(url=str(server.client.base_url))
    samples.refused = "" if remote else "switched off by the test"
    await capture(World(name="live", inventory=Inventory()), PLAN, out, samples=samples, redactor=Redactor(),
                  present_ms=PLAN.end_ms)
    assert bool(samples.refused) != remote
    return {frozenset(one[0].items()): one for one in read_metrics(out / "metrics.jsonl.gz")}


async def test_remote_read_captures_every_bit(
    prometheus_server: PrometheusServer, series: list[Series], tmp_path: Path
) -> None:
    """Values, NaN, infinities and stale markers are what was stored, and no series is missing or more."""
    found = await captured(prometheus_server, tmp_path / "case", remote=True)
    assert len(found) == len(series)
    for labels, ms, values in series:
        _, got_ms, got = found[frozenset((k, v) for k, v in labels.items() if v)]
        assert np.array_equal(got_ms, ms), labels
        assert np.array_equal(got[~np.isnan(values)], values[~np.isnan(values)]), labels
        assert np.array_equal(np.isnan(got), np.isnan(values)), labels
        assert np.array_equal(is_stale(got), is_stale(values)), labels


async def test_range_selectors_capture_every_sample(
    prometheus_server: PrometheusServer, series: list[Series], tmp_path: Path
) -> None:
    """Without remote read the samples are the same; only the markers are inferred."""
    found = await captured(prometheus_server, tmp_path / "case", remote=False)
    for labels, ms, values in series:
        real = ~is_stale(values)
        if not real.any():
            continue
        _, got_ms, got = found[frozenset((k, v) for k, v in labels.items() if v)]
        kept = ~is_stale(got)
        assert np.array_equal(got_ms[kept], ms[real]), labels
        assert np.array_equal(got[kept], values[real], equal_nan=True), labels


async def test_replayed_questions_get_the_servers_answers(
    prometheus_server: PrometheusServer, series: list[Series], tmp_path: Path
) -> None:
    """Random questions, asked of the server and of what was captured from it."""
    await captured(prometheus_server, tmp_path / "case", remote=True)
    engine, dice = Engine(SeriesStore(read_metrics(tmp_path / "case" / "metrics.jsonl.gz"))), QueryDice(SEED)
    differences = []
    for _ in range(QUESTIONS):
        question = dice.question()
        problem = verdict(engine, asdict(question) | recorded(prometheus_server, question), 1e-9)
        if problem is not None:
            differences.append(f"{question}\n    {problem}")
    assert len(differences) <= QUESTIONS * 0.005, "\n".join(differences)

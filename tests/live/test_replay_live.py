"""Capture, then replay: what an investigation asked of the live lab gives the same answers from the captured case."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from agent.assemble import assemble
from config.redact import Redactor
from config.settings import World as WorldSettings
from evals.capture import capture
from evals.capture_plan import Plan
from evals.case import load_case
from tests.live.lab import RunningLab
from tests.live.lab_world import live_settings
from tests.live.loki_standin import loki_standin
from tools.live_world import live_worlds
from tools.recorded.world import open_world
from tools.sources.logs import CountResult, LogResult
from tools.sources.metrics import MetricsResult
from tools.sources.raw_samples import RawSamples
from tools.world import World

pytestmark = pytest.mark.live
PAST_S = 150  # enough for a baseline of a quiet system
SETTLE_S = 15  # nothing that is asked about may still be on its way


@dataclass
class Heard:
    """A source that passes questions on and keeps each with its answer."""

    source: Any
    asked: list[tuple[str, tuple[Any, ...], dict[str, Any], Any]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.source, name)
        if name not in ("instant", "range", "search", "count"):
            return method

        async def passing(*arguments: Any, **named: Any) -> Any:
            answer = await method(*arguments, **named)
            self.asked.append((name, arguments, named, answer))
            return answer

        return passing


@pytest.fixture(scope="module")
def loki(running_lab: RunningLab) -> Iterator[str]:
    with loki_standin(running_lab.lab) as url:
        yield url


@dataclass(frozen=True)
class Told:
    """What was asked of the live world, and the world captured from it."""

    metrics: Heard
    logs: Heard
    recorded: World


@pytest.fixture(scope="module")
def told(running_lab: RunningLab, loki: str, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """One investigation of the running lab, asked a moment back, then the same window captured."""
    time.sleep(PAST_S)
    now = (time.time_ns() // 1_000_000 // 1_000 - SETTLE_S) * 1_000
    settings = live_settings(running_lab, loki)["world"]
    live: World = next(iter(live_worlds(WorldSettings.model_validate(settings)).values()))
    start = now - PAST_S * 1_000
    metrics, logs = Heard(live.metrics), Heard(live.logs)
    folder = tmp_path_factory.mktemp("captured") / "replay"
    plan = Plan(id="replay", start_ms=start, end_ms=now + 1_000, now_ms=now, question="is anything wrong?")

    async def both() -> World:
        folder.mkdir()
        await capture(live, plan, folder, samples=RawSamples(url=running_lab.prometheus_url), redactor=Redactor(),
                      present_ms=time.time_ns() // 1_000_000)
        recorded = open_world(folder)
        heard = replace(live, metrics=metrics, logs=logs, earliest_ms=recorded.earliest_ms)
        incident = load_case(folder).incident()
        await assemble(heard).investigate(incident, run_id="replay", asked_at_ms=now)
        return recorded

    return Told(metrics, logs, asyncio.run(both()))


async def test_every_metric_question_is_answered_the_same(told: Told) -> None:
    """Series, times and values, to 1e-9 relative."""
    assert told.metrics.asked
    assert told.recorded.metrics is not None
    for name, arguments, named, answer in told.metrics.asked:
        again = await getattr(told.recorded.metrics, name)(*arguments, **named)
        assert same_series(answer, again), f"{name} {arguments} {named}"


async def test_every_log_question_is_answered_the_same(told: Told) -> None:
    """Lines line for line, counts count for count."""
    assert told.logs.asked
    assert told.recorded.logs is not None
    for name, arguments, named, answer in told.logs.asked:
        again = await getattr(told.recorded.logs, name)(*arguments, **named)
        assert same_lines(answer, again), f"{name} {arguments} {named}"


def same_series(one: MetricsResult, two: MetricsResult) -> bool:
    """The same labels with the same points."""
    a, b = ({tuple(sorted(s.labels.items())): s for s in r.series} for r in (one, two))
    return a.keys() == b.keys() and all(
        np.array_equal(a[k].ms, b[k].ms) and np.allclose(a[k].values, b[k].values, rtol=1e-9, atol=0, equal_nan=True)
        for k in a
    )


def same_lines(one: LogResult | CountResult, two: LogResult | CountResult) -> bool:
    """The same entries in the same order, or the same counts."""
    if isinstance(one, LogResult) and isinstance(two, LogResult):
        return [(e.ns, e.line) for e in one.entries] == [(e.ns, e.line) for e in two.entries]
    assert isinstance(one, CountResult)
    assert isinstance(two, CountResult)
    return counts_of(one) == counts_of(two)


def counts_of(result: CountResult) -> dict[tuple[tuple[str, str], ...], list[tuple[int, float]]]:
    """(ms, count) by labels."""
    return {tuple(sorted(s.labels.items())): list(zip(s.ms, s.counts, strict=True)) for s in result.series}

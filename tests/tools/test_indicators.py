"""Users' errors by counters that carry a status; a server that refuses such a search takes nothing else away."""

from __future__ import annotations

import numpy as np
import pytest

from config.errors import QueryBudget
from tests.tools.stage import END, ONSET, START, counter, gauge, measured, world
from tools.indicators import read_indicators
from tools.recorded.metrics import RecordedMetrics
from tools.sources.metrics import MetricsResult
from tools.windows import Grid

AXIS = Grid(START + 60_000, END, 15_000, ONSET)


@pytest.mark.parametrize("label", ["code", "status", "status_code"])
async def test_the_share_of_5xx_among_all_statuses_is_what_users_see(label: str) -> None:
    """A quarter of the answers are 500 since the onset, by whichever label says so; 404 is no failure of ours."""
    told = measured(
        counter("http_requests_total", lambda t: 8.0, service="front", **{label: "200"}),
        counter("http_requests_total", lambda t: 1.0, service="front", **{label: "404"}),
        counter("http_requests_total", lambda t: 3.0 if t >= ONSET else 0.0, service="front", **{label: "500"}))
    share = next(i for i in await read_indicators(world(metrics=told), AXIS) if i.kind == "success")
    assert np.nanmean(share.values[: AXIS.split - 2]) == pytest.approx(1.0, abs=0.02)
    assert share.values[-1] == pytest.approx(0.75, abs=0.02)


class Refusing:
    """A server that will not look through every counter."""

    def __init__(self, inner: RecordedMetrics) -> None:
        self._inner = inner

    async def instant(self, promql: str, *, at_ms: int) -> MetricsResult:
        return await self._inner.instant(promql, at_ms=at_ms)

    async def range(self, promql: str, *, start_ms: int, end_ms: int, step_ms: int) -> MetricsResult:
        if "5xx" in promql:
            raise QueryBudget("too many samples")
        return await self._inner.range(promql, start_ms=start_ms, end_ms=end_ms, step_ms=step_ms)


async def test_a_server_that_refuses_the_search_still_tells_its_probes() -> None:
    """The probe is read; nothing is raised."""
    told = Refusing(measured(gauge("probe_success", lambda t: 1.0, job="blackbox")))
    assert [i.kind for i in await read_indicators(world(metrics=told), AXIS)] == ["success"]

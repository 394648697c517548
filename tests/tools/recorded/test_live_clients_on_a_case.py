"""The live clients, pointed at a served case, give what the recorded sources give: a past incident can be looked at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from config.errors import NotCaptured, QueryError
from tests.tools.recorded.served_case import served_over_http
from tests.tools.recorded.tiny_case import NOW_MS, START_MS, TinyCase, there, write_tiny_case
from tools.recorded.world import open_world
from tools.sources.http_json import Endpoint
from tools.sources.logs import LabelMatcher, LineFilter, LogQuery
from tools.sources.loki import LokiLogs
from tools.sources.prometheus import PrometheusMetrics

MINUTE, NS = 60_000, 1_000_000
RATE = "sum by (name) (rate(container_cpu_usage_seconds_total[1m]))"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyCase:
    return write_tiny_case(tmp_path_factory.mktemp("case") / "tiny")


@pytest.fixture(scope="module")
def address(tiny: TinyCase) -> Iterator[str]:
    """Where the case is served."""
    with served_over_http(tiny.folder) as found:
        yield found


async def test_metrics_client_reads_a_case(tiny: TinyCase, address: str) -> None:
    """Instants and ranges agree value for value."""
    recorded, live = there(open_world(tiny.folder).metrics), PrometheusMetrics(Endpoint(url=address))
    window = {"start_ms": START_MS + 2 * MINUTE, "end_ms": NOW_MS, "step_ms": 15_000}
    for old, new in ((await recorded.range(RATE, **window), await live.range(RATE, **window)),
                     (await recorded.instant(RATE, at_ms=NOW_MS), await live.instant(RATE, at_ms=NOW_MS))):
        assert len(old.series) == len(new.series) == 6
        for one, other in zip(old.series, sorted(new.series, key=lambda s: s.label("name")), strict=True):
            assert dict(one.labels) == dict(other.labels)
            assert np.array_equal(one.ms, other.ms)
            assert np.array_equal(one.values, other.values)


async def test_what_was_not_captured_is_an_error_to_the_client(tiny: TinyCase, address: str) -> None:
    """The client gets the recorded world's words, never an empty answer."""
    early = START_MS - MINUTE
    with pytest.raises(NotCaptured):
        await there(open_world(tiny.folder).metrics).instant("up", at_ms=early)
    with pytest.raises(QueryError, match="not captured"):
        await PrometheusMetrics(Endpoint(url=address)).instant("up", at_ms=early)


async def test_logs_client_reads_a_case(tiny: TinyCase, address: str) -> None:
    """Lines and counts agree."""
    recorded, live = there(open_world(tiny.folder).logs), LokiLogs(base_url=address)
    query = LogQuery((LabelMatcher("service", "=", "worker"),), (NOW_MS - MINUTE) * NS, NOW_MS * NS,
                     filters=(LineFilter("contains", "job done"),))
    assert (await live.search(query)).entries == (await recorded.search(query)).entries
    counted = await live.count(query, ("container",), 10_000)
    assert counted.series == (await recorded.count(query, ("container",), 10_000)).series
    await live.aclose()

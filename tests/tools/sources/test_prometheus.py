"""The live metrics client: what a server says arrives whole, and what it cannot say is told apart."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from config.errors import ConfigError, QueryBudget, QueryError, SourceRefused, SourceUnavailable
from tests.tools.sources.scripted_server import FAULTS, REFUSALS, Asked, Reply, ok, serving
from tools.sources.http_json import Endpoint
from tools.sources.prometheus import PrometheusMetrics
from tools.sources.rate_cap import RateCap
from tools.sources.shortfall import collecting

SECRET = "s3cret-t0ken-Xy9"


def vector(*rows: object, **more: object) -> Reply:
    return ok({"status": "success", "data": {"resultType": "vector", "result": list(rows)}, **more})


def client(url: str, *, timeout_s: float = 1.0, **options: object) -> PrometheusMetrics:
    endpoint = Endpoint(url, headers={"Authorization": f"Bearer {SECRET}", "X-Scope-OrgID": "team-a"},
                        timeout_s=timeout_s)
    return PrometheusMetrics(endpoint, **options)  # type: ignore[arg-type]


async def test_an_instant_query_gives_labels_times_and_values() -> None:
    """A vector becomes series of one point; the moment is sent in milliseconds, tenant and token with it."""
    row = {"metric": {"__name__": "up", "job": "node"}, "value": [1700000000.123, "+Inf"]}
    with serving(lambda _: vector(row)) as server:
        result = await client(server.url + "/prometheus").instant("up", at_ms=1_700_000_000_123)
    (series,) = result.series
    assert (dict(series.labels), series.ms.tolist(), series.values.tolist()) == (
        {"__name__": "up", "job": "node"}, [1_700_000_000_123], [float("inf")])
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.params["time"]) == ("GET", "/prometheus/api/v1/query", "1700000000.123")
    assert (asked.headers["authorization"], asked.headers["x-scope-orgid"]) == (f"Bearer {SECRET}", "team-a")


async def test_a_range_keeps_milliseconds() -> None:
    """Start, end and step reach the server to the millisecond, though the library rounds to seconds."""
    matrix = {"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"job": "a"}, "values": [[1.5, "1"], [2.0, "NaN"]]}]}}
    with serving(lambda _: ok(matrix)) as server:
        result = await client(server.url).range("rate(x[1m])", start_ms=1_500, end_ms=2_250, step_ms=500)
    assert {k: server.asked[0].params[k] for k in ("start", "end", "step")} == {
        "start": "1.500", "end": "2.250", "step": "0.500"}
    assert result.series[0].ms.tolist() == [1500, 2000]


async def test_scalars_are_series_without_labels_and_texts_are_refused() -> None:
    """`time()` is one unlabelled point; a string is an error, not an empty answer."""
    with serving(lambda _: ok({"status": "success", "data": {"resultType": "scalar", "result": [1.5, "42"]}})) as s:
        result = await client(s.url).instant("time()", at_ms=1_500)
        assert (dict(result.series[0].labels), result.series[0].values.tolist()) == ({}, [42.0])
        s.answer = lambda _: ok({"status": "success", "data": {"resultType": "string", "result": [1.5, "a"]}})
        with pytest.raises(QueryError, match="a text"):
            await client(s.url).instant('"a"', at_ms=1_500)


async def test_a_partial_response_is_told() -> None:
    """Warnings beside a result (Thanos: one store did not answer) reach the result and the evidence's shortfalls."""
    with serving(lambda _: vector(warnings=["store 10.0.0.7 did not answer"])) as server, collecting() as told:
        result = await client(server.url).instant("up", at_ms=0)
    assert result.warnings == ("store 10.0.0.7 did not answer",)
    assert told == ["Prometheus warns: store 10.0.0.7 did not answer"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_failing_server_is_unavailable_in_time(fault: str) -> None:
    """Down, slow, 500, HTML, truncated, 429: SourceUnavailable within the time-outs, whatever `Retry-After` says."""
    began = time.monotonic()
    with serving(lambda _: FAULTS[fault]) as server, pytest.raises(SourceUnavailable) as raised:
        await client(server.url, timeout_s=0.3).instant("up", at_ms=0)
    assert time.monotonic() - began < 3
    assert SECRET not in str(raised.value)
    if fault == "503 with a reason":
        assert "TSDB not ready" in str(raised.value)


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_wrong_credentials_are_refused(refusal: str) -> None:
    """401, 403 and a redirect to a login page are permanent; the token is not in the message; nothing is retried."""
    with serving(lambda _: REFUSALS[refusal]) as server, pytest.raises(SourceRefused) as raised:
        await client(server.url).instant("up", at_ms=0)
    assert SECRET not in str(raised.value)
    assert len(server.asked) == 1


async def test_nobody_listening_is_unavailable() -> None:
    """A refused connection is transient and quick."""
    with serving(lambda _: vector()) as server:
        url = server.url
    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        await client(url).instant("up", at_ms=0)


async def test_the_servers_own_words_of_a_bad_query() -> None:
    """400 and 422 carry Prometheus' `error`; a query that would read too much is a budget, not a mistake."""
    def told(text: str, status: int) -> Reply:
        return ok({"status": "error", "errorType": "bad_data", "error": text}, status=status)

    with serving(lambda _: told("1:5: parse error: unexpected right brace", 400)) as server:
        with pytest.raises(QueryError, match="unexpected right brace"):
            await client(server.url).instant("up}", at_ms=0)
        server.answer = lambda _: told("query processing would load too many samples into memory", 422)
        with pytest.raises(QueryBudget):
            await client(server.url).instant("up", at_ms=0)


async def test_a_broken_connection_is_tried_once_more() -> None:
    """One 503 is retried once; a second one is an error."""
    replies = [FAULTS["503 with a reason"], vector()]

    def answer(_: Asked) -> Reply:
        return replies.pop(0)

    with serving(answer) as server:
        await client(server.url).instant("up", at_ms=0)
        assert len(server.asked) == 2


async def test_too_many_points_are_not_asked_for() -> None:
    """What the server would refuse is refused here, without a request."""
    with serving(lambda _: vector()) as server:
        with pytest.raises(QueryBudget):
            await client(server.url).range("up", start_ms=0, end_ms=11_000_000, step_ms=1_000)
        assert server.asked == []


async def test_an_answer_without_end_is_given_up() -> None:
    """A body that drips past the time-out is unavailable although each read came in time."""
    with serving(lambda _: replace(FAULTS["slow"], after_s=1.2)) as server, pytest.raises(SourceUnavailable):
        await client(server.url, timeout_s=0.4).instant("up", at_ms=0)


async def test_queries_wait_for_their_place() -> None:
    """A cap of ten a second makes thirty queries take about a second beyond the burst of twenty."""
    with serving(lambda _: vector()) as server:
        metrics = client(server.url, cap=RateCap("Prometheus", per_second=10))
        began = time.monotonic()
        for _ in range(30):
            await metrics.instant("up", at_ms=0)
        assert 0.9 < time.monotonic() - began < 3
        assert len(server.asked) == 30


def test_a_row_that_grows_too_long_is_refused() -> None:
    """Who would wait longer than allowed is told so at once."""
    cap = RateCap("Loki", per_second=1, burst=1, longest_wait_s=2, clock=lambda: 0.0)
    assert [cap.reserve() for _ in range(3)] == [0.0, 1.0, 2.0]
    with pytest.raises(SourceUnavailable, match="Loki: not asked, 1 queries a second"):
        cap.reserve()


def test_an_address_that_is_no_url_is_a_settings_mistake() -> None:
    """`prometheus:9090` without http:// is named as such."""
    with pytest.raises(ConfigError, match="not an http URL"):
        PrometheusMetrics(Endpoint("prometheus:9090"))

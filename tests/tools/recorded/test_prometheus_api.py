"""A case over HTTP answers as Prometheus and Loki do: same shapes, same errors, nothing past `now`."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.tools.recorded.tiny_case import CONTAINERS, NOW_MS, ONSET_MS, START_MS, TinyCase, write_tiny_case
from tools.recorded.case_api import CaseApi
from tools.recorded.prometheus_api import read_time_ms
from tools.recorded.prometheus_json import seconds
from tools.recorded.promql.numbers import api_number
from triggers.case_cli import app

NOW = NOW_MS // 1000
CPU = "container_cpu_usage_seconds_total"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyCase:
    return write_tiny_case(tmp_path_factory.mktemp("case") / "tiny")


def served(folder: Path, *, whole: bool = False) -> httpx.ASGITransport:
    """Requests that reach the case without a socket."""
    application: Any = CaseApi(folder, whole=whole)
    return httpx.ASGITransport(app=application)


@pytest.fixture
async def http(tiny: TinyCase) -> AsyncIterator[httpx.AsyncClient]:
    transport = served(tiny.folder)
    async with httpx.AsyncClient(transport=transport, base_url="http://case") as client:
        yield client


async def data(http: httpx.AsyncClient, path: str, **params: Any) -> Any:
    """`data` of a successful answer."""
    response = await http.get(path, params=params)
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["status"] == "success"
    return body["data"]


async def test_instant_query_gives_a_vector_at_now(http: httpx.AsyncClient) -> None:
    """Without a time, `now` is the case's."""
    found = await data(http, "/api/v1/query", query="up")
    assert found == {"resultType": "vector", "result": [
        {"metric": {"__name__": "up", "instance": "host-a:9100", "job": "node"}, "value": [NOW, "1"]}]}


async def test_query_may_be_posted(http: httpx.AsyncClient) -> None:
    """GET and form POST mean the same."""
    posted = await http.post("/api/v1/query", data={"query": "count(up)", "time": str(NOW - 60)})
    assert posted.json()["data"] == await data(http, "/api/v1/query", query="count(up)", time=NOW - 60)
    assert posted.json()["data"]["result"] == [{"metric": {}, "value": [NOW - 60, "1"]}]


@pytest.mark.parametrize(("query", "kind", "result"), [
    ("1 + 0.5", "scalar", [NOW, "1.5"]), ('"text"', "string", [NOW, "text"]), ("0 / 0", "scalar", [NOW, "NaN"]),
    ("vector(1) / 0", "vector", [{"metric": {}, "value": [NOW, "+Inf"]}]), ("up > 1", "vector", []),
    ("up[10s]", "matrix", [{"metric": {"__name__": "up", "instance": "host-a:9100", "job": "node"},
                            "values": [[NOW - 10, "1"], [NOW - 5, "1"], [NOW, "1"]]}]),
])
async def test_every_kind_of_answer(http: httpx.AsyncClient, query: str, kind: str, result: Any) -> None:
    """Scalars, strings, vectors and matrices in the API's own shapes."""
    assert await data(http, "/api/v1/query", query=query) == {"resultType": kind, "result": result}


async def test_range_query_leaves_uncovered_steps_out_with_a_warning(http: httpx.AsyncClient) -> None:
    """A dashboard that looks too far back sees what there is, and that it is not all."""
    response = await http.get("/api/v1/query_range", params={
        "query": f'rate({CPU}{{name="redis"}}[1m])', "start": START_MS / 1000 - 600, "end": NOW + 600, "step": "1m"})
    body = response.json()
    times = [t for t, _ in body["data"]["result"][0]["values"]]
    assert (times[0], times[-1]) == (START_MS // 1000 + 60, NOW)
    assert body["warnings"] == ["steps before 2026-11-21T02:01:00.000Z are left out: they read what was not captured"]


@pytest.mark.parametrize(("path", "params", "status", "kind", "says"), [
    ("query", {"query": "sum("}, 400, "bad_data", 'invalid parameter "query"'),
    ("query", {}, 400, "bad_data", 'invalid parameter "query"'),
    ("query", {"query": "up", "time": "noon"}, 400, "bad_data", 'invalid parameter "time"'),
    ("query", {"query": "up", "time": str(START_MS // 1000 - 60)}, 422, "execution", "not captured"),
    ("query", {"query": 'label_replace(up, "a b", "", "", "")'}, 422, "execution", ""),
    ("query", {"query": "up + on() group_left() up + on(x) {__name__=~\".+\"}"}, 422, "execution", ""),
    ("query_range", {"query": "up", "start": "1", "end": "2"}, 400, "bad_data", 'invalid parameter "step"'),
    ("query_range", {"query": "up", "end": "2", "step": "1"}, 400, "bad_data", 'invalid parameter "start"'),
    ("query_range", {"query": "up", "start": "2", "end": "1", "step": "1"}, 400, "bad_data", "end timestamp"),
    ("query_range", {"query": "up", "start": "1", "end": "2", "step": "0"}, 400, "bad_data", "step"),
    ("query_range", {"query": "up", "start": "1", "end": "99999", "step": "1"}, 400, "bad_data", "11,000 points"),
    ("query_range", {"query": "up", "start": "1", "end": "2", "step": "1"}, 422, "execution", "not captured"),
    ("query_range", {"query": "up[5m]", "start": str(NOW), "end": str(NOW), "step": "1"}, 422, "execution", "range"),
    ("series", {}, 400, "bad_data", "no match[]"), ("series", {"match[]": "up{"}, 400, "bad_data", "match[]"),
    ("series", {"match[]": "sum(up)"}, 400, "bad_data", "match[]"),
    ("nothing", {}, 404, "not_found", "no such endpoint"),
])
async def test_errors_are_prometheus_own(http: httpx.AsyncClient, path: str, params: dict[str, str], status: int,
                                         kind: str, says: str) -> None:
    """400 for what cannot be read, 422 for what cannot be evaluated or was not captured, as JSON."""
    response = await http.get(f"/api/v1/{path}", params=params)
    body = response.json()
    assert (response.status_code, body["status"], body["errorType"]) == (status, "error", kind), body
    assert says in body["error"]


async def test_other_methods_and_long_bodies_are_refused(http: httpx.AsyncClient) -> None:
    """PUT is 405, a body without bounds 413."""
    assert (await http.put("/api/v1/query")).status_code == 405
    assert (await http.post("/api/v1/query", content=b"query=" + b"1" * 1_100_000)).status_code == 413


async def test_series_and_labels_are_those_with_samples_in_the_window(http: httpx.AsyncClient) -> None:
    """Before the onset worker-green has no series yet; names and values follow the window and the selectors."""
    match = f'{CPU}{{name=~"worker-.*"}}'
    early = await data(http, "/api/v1/series", **{"match[]": match, "end": ONSET_MS / 1000 - 60})
    late = await data(http, "/api/v1/series", **{"match[]": match})
    assert [s["name"] for s in early] == ["worker-blue"]
    assert [s["name"] for s in late] == ["worker-blue", "worker-green"]
    assert await data(http, "/api/v1/labels") == ["__name__", "image", "instance", "job", "name"]
    assert await data(http, "/api/v1/label/name/values") == sorted(CONTAINERS)
    assert await data(http, "/api/v1/label/name/values", **{"match[]": 'up{job="node"}'}) == []


async def test_metadata_and_build_are_told(http: httpx.AsyncClient) -> None:
    """Types were not recorded, so they are unknown; the version is the recorded server's."""
    assert (await data(http, "/api/v1/metadata"))["up"] == [{"type": "unknown", "help": "", "unit": ""}]
    assert list(await data(http, "/api/v1/metadata", metric=CPU)) == [CPU]
    assert (await data(http, "/api/v1/status/buildinfo"))["version"] == "2.42.0"


async def test_loki_is_served_beside_it(http: httpx.AsyncClient) -> None:
    """LogQL under /loki, from the same case and up to the same `now`."""
    found = await data(http, "/loki/api/v1/query_range", query='{service="worker"} |= "job done"', limit=1,
                       start=NOW - 60, end=NOW)
    assert "job done" in found["result"][0]["values"][0][1]
    assert (await http.get("/ready")).status_code == 200
    assert (await http.get("/")).json()["case"] == "tiny"


async def test_whole_shows_what_came_after_now(tiny: TinyCase) -> None:
    """A person may look past `now`; by default nobody does."""
    for whole, end in ((False, NOW), (True, NOW + 240)):
        transport = served(tiny.folder, whole=whole)
        async with httpx.AsyncClient(transport=transport, base_url="http://case") as client:
            found = await data(client, "/api/v1/query", query="timestamp(up)", time=NOW + 900)
            assert found["result"][0]["value"] == [end, str(end)]


async def test_uncaptured_metrics_and_logs_say_so(tmp_path: Path) -> None:
    """Without the files every path of theirs answers 422, never an empty list."""
    folder = write_tiny_case(tmp_path / "c", captured=["containers", "routing", "alerts", "queues", "peers", "changes"],
                             missing=[{"what": "metrics", "why": "x"}, {"what": "logs", "why": "x"}]).folder
    (folder / "metrics.jsonl").unlink()
    (folder / "logs.jsonl").unlink()
    async with httpx.AsyncClient(transport=served(folder), base_url="http://c") as client:
        for path in ("/api/v1/query?query=up", "/loki/api/v1/labels"):
            response = await client.get(path)
            assert (response.status_code, response.json()["errorType"]) == (422, "execution")


def test_query_command_prints_the_apis_json(tiny: TinyCase) -> None:
    """`case query` prints one JSON document and ends with 1 where the API answers an error, 2 without a case."""
    runner = CliRunner()
    result = runner.invoke(app, ["query", str(tiny.folder), f"count({CPU})", "--at", "2026-11-21T02:05:00Z"])
    assert json.loads(result.stdout)["data"]["result"] == [{"metric": {}, "value": [START_MS // 1000 + 300, "5"]}]
    ranged = runner.invoke(app, ["query", str(tiny.folder), "up", "--start", "2026-11-21T02:05:00Z", "--step", "1m"])
    assert len(json.loads(ranged.stdout)["data"]["result"][0]["values"]) == 12
    wrong = runner.invoke(app, ["query", str(tiny.folder), "sum("])
    assert (wrong.exit_code, json.loads(wrong.stdout)["errorType"]) == (1, "bad_data")
    assert runner.invoke(app, ["query", str(tiny.folder / "no"), "up"]).exit_code == 2


@pytest.mark.parametrize(("value", "text"), [
    (1.0, "1"), (-0.0, "-0"), (0.1, "0.1"), (1e20, "100000000000000000000"), (1e21, "1e+21"), (1.5e300, "1.5e+300"),
    (1e-6, "0.000001"), (1e-7, "1e-07"), (1.25e-9, "1.25e-09"), (1e-10, "1e-10"), (5e-324, "5e-324"),
    (123456.789, "123456.789"),
    (math.nan, "NaN"), (math.inf, "+Inf"), (-math.inf, "-Inf"), (-1.5, "-1.5"), (1795227360.0, "1795227360"),
])
def test_numbers_are_written_as_go_writes_them(value: float, text: str) -> None:
    """Shortest form, exponents only outside 1e-6 .. 1e21, those of two digits at least."""
    assert api_number(value) == text


@given(st.floats(allow_nan=False))
def test_numbers_read_back_bit_for_bit(value: float) -> None:
    """No digit is lost on the way out."""
    back = float(api_number(value))
    assert back == value
    assert math.copysign(1, back) == math.copysign(1, value)


@given(st.integers(0, 4_102_444_800_000))
def test_times_read_back_to_the_millisecond(ms: int) -> None:
    """Seconds with decimals lose no millisecond."""
    assert read_time_ms(json.dumps(seconds(ms))) == ms


@pytest.mark.parametrize(("text", "ms"), [
    ("2026-11-21T02:16:00Z", NOW_MS), ("2026-11-21T11:16:00.000+09:00", NOW_MS), ("1795227360.5", NOW_MS + 500),
    ("1e9", 10**12), ("", None), ("nan", None), ("1e40", None), ("2026-11-21", None), ("now", None), ("\ud800", None),
])
def test_times_are_read_as_prometheus_reads_them(text: str, ms: int | None) -> None:
    """Unix seconds or RFC 3339 with a zone; nothing else."""
    assert read_time_ms(text) == ms

"""The 31 exchanges recorded from a real Loki, errors included, through the live client."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import httpx
import pytest

from config.errors import QueryError
from tests.tools.recorded.logs.shared_contracts import contract_file
from tools.recorded.logs.logql_parser import ParsedCount, ParsedPipeline, parse_logql
from tools.sources.logs import CountResult, LabelMatcher, LogQuery, LogResult
from tools.sources.loki import LokiLogs
from tools.sources.loki_answers import StreamStats, entries_of, json_body

START, END = 1795210717000000000, 1795212527000000000
AI_WORKER = (LabelMatcher("service", "=", "ai-worker"),)


@cache
def exchanges() -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in json.loads(contract_file("loki_exchanges.json").read_text())}


class Replay(httpx.AsyncBaseTransport):
    """Gives one recorded answer, and keeps the requests that were made."""

    def __init__(self, name: str) -> None:
        self.recorded = exchanges()[name]
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.recorded["response"]
        body = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"], ensure_ascii=False)
        return httpx.Response(answer["status"], headers={"content-type": answer["content_type"]}, content=body.encode())


def client(name: str) -> tuple[LokiLogs, Replay]:
    replay = Replay(name)
    return LokiLogs(base_url="http://loki.test", transport=replay), replay


def query_of(name: str) -> LogQuery:
    """The structured query behind a recorded log request."""
    sent = exchanges()[name]["request"]["query"]
    parsed = parse_logql(sent["query"] + (' | __error__=""' if " > " in sent["query"] else ""))
    assert isinstance(parsed, ParsedPipeline)
    direction = sent.get("direction", "backward")
    limit = int(sent["limit"])
    return LogQuery(
        parsed.matchers, START, END, parsed.filters, parsed.parser, parsed.conditions, limit=limit, direction=direction
    )


def test_all_exchanges_are_known() -> None:
    """There are 31 exchanges, and each is asked of the client in one of the tests here."""
    named = {*SEARCHES, *COUNTS, *REFUSALS, *UNASKED, *OTHERS}
    assert named == set(exchanges())
    assert len(named) == 31


SEARCHES = (
    "streams_backward_limit5",
    "streams_forward_limit5",
    "line_filter_contains",
    "line_filter_regex",
    "json_parser_filter",
    "logfmt_parser_filter",
    "structured_metadata_filter",
    "korean_line_filter",
    "multiline_stack",
    "empty_result",
)
COUNTS = ("count_over_time_matrix",)
REFUSALS = {
    "err_parse": "parse error at line 1, col 21",
    "err_empty_matcher": "queries require at least one regexp or equality matcher",
    "err_limit_too_big": "max entries limit per query exceeded",
    "err_step_resolution": "exceeded maximum resolution of 11,000 points",
    "err_range_too_long": "the query time range exceeds the limit",
    "err_bad_time": "could not parse 'end' parameter",
}
UNASKED = ("error_rate_matrix", "unwrap_quantile", "instant_vector", "instant_topk", "patterns")
OTHERS = (
    "ready",
    "labels",
    "label_values",
    "series",
    "index_stats",
    "index_volume",
    "buildinfo",
    "detected_fields",
    "err_json_parse_pipeline",
)


@pytest.mark.parametrize("name", SEARCHES)
async def test_a_recorded_search_is_read_line_for_line(name: str) -> None:
    """Every line of the answer arrives once, with its labels, in the order of the direction."""
    loki, replay = client(name)
    query = query_of(name)
    result = await loki.search(query)
    recorded = [
        (int(ns), line, stream["stream"])
        for stream in replay.recorded["response"]["body"]["data"]["result"]
        for ns, line in stream["values"]
    ]
    assert isinstance(result, LogResult)
    assert sorted((entry.ns, entry.line, repr(sorted(entry.labels.items()))) for entry in result.entries) == sorted(
        (ns, line, repr(sorted(labels.items()))) for ns, line, labels in recorded
    )
    times = [entry.ns for entry in result.entries]
    assert times == sorted(times, reverse=query.direction == "backward")
    assert replay.requests[0].url.path == replay.recorded["request"]["path"]


async def test_a_recorded_count_is_read() -> None:
    """Counts arrive as whole numbers at milliseconds, and the request is the recorded query."""
    loki, replay = client("count_over_time_matrix")
    result = await loki.count(LogQuery(AI_WORKER, START, END), ("container",), 300_000)
    assert isinstance(result, CountResult)
    blue, green = result.series
    assert (blue.labels, green.labels) == ({"container": "ai-worker-blue"}, {"container": "ai-worker-green"})
    assert (blue.ms[0], blue.counts) == (1795210800000, (25, 100, 100, 88, 50, 50, 38))
    sent = parse_logql(replay.requests[0].url.params["query"])
    assert isinstance(sent, ParsedCount)
    assert sent == parse_logql(replay.recorded["request"]["query"]["query"])


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_recorded_refusal_is_an_error_with_lokis_words(name: str) -> None:
    """Each text/plain refusal with 400 becomes a QueryError that repeats it."""
    loki, _ = client(name)
    with pytest.raises(QueryError, match="HTTP 400") as error:
        await loki.search(LogQuery(AI_WORKER, START, END))
    assert REFUSALS[name] in str(error.value)


async def test_recorded_names_series_statistics_and_state_are_read() -> None:
    """Labels, their values, series, index statistics, volume, readiness and version."""
    window = {"start_ns": START, "end_ns": END}
    assert await client("labels")[0].labels(**window) == ("color", "container", "env", "service", "service_name")
    values = await client("label_values")[0].label_values("container", **window)
    assert values == ("ai-worker-blue", "ai-worker-green", "gateway", "nginx")
    series = await client("series")[0].series(AI_WORKER, **window)
    assert [labels["color"] for labels in series] == ["blue", "green"]
    assert await client("index_stats")[0].stats(AI_WORKER, **window) == StreamStats(0, 0, 0, 0)
    loki, replay = client("index_volume")
    volume = await loki.volume((LabelMatcher("env", "=", "prod"),), **window, limit=500)
    assert replay.requests[0].url.params["limit"] == "500"
    assert [(one.labels, one.bytes) for one in volume] == [({"env": "prod"}, 200449)]
    assert await client("ready")[0].ready() is True
    assert await client("buildinfo")[0].version() == ""


def test_lines_with_a_parser_error_keep_lokis_mark() -> None:
    """A recorded answer of lines that are not JSON parses, `__error__` and its details as labels."""
    recorded = exchanges()["err_json_parse_pipeline"]["response"]
    entries = entries_of(recorded["body"], "search")
    assert {entry.labels["__error__"] for entry in entries} == {"JSONParserErr"}


@pytest.mark.parametrize("name", UNASKED)
def test_answers_to_questions_we_do_not_ask_are_json_all_the_same(name: str) -> None:
    """Rates, quantiles, instant vectors and patterns are beyond our queries; their bodies still are Loki's JSON."""
    recorded = exchanges()[name]["response"]
    body = json_body(recorded["content_type"], json.dumps(recorded["body"]).encode(), name)
    assert body["status"] == "success"


def test_detected_fields_name_the_parser() -> None:
    """The endpoint for field discovery answers a list of labels with their parsers."""
    fields = exchanges()["detected_fields"]["response"]["body"]["fields"]
    assert {"label", "type", "cardinality", "parsers"} <= set(fields[0])

"""The 450 answers a real Loki gave, against the recorded engine, the LogQL parser and the compiler."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import pytest

from tests.tools.recorded.logs.shared_contracts import contract_lines
from tools.recorded.logs.engine import LogEngine
from tools.recorded.logs.logql_parser import ParsedCount, ParsedPipeline, parse_logql
from tools.recorded.logs.store import stream_of
from tools.sources.logql import compile_count, compile_search
from tools.sources.logs import LogQuery

ANSWERS = 450


@cache
def recorded_engine() -> LogEngine:
    streams = contract_lines("loki/loki_data.jsonl.gz")
    return LogEngine([stream_of(one["labels"], map(tuple, one["entries"])) for one in streams], discover=True)


@cache
def answers() -> list[dict[str, Any]]:
    return contract_lines("loki/loki_answers.jsonl.gz")


def query_of(answer: dict[str, Any]) -> tuple[LogQuery, tuple[str, ...], int]:
    """The structured query behind a recorded request; `by` and the window are empty for a search."""
    params = answer["params"]
    parsed = parse_logql(params["query"])
    pipeline = parsed.pipeline if isinstance(parsed, ParsedCount) else parsed
    assert isinstance(pipeline, ParsedPipeline)
    query = LogQuery(
        matchers=pipeline.matchers,
        start_ns=params["start"],
        end_ns=params["end"],
        filters=pipeline.filters,
        parser=pipeline.parser,
        conditions=pipeline.conditions,
        limit=params.get("limit", 100),
        direction=params.get("direction", "backward"),
    )
    return query, *((parsed.by, parsed.window_ms) if isinstance(parsed, ParsedCount) else ((), 0))


def test_every_recorded_search_is_answered_line_for_line() -> None:
    """Each search gives the lines, times, labels, parsed fields and order a real Loki gave."""
    searches = [answer for answer in answers() if answer["kind"] == "search"]
    wrong = []
    for answer in searches:
        query, _, _ = query_of(answer)
        result = recorded_engine().search(query)
        recorded = [
            (int(ns), line, tuple(sorted(stream["stream"].items())))
            for stream in answer["body"]["data"]["result"]
            for ns, line in stream["values"]
        ]
        ours = [(entry.ns, entry.line, tuple(sorted(entry.labels.items()))) for entry in result.entries]
        times = [entry.ns for entry in result.entries]
        in_order = times == sorted(times, reverse=query.direction == "backward")
        if Counter(recorded) != Counter(ours) or not in_order or (result.truncated and len(ours) < query.limit):
            wrong.append(answer["params"]["query"])
    assert len(searches) == 271
    assert wrong == []


def test_every_recorded_count_is_answered_count_for_count() -> None:
    """Each count gives the groups, moments and counts a real Loki gave."""
    counts = [answer for answer in answers() if answer["kind"] == "count"]
    wrong = []
    for answer in counts:
        query, by, window_ms = query_of(answer)
        result = recorded_engine().count(query, by, answer["params"]["step"] * 1000, window_ms)
        recorded = {
            tuple(sorted(series["metric"].items())): [(at * 1000, int(count)) for at, count in series["values"]]
            for series in answer["body"]["data"]["result"]
        }
        ours = {
            tuple(sorted(series.labels.items())): list(zip(series.ms, series.counts, strict=True))
            for series in result.series
        }
        if ours != recorded:
            wrong.append(answer["params"]["query"])
    assert len(counts) == ANSWERS - 271
    assert wrong == []


def test_the_compiler_writes_the_recorded_logql() -> None:
    """For all 450 structured queries the compiled LogQL is the recorded text, character for character."""
    different = []
    for answer in answers():
        query, by, window_ms = query_of(answer)
        compiled = compile_count(query, by, window_ms) if window_ms else compile_search(query)
        if compiled != answer["params"]["query"]:
            different.append((answer["params"]["query"], compiled))
    assert len(answers()) == ANSWERS
    assert different == []


@pytest.mark.parametrize("kind", ["search", "count"])
def test_the_contract_can_tell_a_wrong_engine(kind: str) -> None:
    """Without the labels Loki 3 adds, or with lines lost, the same comparison fails: it is not vacuous."""
    answer = next(one for one in answers() if one["kind"] == kind and one["body"]["data"]["result"])
    query, by, window_ms = query_of(answer)
    blind = LogEngine([])
    assert not blind.search(query).entries
    assert window_ms == 0 or not blind.count(query, by, 60_000, window_ms).series

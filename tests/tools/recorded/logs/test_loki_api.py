"""The live client against the stand-in that serves recorded logs: the same answers, paged without loss or doubles."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import QueryError
from tools.recorded.logs.engine import LogEngine
from tools.recorded.logs.loki_api import LokiApi
from tools.recorded.logs.recorded_logs import RecordedLogs
from tools.recorded.logs.store import LogStream, stream_of
from tools.sources.logs import FieldCondition, LabelMatcher, LineFilter, LogEntry, LogQuery, LogResult
from tools.sources.loki import LokiLogs

T = 1_795_210_000_000_000_000  # Loki takes a number of ten digits or fewer for seconds
SECOND = 1_000_000_000
NOW = T + 10_000 * SECOND
ANY = (LabelMatcher("service", "=~", ".+"),)

lines = st.sampled_from(["alpha", "beta", "gamma", '{"level":"error","ms":12.5}', "level=warn 응답 지연"])
moments = st.integers(T, T + 12)  # few moments, so that most pages end within one
rows = st.lists(st.tuples(moments, lines), max_size=30)
label_sets = [{"service": "a"}, {"service": "a", "colour": "green"}, {"service": "b"}]
stores = st.lists(rows, min_size=3, max_size=3)


def world(streams: list[LogStream], *, page_lines: int, max_lines: int = 5000) -> tuple[RecordedLogs, LokiLogs]:
    recorded = RecordedLogs(load=lambda: LogEngine(streams), start_ns=T, now_ns=NOW)
    transport = httpx.ASGITransport(app=LokiApi(logs=recorded, now_ns=NOW, max_lines=max_lines))  # type: ignore[arg-type]
    return recorded, LokiLogs(base_url="http://loki.test", transport=transport, page_lines=page_lines)


def bag(entries: tuple[LogEntry, ...]) -> Counter[tuple[int, str, tuple[tuple[str, str], ...]]]:
    return Counter((entry.ns, entry.line, tuple(sorted(entry.labels.items()))) for entry in entries)


@settings(max_examples=80, deadline=None)
@given(
    rows=stores,
    page_lines=st.integers(1, 12),
    limit=st.integers(1, 100),
    direction=st.sampled_from(["backward", "forward"]),
    narrow=st.booleans(),
)
def test_paging_loses_nothing_and_doubles_nothing(
    rows: list[list[tuple[int, str]]], page_lines: int, limit: int, direction: str, narrow: bool
) -> None:
    """Whatever the page size and however many lines share a nanosecond, the client returns what the store holds."""
    streams = [stream_of(labels, entries) for labels, entries in zip(label_sets, rows, strict=True)]
    recorded, live = world(streams, page_lines=page_lines, max_lines=page_lines)
    filters = (LineFilter("contains", "a"),) if narrow else ()
    query = LogQuery(ANY, T, T + 11, filters, limit=limit, direction=direction)  # type: ignore[arg-type]

    async def both() -> tuple[LogResult, LogResult, LogResult]:
        whole = LogQuery(ANY, T, T + 11, filters, limit=1000, direction=direction)  # type: ignore[arg-type]
        return await live.search(query), await recorded.search(query), await recorded.search(whole)

    got, expected, everything = asyncio.run(both())
    assert not bag(got.entries) - bag(everything.entries)
    if any("more lines of one timestamp" in warning for warning in got.warnings):
        assert got.truncated
        return
    assert [entry.ns for entry in got.entries] == [entry.ns for entry in expected.entries]
    assert got.truncated == expected.truncated == (len(everything.entries) > limit)
    if not got.truncated:
        assert bag(got.entries) == bag(everything.entries)


async def test_a_moment_with_more_lines_than_a_page_in_one_stream_is_said() -> None:
    """The one thing that cannot be paged is never silent: truncated, with a warning that names stream and time."""
    streams = [stream_of({"service": "a"}, [(T + 5, f"line {n}") for n in range(9)] + [(T + 6, "later")])]
    _, live = world(streams, page_lines=4, max_lines=4)
    result = await live.search(LogQuery(ANY, T, T + 10, limit=100, direction="forward"))
    assert result.truncated
    assert [entry.ns - T for entry in result.entries] == [5, 5, 5, 5, 6]
    assert 'more lines of one timestamp than Loki gives at once: {service="a"} at' in result.warnings[0]


async def test_a_server_with_a_lower_limit_is_read_in_its_pages() -> None:
    """When Loki refuses our page size, the client takes the one it names and goes on."""
    streams = [stream_of({"service": "a"}, [(T + n, f"line {n}") for n in range(50)])]
    _, live = world(streams, page_lines=5000, max_lines=7)
    result = await live.search(LogQuery(ANY, T, T + 100, limit=5000))
    assert [entry.ns - T for entry in result.entries] == list(range(49, -1, -1))


async def test_every_question_has_the_same_answer_live_and_recorded() -> None:
    """Counts, labels, values, series, statistics and volume agree between client and recorded store."""
    entries = [
        (T + n * 100 * SECOND, f'{{"level":"{"error" if n % 3 else "info"}","ms":{n}}}', {"pod": f"p{n % 2}"})
        for n in range(90)
    ]
    streams = [stream_of({"service": "a", "colour": "blue"}, entries), stream_of({"service": "b"}, entries[::2])]
    recorded, live = world(streams, page_lines=5000)
    conditions = (FieldCondition("ms", ">=", 12.5), FieldCondition("pod", "=", "p1"))
    query = LogQuery(ANY, T + 100 * SECOND, T + 9000 * SECOND, parser="json", conditions=conditions)
    by = ("service", "level", "pod")
    counted = await live.count(query, by, 60_000, 90_500)
    assert counted == await recorded.count(query, by, 60_000, 90_500)
    assert [series.labels["level"] for series in counted.series] == ["error", "info"]
    assert await live.search(query) == await recorded.search(query)
    window = {"start_ns": T, "end_ns": NOW}
    assert await live.labels(**window) == await recorded.labels(**window) == ("colour", "service")
    assert await live.label_values("service", **window) == ("a", "b")
    assert await recorded.label_values("service", **window) == ("a", "b")
    assert await live.series(ANY, **window) == await recorded.series(ANY, **window)
    assert await live.series((), **window) == await recorded.series((), **window)
    assert await live.stats(ANY, **window) == await recorded.stats(ANY, **window)
    colours = await recorded.volume(ANY, by=("colour",), **window)
    assert await live.volume(ANY, by=("colour",), **window) == colours
    assert [one.labels for one in colours] == [{"colour": "blue"}, {}]
    assert (await recorded.stats(ANY, **window)).entries == 135
    assert await live.ready()


@pytest.mark.parametrize(
    "text",
    [
        'rate({service="a"}[5m])',
        '{service="a"} | json',
        '{service="a"} | json | ms > 5',
        '{service="a"} | pattern "<_>"',
        '{service="a"} | json | a="b" or c="d" | __error__=""',
        'topk(3, sum(count_over_time({service="a"}[1m])))',
        '{service="a"',
        '{service="a"} |= ',
        '{service=~".*"}',
        '{service=~"("}',
        '"x"',
        "",
    ],
)
async def test_logql_beyond_our_own_is_refused_in_plain_text(text: str) -> None:
    """What the stand-in cannot answer exactly it refuses as Loki does, saying what it does not support."""
    recorded, _ = world([stream_of({"service": "a"}, [(T, "x")])], page_lines=10)
    api = LokiApi(logs=recorded, now_ns=NOW)
    status, content_type, body = await api.answer(
        "/loki/api/v1/query_range", {"query": text, "start": str(T), "end": str(T + 5)}
    )
    assert (status, content_type) == (400, "text/plain; charset=utf-8")
    assert body


async def test_bad_parameters_are_refused_and_unknown_paths_not_found() -> None:
    """Times, limits and steps that are none answer 400; a path of Loki's we do not serve answers 404."""
    recorded, _ = world([stream_of({"service": "a"}, [(T, "x")])], page_lines=10)
    api = LokiApi(logs=recorded, now_ns=NOW)
    good = {"query": '{service="a"}', "start": str(T), "end": str(T + 5)}
    for bad in (
        {"end": "now"},
        {"limit": "many"},
        {"limit": "0"},
        {"limit": "9999999"},
        {"start": "-1"},
        {"end": "nan"},
    ):
        assert (await api.answer("/loki/api/v1/query_range", {**good, **bad}))[0] == 400, bad
    count = {"query": 'sum(count_over_time({service="a"}[1m]))', "start": str(T), "end": str(T + 5000 * SECOND)}
    for step in ("0", "-1", "nan", "fast", "0.001", "inf"):
        assert (await api.answer("/loki/api/v1/query_range", {**count, "step": step}))[0] == 400, step
    assert (await api.answer("/loki/api/v1/rules", {}))[0] == 404


async def test_what_was_not_captured_is_refused_with_what_is_missing() -> None:
    """A window before the recording is an error over the API too, never an empty answer."""
    early = RecordedLogs(load=lambda: LogEngine([]), start_ns=T + 500, now_ns=NOW)
    transport = httpx.ASGITransport(app=LokiApi(logs=early, now_ns=NOW))  # type: ignore[arg-type]
    live = LokiLogs(base_url="http://loki.test", transport=transport)
    with pytest.raises(QueryError, match="captured from"):
        await live.search(LogQuery(ANY, T, T + 10))

"""The engine's shortcuts (slices, blocks of lines, texts a line must hold) change no answer."""

from __future__ import annotations

from collections import Counter

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.recorded.logs.conditions import condition_test, keep_lines
from tools.recorded.logs.engine import LogEngine
from tools.recorded.logs.field_names import without_clashes
from tools.recorded.logs.json_fields import NotJson, json_fields
from tools.recorded.logs.logfmt_fields import logfmt_fields
from tools.recorded.logs.store import LogStream, stream_of
from tools.sources.logs import FieldCondition, LabelMatcher, LineFilter, LogQuery

ANY = (LabelMatcher("service", "=~", ".+"),)
LINES = [
    '{"level":"error","ms":12.5,"msg":"db timeout"}',
    '{"level":"\\u0065rror","ms":"7"}',
    '{"level":"info","ms":"NaN","pod":"inner"}',
    '{"level":"info","ms":1e3,"msg":"a�b"}',
    '{"level":"warn"',
    'level=error ms=12.5 msg="db timeout"',
    "level=info ms=12ms",
    "ERROR first\nsecond line",
    "응답 지연",
    "",
]
FILTERS = [
    LineFilter("contains", "error"),
    LineFilter("not_contains", "info"),
    LineFilter("regex", "(?i)error"),
    LineFilter("regex", "^ERROR|지연$"),
    LineFilter("regex", r"t\z"),
    LineFilter("not_regex", r"\Alevel"),
    LineFilter("regex", "first.second"),
    LineFilter("regex", "first(?s:.)second"),
    LineFilter("not_regex", r"ms\W+12"),
    LineFilter("regex", ""),
]
CONDITIONS = [
    FieldCondition("level", "=", "error"),
    FieldCondition("level", "!=", "info"),
    FieldCondition("level", "=~", "err.*"),
    FieldCondition("level", "!~", "e"),
    FieldCondition("msg", "=", "a b"),
    FieldCondition("ms", ">", 10.0),
    FieldCondition("ms", "==", 7.0),
    FieldCondition("ms", "!=", 12.5),
    FieldCondition("ms", "<=", 1e9),
    FieldCondition("nope", "=", ""),
    FieldCondition("nope", "!=", 1.0),
    FieldCondition("pod", "=", "p1"),
    FieldCondition("pod_extracted", "=", "inner"),
]
PARSERS = {"json": json_fields, "logfmt": logfmt_fields}


def naive(streams: list[LogStream], query: LogQuery) -> Counter[tuple[int, str, tuple[tuple[str, str], ...]]]:
    """The lines a query selects, line by line and as the words say, without any shortcut."""
    found: Counter[tuple[int, str, tuple[tuple[str, str], ...]]] = Counter()
    for stream in streams:
        for at, line in enumerate(stream.lines):
            labels = {**stream.labels, **without_clashes(stream.metadata_at(at).items(), stream.labels)}
            ns = int(stream.ns[at])
            if not query.start_ns <= ns < query.end_ns or not all(passes(line, one) for one in query.filters):
                continue
            if query.parser:
                try:
                    labels.update(without_clashes(PARSERS[query.parser](line), labels))
                except NotJson:
                    continue
            if all(condition_test(one)(labels) for one in query.conditions):
                found[ns, line, tuple(sorted(labels.items()))] += 1
    return found


def passes(line: str, line_filter: LineFilter) -> bool:
    if line_filter.op.endswith("contains"):
        return (line_filter.text in line) == (line_filter.op == "contains")
    return (re2.search(line_filter.text, line) is not None) == (line_filter.op == "regex")


rows = st.lists(
    st.tuples(st.integers(0, 50), st.sampled_from(LINES), st.sampled_from([{}, {"pod": "p1"}])), max_size=30
)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.tuples(rows, rows),
    filters=st.lists(st.sampled_from(FILTERS), max_size=2),
    parser=st.sampled_from([None, "json", "logfmt"]),
    conditions=st.lists(st.sampled_from(CONDITIONS), max_size=2),
    window=st.tuples(st.integers(0, 50), st.integers(1, 30)),
    forward=st.booleans(),
)
def test_a_search_finds_what_reading_line_by_line_finds(
    rows: object, filters: object, parser: object, conditions: object, window: tuple[int, int], forward: bool
) -> None:
    """Any query over any lines: the same lines with the same labels, in order, cut at the limit."""
    labels = ({"service": "a"}, {"service": "b", "pod": "outer"})
    streams = [stream_of(one, entries) for one, entries in zip(labels, rows, strict=True)]  # type: ignore[call-overload]
    query = LogQuery(
        ANY,
        window[0],
        sum(window),
        tuple(filters),
        parser,
        tuple(conditions),
        1000,
        "forward" if forward else "backward",
    )  # type: ignore[arg-type]
    engine = LogEngine(streams)
    result = engine.search(query)
    assert Counter((one.ns, one.line, tuple(sorted(one.labels.items()))) for one in result.entries) == naive(
        streams, query
    )
    times = [one.ns for one in result.entries]
    assert times == sorted(times, reverse=not forward)
    total = engine.count(query, ("service", "level"), 1)
    inside = sum(naive(streams, query).values())
    assert inside == 0 or sum(sum(series.counts) for series in total.series) >= inside


@pytest.mark.parametrize("line_filter", FILTERS, ids=lambda one: f"{one.op}:{one.text}")
def test_lines_searched_in_blocks_are_those_found_one_by_one(line_filter: LineFilter) -> None:
    """Over thousands of lines, a line filter keeps exactly the lines it would keep alone."""
    lines = [LINES[(n * n + n // 7) % len(LINES)] for n in range(2_000)]
    kept = keep_lines(lines, 3, 1_990, [line_filter])
    assert list(kept) == [at for at in range(3, 1_990) if passes(lines[at], line_filter)]


def test_a_search_reads_across_slices_in_both_directions() -> None:
    """With more lines than one slice the order and the limit hold at the seams."""
    stream = stream_of({"service": "a"}, [(n // 3, str(n)) for n in range(10_000)])
    engine = LogEngine([stream])
    backward = engine.search(LogQuery(ANY, 0, 10_000, limit=9_000))
    assert [one.line for one in backward.entries] == [str(n) for n in range(9_999, 999, -1)]
    assert backward.truncated
    forward = engine.search(LogQuery(ANY, 0, 10_000, limit=10_000, direction="forward"))
    assert [one.line for one in forward.entries] == [str(n) for n in range(10_000)]
    assert not forward.truncated


def test_structured_metadata_is_a_field_and_renamed_when_it_clashes() -> None:
    """Metadata can be asked for and counted by; where a stream label has its name it is `<name>_extracted`."""
    entries = [(1, "x", {"trace_id": "t1", "service": "m"}), (2, "y", {"trace_id": "t2"})]
    engine = LogEngine([stream_of({"service": "a"}, entries)])
    query = LogQuery(ANY, 0, 10_000_000, conditions=(FieldCondition("trace_id", "=", "t1"),))
    [found] = engine.search(query).entries
    assert found.labels == {"service": "a", "service_extracted": "m", "trace_id": "t1"}
    counted = engine.count(LogQuery(ANY, 0, 10_000_000), ("trace_id",), 10)
    assert [(series.labels, sum(series.counts)) for series in counted.series] == [
        ({"trace_id": "t1"}, 1),
        ({"trace_id": "t2"}, 1),
    ]


def test_windows_are_open_on_the_left_and_closed_on_the_right() -> None:
    """A line at t - w is not in the count at t, a line at t is; a search takes its start and not its end."""
    ms = 1_000_000
    engine = LogEngine([stream_of({"service": "a"}, [(1_000 * ms, "left"), (2_000 * ms, "right")])])
    [series] = engine.count(LogQuery(ANY, 2_000 * ms, 2_001 * ms), ("service",), 1_000).series
    assert (series.ms, series.counts) == ((2_000,), (1,))
    found = engine.search(LogQuery(ANY, 1_000 * ms, 2_000 * ms)).entries
    assert [one.line for one in found] == ["left"]

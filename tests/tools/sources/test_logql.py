"""What the compiler writes, the parser reads back; malformed queries are refused before anything is asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import QueryError
from tools.recorded.logs.logql_parser import ParsedCount, ParsedPipeline, parse_duration_ms, parse_logql
from tools.sources.logql import compile_count, compile_search, quoted
from tools.sources.logs import (
    CountSeries,
    FieldCondition,
    LabelMatcher,
    LineFilter,
    LogQuery,
    check_count,
)

names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,9}", fullmatch=True).filter(
    lambda name: name not in ("__error__", "json", "logfmt")
)
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
patterns = st.sampled_from(["a.*", "5\\d\\d", '"x"', "응답|지연", "(?i)error"])
matchers = st.one_of(
    st.builds(LabelMatcher, names, st.sampled_from(["=", "!="]), texts),
    st.builds(LabelMatcher, names, st.sampled_from(["=~", "!~"]), patterns),
)
filters = st.one_of(
    st.builds(LineFilter, st.sampled_from(["contains", "not_contains"]), texts),
    st.builds(LineFilter, st.sampled_from(["regex", "not_regex"]), patterns),
)
numbers = st.one_of(st.integers(-(10**12), 10**12), st.floats(-1e9, 1e9).map(lambda value: round(value, 6)))
conditions = st.one_of(
    st.builds(FieldCondition, names, st.sampled_from(["=", "!="]), texts),
    st.builds(FieldCondition, names, st.sampled_from(["=~", "!~"]), patterns),
    st.builds(FieldCondition, names, st.sampled_from(["==", "!=", ">", ">=", "<", "<="]), numbers),
)
queries = st.builds(
    LogQuery,
    matchers=st.lists(matchers, max_size=2).map(lambda some: (LabelMatcher("service", "=", "a"), *some)),
    start_ns=st.just(1),
    end_ns=st.just(2),
    filters=st.lists(filters, max_size=3).map(tuple),
    parser=st.sampled_from([None, "json", "logfmt"]),
    conditions=st.lists(conditions, max_size=3).map(tuple),
)


@given(queries)
def test_every_search_compiles_to_logql_that_says_the_same(query: LogQuery) -> None:
    """Parsing the compiled text gives the query back, whatever is in its strings and numbers."""
    assert parse_logql(compile_search(query)) == ParsedPipeline(
        query.matchers, query.filters, query.parser, query.conditions
    )


@given(queries, st.lists(names, max_size=3).map(tuple), st.integers(1, 10**8))
def test_every_count_compiles_to_logql_that_says_the_same(query: LogQuery, by: tuple[str, ...], window_ms: int) -> None:
    """The same for counts, their labels and windows."""
    parsed = parse_logql(compile_count(query, by, window_ms))
    assert isinstance(parsed, ParsedCount)
    assert (parsed.by, parsed.window_ms) == (by, window_ms)


def test_a_parser_and_a_number_are_followed_by_the_error_filter() -> None:
    """Without `__error__=""` Loki keeps lines it could not read or compare."""
    query = LogQuery(
        (LabelMatcher("service", "=", "a"),), 1, 2, parser="json", conditions=(FieldCondition("ms", ">", 0.00001),)
    )
    assert compile_search(query) == '{service="a"} | json | __error__="" | ms > 0.00001 | __error__=""'


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (LabelMatcher, ("bad-name", "=", "x")),
        (LabelMatcher, ("a", "==", "x")),
        (LabelMatcher, ("a", "=~", "(")),
        (LabelMatcher, ("a", "=~", "(?=x)")),
        (LineFilter, ("like", "x")),
        (LineFilter, ("regex", "[")),
        (FieldCondition, ("a b", "=", "x")),
        (FieldCondition, ("a", ">", "x")),
        (FieldCondition, ("a", "=~", 1.0)),
        (FieldCondition, ("a", ">", float("nan"))),
        (FieldCondition, ("a", ">", float("inf"))),
        (LogQuery, ((), 1, 2)),
        (LogQuery, ((LabelMatcher("a", "=~", ".*"),), 1, 2)),
        (LogQuery, ((LabelMatcher("a", "!=", "x"),), 1, 2)),
        (LogQuery, ((LabelMatcher("a", "=", "x"),), 2, 2)),
        (LogQuery, ((LabelMatcher("a", "=", "x"),), -1, 2)),
        (LogQuery, ((LabelMatcher("a", "=", "x"),), 1, 2**63)),
        (LogQuery, ((LabelMatcher("a", "=", "x"),), 1, 2, (), "xml")),
        (LogQuery, ((LabelMatcher("a", "=", "x"),), 1, 2, (), None, (), 0)),
        (LogQuery, ((LabelMatcher("a", "=", "x"),), 1, 2, (), None, (), 10**9)),
        (LogQuery, ((LabelMatcher("a", "=", "x"),), 1, 2, (), None, (), 1, "up")),
    ],
)
def test_what_no_server_would_take_is_refused_at_construction(kind: Any, arguments: tuple[Any, ...]) -> None:
    """Names, operators, patterns RE2 cannot do, windows, limits and empty-compatible selectors raise QueryError."""
    with pytest.raises(QueryError):
        kind(*arguments)


def test_counts_with_too_many_points_or_no_step_are_refused() -> None:
    """The 11,000 points a series of Loki and Prometheus hold here too."""
    query = LogQuery((LabelMatcher("a", "=", "x"),), 1, 3600 * 10**9)
    for by, step, window in (((), 0, None), ((), 1, None), ((), 1000, 0), (("a-b",), 1000, None)):
        with pytest.raises(QueryError):
            check_count(query, by, step, window)
    check_count(query, ("a",), 1000, 60_000)


def test_text_that_is_not_unicode_is_refused() -> None:
    """Half a surrogate pair cannot be sent."""
    with pytest.raises(QueryError, match="not valid Unicode"):
        quoted("\ud800")


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "1y", "0s", "1ns", "1.0001ms", "-5m"])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    """Durations are whole milliseconds, positive, with units."""
    with pytest.raises(QueryError):
        parse_duration_ms(text)


def test_durations_are_read() -> None:
    """Units add up."""
    assert [parse_duration_ms(text) for text in ("60s", "1h30m", "1500ms", "0.5s", "1d")] == [
        60_000,
        5_400_000,
        1_500,
        500,
        86_400_000,
    ]
    assert CountSeries({}, (1,), (2,)).counts == (2,)

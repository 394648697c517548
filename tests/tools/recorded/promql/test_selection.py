"""Which samples a selector sees: lookback, staleness, window edges, offset, @, subquery steps, in 2.x and 3.x."""

from __future__ import annotations

import numpy as np
import pytest

from config.errors import BadSnapshot, QueryBudget, QueryError, UnsupportedQuery
from tests.tools.recorded.promql.small_world import V2, V3, M, at, engine_of, over
from tools.recorded.promql.engine import Engine, Semantics, SeriesStore


@pytest.mark.parametrize(("semantics", "seen"), [(V2, {"a": 1.0}), (V3, {})])
def test_a_sample_exactly_one_lookback_old_is_seen_in_2x_only(semantics: Semantics, seen: dict[str, float]) -> None:
    """Five minutes are closed on the left in 2.x, open in 3.x."""
    engine = engine_of({"a": [1]}, semantics=semantics)
    assert at(engine, "a", 5 * M) == seen
    assert at(engine, "a", 5 * M - 1) == {"a": 1.0}
    assert at(engine, "a", 5 * M + 1) == {}
    assert at(engine, "a", -1) == {}


@pytest.mark.parametrize(("semantics", "count"), [(V2, 3.0), (V3, 2.0)])
def test_a_window_holds_its_left_edge_in_2x_only(semantics: Semantics, count: float) -> None:
    """[2m] over minutely samples, asked on the minute, has three samples in 2.x and two in 3.x."""
    engine = engine_of({"a": [1, 2, 3, 4, 5]}, semantics=semantics)
    assert at(engine, "count_over_time(a[2m])", 4 * M) == {"": count}


def test_the_lookback_is_configurable() -> None:
    """A server with --query.lookback-delta=1m forgets after one minute."""
    engine = engine_of({"a": [1]}, semantics=Semantics(lookback_ms=M))
    assert at(engine, "a", M) == {"a": 1.0}
    assert at(engine, "a", M + 1) == {}


def test_a_stale_marker_ends_a_series_at_once_and_is_no_sample_in_a_range() -> None:
    """An instant selector stops at the marker; a range counts the samples around it."""
    engine = engine_of({"a": [1, 2, "stale", 4]})
    assert at(engine, "a", 2 * M) == {}
    assert at(engine, "a", 3 * M) == {"a": 4.0}
    assert at(engine, "count_over_time(a[5m])", 3 * M) == {"": 3.0}
    assert at(engine, "last_over_time(a[1m])", 2 * M) == {"a": 2.0}
    assert at(engine, "sum_over_time(a[5m])", 3 * M) == {"": 7.0}


def test_an_ordinary_nan_is_a_value_and_not_a_marker() -> None:
    """NaN is present, counted and returned."""
    engine = engine_of({"a": [float("nan")]})
    assert np.isnan(at(engine, "a", 0)["a"])
    assert at(engine, "count_over_time(a[1m])", 0) == {"": 1.0}
    assert at(engine, "count(a)", 0) == {"": 1.0}


def test_offset_and_at_combine_in_either_order() -> None:
    """The offset is taken from the fixed time; negative times and offsets are allowed."""
    engine = engine_of({"a": range(10)}, begin=-2 * M)
    for query in ("a @ 240 offset 2m", "a offset 2m @ 240"):
        assert at(engine, query, 7 * M) == {"a": 4.0}
    assert at(engine, "a offset -2m", 2 * M) == {"a": 6.0}
    assert at(engine, "a @ -60", 0) == {"a": 1.0}
    assert at(engine, "a @ -90.5", 0) == {"a": 0.0}
    assert at(engine, "a @ -120.001", 0) == {}


def test_start_and_end_mean_the_whole_query_even_inside_a_subquery() -> None:
    """@ start() and @ end() are fixed by the range asked."""
    engine = engine_of({"a": range(20)})
    assert over(engine, "a @ start()", 5 * M, 7 * M, M) == {"a": {5 * M: 5.0, 6 * M: 5.0, 7 * M: 5.0}}
    assert over(engine, "a @ end() - a", 5 * M, 7 * M, M) == {"": {5 * M: 2.0, 6 * M: 1.0, 7 * M: 0.0}}
    assert over(engine, "sum_over_time((a @ end())[2m:1m])", 6 * M, 7 * M, M) == {"": {6 * M: 21.0, 7 * M: 21.0}}


@pytest.mark.parametrize(("semantics", "steps"), [(V2, [10, 20, 30]), (V3, [20, 30])])
def test_subquery_steps_are_absolute_multiples(semantics: Semantics, steps: list[int]) -> None:
    """[20s:10s] asked at 30 s sees 10, 20, 30 s in 2.x, not the left edge in 3.x; at 35 s both see 20 and 30 s."""
    engine = engine_of({"a": [1]}, semantics=semantics)
    answer = engine.instant("vector(time())[20s:10s]", 30_000)
    assert answer.kind == "matrix"
    assert answer.series[0][1].tolist() == [step * 1000 for step in steps]
    assert engine.instant("vector(time())[20s:10s]", 35_000).series[0][1].tolist() == [20_000, 30_000]


def test_subquery_steps_before_1970_are_multiples_too() -> None:
    """Alignment goes upwards on both sides of zero."""
    engine = engine_of({"a": [1]}, begin=-10 * M)
    answer = engine.instant("a[25s:10s]", -9 * M)
    assert answer.series[0][1].tolist() == [-560_000, -550_000, -540_000]


def test_a_subquery_without_step_uses_the_servers_default() -> None:
    """The default evaluation interval is part of the semantics."""
    engine = engine_of({"a": [1] * 5}, semantics=Semantics(default_subquery_step_ms=30_000))
    assert at(engine, "count_over_time(a[2m:])", 4 * M) == {"": 5.0}


def test_a_step_that_does_not_divide_the_range_stops_before_the_end() -> None:
    """Steps are start + n * step, never past the end."""
    assert list(over(engine_of({"a": [1] * 9}), "a", 0, 10_000, 4_000)["a"]) == [0, 4_000, 8_000]


def test_timestamp_tells_when_a_selected_value_was_sampled() -> None:
    """Of a selector its sample's time, of any other expression the evaluation time."""
    engine = engine_of({"a": [1, 2]})
    assert at(engine, "timestamp(a)", 90_000) == {"": 60.0}
    assert at(engine, "timestamp(a offset 1m)", 90_000) == {"": 0.0}
    assert at(engine, "timestamp(a + 0)", 90_000) == {"": 90.0}


def test_matchers_treat_an_absent_label_as_empty_and_match_whole_values() -> None:
    """Equality, inequality and regular expressions, on labels that are there and that are not."""
    engine = engine_of({'a{x="1"}': [1], 'a{x="12",y="z"}': [2], "a": [3]})
    counts = {
        'a{x="1"}': 1, 'a{x!="1"}': 2, 'a{x=~"1"}': 1, 'a{x=~"1.*"}': 2, 'a{x!~"1.*"}': 1, 'a{x=""}': 1, 'a{y=""}': 2,
        'a{y!=""}': 1, 'a{x=~"1|"}': 2, 'a{x=~"(?i)1"}': 1, '{__name__=~"a"}': 3, '{__name__=~"a",x=~".+"}': 2,
    }  # fmt: skip
    for query, count in counts.items():
        assert len(at(engine, query, 0)) == count, query


@pytest.mark.parametrize(("semantics", "found"), [(V2, 0), (V3, 1)])
def test_a_dot_matches_a_line_break_from_3x_on(semantics: Semantics, found: int) -> None:
    """The same selector selects more in 3.x."""
    engine = engine_of({"a": [1]}, semantics=semantics)
    store = SeriesStore([({"__name__": "a", "x": "1\n2"}, np.array([0]), np.array([1.0]))])
    assert len(at(Engine(store, engine.semantics), 'a{x=~"1.2"}', 0)) == found


def test_a_store_refuses_what_it_could_not_answer_from() -> None:
    """Unordered times, unequal lengths and a label set twice are malformed; an empty label is no label."""
    one = ({"a": "b"}, [1, 2], [1.0, 2.0])
    for bad in (
        [({"a": "b"}, [2, 1], [1.0, 2.0])],
        [({"a": "b"}, [1], [1.0, 2.0])],
        [one, ({**one[0], "c": ""}, *one[1:])],
    ):
        with pytest.raises(BadSnapshot):
            SeriesStore(bad)


@pytest.mark.parametrize(
    "query",
    [
        "a[100y:1ms]", "max_over_time(a[10y:1s])", "sum_over_time(sum_over_time(a[1y:1s])[1d:1m])",
    ],
)  # fmt: skip
def test_a_query_beyond_the_budget_is_stopped_before_memory_is_taken(query: str) -> None:
    """A subquery of billions of steps is refused at once."""
    with pytest.raises(QueryBudget):
        engine_of({"a": [1]}).instant(query, 0)
    with pytest.raises(QueryBudget):
        engine_of({"a": [1]}).range("a", 0, 2**50, 1)


@pytest.mark.parametrize(
    "query",
    [
        "(" * 30_000 + "a" + ")" * 30_000, "-" * 30_000 + "a", "+".join(["a"] * 30_000), "abs(" * 500 + "a" + ")" * 500,
        "a" * 100_000, 'a{x="' + "\\" * 99, "a{x=~'" + "(" * 999 + "'}", "\x00", "a{x=\"\ud800\"}",
    ],
)  # fmt: skip
def test_a_hostile_query_is_an_error_and_not_the_end_of_the_process(query: str) -> None:
    """Depth, length and broken text are refused before the parser's stack or ours gives way."""
    with pytest.raises(QueryError):
        engine_of({"a": [1]}).instant(query, 0)


@pytest.mark.parametrize(
    ("query", "number"),
    [("12_345", 12345), ("1_2.5_0", 12.5), (".2_5", 0.25), ("0x_f_f", 255), ("2e0_3", 2000), ("017", 15), ("09", 9),
     ('vector(1_0) * on () a_1_0{x="3_0"}', 20)],
)  # fmt: skip
def test_numbers_may_have_grouped_digits_and_octal_zeros(query: str, number: float) -> None:
    """`_` groups digits in 3.x, and only in numbers: names and strings are left alone; 2.x refuses it."""
    world = {'a_1_0{x="3_0"}': [2]}
    assert list(at(engine_of(world, semantics=V3), query, 0).values()) == [number]
    if "_" in query:
        with pytest.raises(QueryError):
            engine_of(world, semantics=V2).instant(query, 0)


@pytest.mark.parametrize(
    "query",
    ['{"a","b"}', '{"a",__name__="b"}', '{"__name__"=~"b", x="1", "a"}', "a[0]", "a[0:5]", "a[5m:0]", 'sum by ("") (a)',
     'a + on ("") a', 'a + on (x) group_left ("") a'],
)  # fmt: skip
def test_what_only_3x_could_mean_and_3x_refuses_is_refused(query: str) -> None:
    """Two names of which one is bare, ranges and steps of zero, labels without a name."""
    with pytest.raises(QueryError, match="parse error"):
        engine_of({'a{x="1"}': [1]}, semantics=V3).instant(query, 0)


@pytest.mark.parametrize("query", ['{"a"}', '{x="1","a"}', '{"a",x=~"a,b|1"}', '{__name__="a",__name__=~"a|b"}',
                                   '{"a",x!="{__name__="}', "a[0.0001] @ 0"])  # fmt: skip
def test_a_name_in_braces_selects(query: str) -> None:
    """A bare name in its place; brackets and names inside strings are text; a range below a millisecond is one."""
    assert engine_of({'a{x="1"}': [1]}, semantics=V3).instant(query, 0).kind in ("vector", "matrix")


@pytest.mark.parametrize("query", ["1__0", "1_", "1_.5", "1_e3", "0x__1"])
def test_a_misplaced_grouping_of_digits_is_refused(query: str) -> None:
    """Only single underscores between digits, or after 0x."""
    with pytest.raises(QueryError):
        engine_of({"a": [1]}, semantics=V3).instant(query, 0)


@pytest.mark.parametrize(
    ("query", "construct"),
    [
        ("histogram_count(a)", "histogram_count"), ("a[5m+1m]", "duration expressions"), ("a </ 1", "trim"),
        ("rate(a[5m] smoothed)", "smoothed"), ("a + fill(0) a", "fill"), ("limitk(1, a)", "limitk"),
        ("info(a)", "info"), ("mad_over_time(a[5m])", "mad_over_time"), ("limit_ratio(1, a)", "ratio"),
        ('sort_by_label(a, "b")', "sort_by_label"), ("a smoothed", "smoothed"), ("a offset step()", "duration"),
        ("timeseries_gen(``)", "timeseries_gen"),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_named(query: str, construct: str) -> None:
    """Native histograms and experimental constructs are refused by name, never answered wrongly."""
    with pytest.raises(UnsupportedQuery, match=construct):
        engine_of({"a": [1]}, semantics=V3).instant(query, 0)


@pytest.mark.parametrize(
    "query",
    ["a[300]", "1h", "a offset 60", '{"a.b"}', 'sum by ("b") (a)', "double_exponential_smoothing(a[5m], .1, .1)"],
)
def test_syntax_of_3x_is_refused_in_2x(query: str) -> None:
    """A 2.x server would answer 400."""
    engine_of({"a": [1]}, semantics=V3).instant(query, 0)
    with pytest.raises(QueryError):
        engine_of({"a": [1]}, semantics=V2).instant(query, 0)

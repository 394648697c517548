"""Operators, matching, aggregation, label functions: names kept and dropped, clashes refused, NaN in its place."""

from __future__ import annotations

import math

import pytest

from config.errors import QueryError
from tests.tools.recorded.promql.small_world import V2, V3, M, at, engine_of, over
from tools.recorded.prometheus_json import query_data
from tools.recorded.promql.engine import Engine, Semantics

SHOP = {
    'req{svc="a",code="200"}': [8],
    'req{svc="a",code="500"}': [2],
    'req{svc="b",code="200"}': [5],
    'cap{svc="a",team="x"}': [10],
    'cap{svc="b",team="y"}': [20],
}


@pytest.fixture
def shop() -> Engine:
    return engine_of(SHOP)


def test_comparison_filters_and_keeps_the_name_but_bool_drops_it(shop: Engine) -> None:
    """A filter changes nothing of what it keeps; bool makes 0 and 1 of everything."""
    assert at(shop, "cap > 10", 0) == {'cap{svc="b",team="y"}': 20.0}
    assert at(shop, "10 < cap", 0) == {'cap{svc="b",team="y"}': 20.0}
    assert at(shop, "cap > bool 10", 0) == {'{svc="a",team="x"}': 0.0, '{svc="b",team="y"}': 1.0}
    assert at(shop, "cap + 1", 0) == {'{svc="a",team="x"}': 11.0, '{svc="b",team="y"}': 21.0}


def test_one_to_one_result_carries_the_matched_labels_only(shop: Engine) -> None:
    """on() keeps what it names; a comparison without on keeps the left side whole."""
    assert at(shop, 'req{code="500"} / on (svc) cap', 0) == {'{svc="a"}': 0.2}
    assert at(shop, 'req{code="500"} == on (svc) req{code="500"}', 0) == {'{svc="a"}': 2.0}
    assert at(shop, "cap == cap", 0) == {'cap{svc="a",team="x"}': 10.0, 'cap{svc="b",team="y"}': 20.0}


def test_group_left_copies_labels_and_group_right_mirrors_it(shop: Engine) -> None:
    """The many side keeps its labels; a label the one side lacks is removed."""
    expected = {
        '{code="200",svc="a",team="x"}': 0.8,
        '{code="500",svc="a",team="x"}': 0.2,
        '{code="200",svc="b",team="y"}': 0.25,
    }
    assert at(shop, "req / on (svc) group_left (team) cap", 0) == expected
    assert at(shop, "cap / on (svc) group_right (team) req", 0) == pytest.approx(
        {key: 1 / value for key, value in expected.items()}
    )
    assert '{svc="b"}' in at(shop, 'req{svc="b"} * on (svc) group_left (code) cap', 0)


def test_ambiguous_matching_is_refused(shop: Engine) -> None:
    """Several on a side that must be unique, on either side, or several results of one label set."""
    for query, message in {
        "cap / on (svc) req": "many-to-many matching not allowed",
        "req / on (svc) cap": "many-to-one matching must be explicit",
        "req * on (svc) group_left () req": "many-to-many matching not allowed",
        "cap * on () group_left () req": "many-to-many matching not allowed",
        'req * on (svc) group_left (code) cap{svc="a"}': "grouping labels must ensure unique matches",
    }.items():
        with pytest.raises(QueryError, match=message):
            shop.instant(query, 0)
    assert at(shop, "cap / on (svc) nothing", 0) == {}
    assert at(shop, "nothing / on (svc) req", 0) == {}


def test_two_that_are_never_there_together_may_share_a_group() -> None:
    """Uniqueness is asked for at each step, not over the whole range."""
    engine = engine_of({'v{n="1"}': [1, "stale", "stale"], 'v{n="2"}': [None, 5, 6], "x": [10, 10, 10]})
    assert over(engine, "x * on () v", 0, 2 * M, M) == {"": {0: 10.0, M: 50.0, 2 * M: 60.0}}
    joined = over(engine, "x * on () group_left (n) v", 0, 2 * M, M)
    assert joined == {'{n="1"}': {0: 10.0}, '{n="2"}': {M: 50.0, 2 * M: 60.0}}


def test_set_operators_keep_values_and_names(shop: Engine) -> None:
    """and, or, unless compare labels without the name; or adds what the left side lacks."""
    assert set(at(shop, 'req and on (svc) cap{team="x"}', 0)) == {
        'req{code="200",svc="a"}',
        'req{code="500",svc="a"}',
    }
    assert set(at(shop, 'req unless on (svc) cap{team="x"}', 0)) == {'req{code="200",svc="b"}'}
    assert len(at(shop, "req or cap", 0)) == 5
    assert set(at(shop, 'cap{svc="a"} or on (svc) req', 0)) == {'cap{svc="a",team="x"}', 'req{code="200",svc="b"}'}
    assert at(shop, "req and nothing", 0) == {}
    assert len(at(shop, "nothing or req", 0)) == 3


def test_precedence_and_associativity() -> None:
    """^ binds tightest and to the right, then unary minus, then * / %, then + -."""
    engine = engine_of({"a": [3]})
    for query, value in {
        "2 ^ 3 ^ 2": 512, "-2 ^ 2": -4, "1 + 2 * 3": 7, "2 * 3 % 4": 2, "-5 % 3": -2, "5 % -3": 2,
        "1 atan2 1": math.pi / 4, "1 - 1 - 1": -1, "-a ^ 2": -9,
    }.items():  # fmt: skip
        assert at(engine, query, 0) == {"": pytest.approx(value)}, query
    assert at(engine, "1 / 0", 0) == {"": math.inf}
    assert math.isnan(at(engine, "5 % 0", 0)[""])


@pytest.mark.parametrize(("semantics", "name"), [(V2, "a"), (V3, "")])
def test_atan2_kept_the_name_before_3x(semantics: Semantics, name: str) -> None:
    """An oversight of old servers, reproduced."""
    assert at(engine_of({"a": [0]}, semantics=semantics), "a atan2 1", 0) == {name: 0.0}


def test_names_that_fall_away_merge_over_time_but_clash_at_a_step() -> None:
    """abs() of two metrics is one series if they take turns; unary minus refused even that before 3.9."""
    engine = engine_of({"a": [1, "stale", "stale"], "b": [None, 5, 6]})
    assert over(engine, 'abs({__name__=~"a|b"})', 0, 2 * M, M) == {"": {0: 1.0, M: 5.0, 2 * M: 6.0}}
    with pytest.raises(QueryError, match="same labelset"):
        over(engine, '-{__name__=~"a|b"}', 0, 2 * M, M)
    with pytest.raises(QueryError, match="same labelset"):
        engine_of({"a": [1], "b": [2]}).instant('abs({__name__=~"a|b"})', 0)


@pytest.mark.parametrize("query", ['-{__name__=~"a|b"}', 'label_replace({x!=""}, "x", "", "", "")'])
def test_series_that_take_turns_become_one_from_3_9_on(query: str) -> None:
    """Unary minus and label_replace merge what never meets at a step, and still refuse what does."""
    turns = {'a{x="1"}': [1, "stale", "stale"], 'b{x="1"}': [None, 5, 6]}
    if query.startswith("label"):
        turns = {'a{x="1"}': [1, "stale", "stale"], 'a{x="2"}': [None, 5, 6]}
    with pytest.raises(QueryError, match="same labelset"):
        engine_of(turns, semantics=Semantics(version=(3, 8))).range(query, 0, 2 * M, M)
    (merged,) = over(engine_of(turns, semantics=Semantics(version=(3, 9))), query, 0, 2 * M, M).values()
    assert [abs(value) for value in merged.values()] == [1.0, 5.0, 6.0]
    both = {name: [1] for name in turns}
    with pytest.raises(QueryError, match="same labelset"):
        engine_of(both, semantics=Semantics(version=(3, 9))).range(query, 0, 0, M)


def test_a_comparison_judges_matches_before_it_filters_from_3_9_on() -> None:
    """Two left series for one right series are an error whatever their values; before, only if both pass."""
    world = {'a{x="1",y="p"}': [1], 'a{x="1",y="q"}': [9], 'b{x="1"}': [5]}
    query = "a > on (x) b"
    assert at(engine_of(world, semantics=Semantics(version=(3, 8))), query, 0) == {'{x="1"}': 9.0}
    with pytest.raises(QueryError, match="must be explicit"):
        engine_of(world, semantics=Semantics(version=(3, 9))).instant(query, 0)
    assert at(engine_of(world, semantics=Semantics(version=(3, 9))), "a > on (x) group_left b", 0) == {
        'a{x="1",y="q"}': 9.0
    }


def test_aggregations_of_nan_and_infinity() -> None:
    """min and max skip NaN, sum and avg carry it; quantile sorts it lowest."""
    engine = engine_of({'a{n="1"}': [math.nan], 'a{n="2"}': [1], 'a{n="3"}': [3]})
    assert at(engine, "max(a)", 0) == {"": 3.0}
    assert at(engine, "min(a)", 0) == {"": 1.0}
    assert math.isnan(at(engine, "sum(a)", 0)[""])
    assert at(engine, "quantile(0.5, a)", 0) == {"": 1.0}
    assert at(engine, "count(a)", 0) == {"": 3.0}
    assert at(engine, "avg(b)", 0) == {}


@pytest.mark.parametrize(("semantics", "lone"), [(V2, 0.0), (V3, math.nan)])
def test_the_deviation_of_a_lone_infinity_depends_on_the_version(semantics: Semantics, lone: float) -> None:
    """Zero in old servers, NaN in new ones; equal values give exactly 0 in both."""
    engine = engine_of({"a": [math.inf], 'b{n="1"}': [0.1], 'b{n="2"}': [0.1]}, semantics=semantics)
    assert at(engine, "stddev(a)", 0)[""] == pytest.approx(lone, nan_ok=True)
    assert at(engine, "stddev(b)", 0) == {"": 0.0}


def test_topk_ranks_nan_last_and_keeps_labels() -> None:
    """Order of rank at a single step; a k below 1 gives nothing, a NaN k is refused."""
    engine = engine_of({'a{n="1"}': [math.nan], 'a{n="2"}': [1], 'a{n="3"}': [3], 'a{n="4"}': [-math.inf]})
    assert list(at(engine, "topk(3, a)", 0)) == ['a{n="3"}', 'a{n="2"}', 'a{n="4"}']
    assert list(at(engine, "bottomk(3, a)", 0)) == ['a{n="4"}', 'a{n="2"}', 'a{n="3"}']
    assert len(at(engine, "topk(9, a)", 0)) == 4
    assert at(engine, "topk(0, a)", 0) == {}
    with pytest.raises(QueryError, match="NaN"):
        engine.instant("topk(NaN, a)", 0)


def test_topk_chooses_anew_at_each_step() -> None:
    """Over a range each step has its own best, in label order."""
    engine = engine_of({'a{n="1"}': [1, 9], 'a{n="2"}': [5, 5]})
    assert over(engine, "topk(1, a)", 0, M, M) == {'a{n="1"}': {M: 9.0}, 'a{n="2"}': {0: 5.0}}


def test_sort_puts_nan_last_either_way_and_does_nothing_over_a_range() -> None:
    """Instant vectors are ordered by value; a matrix is ordered by labels."""
    engine = engine_of({'a{n="1"}': [3], 'a{n="2"}': [math.nan], 'a{n="3"}': [1]})
    assert list(at(engine, "sort(a)", 0)) == ['a{n="3"}', 'a{n="1"}', 'a{n="2"}']
    assert list(at(engine, "sort_desc(a)", 0)) == ['a{n="1"}', 'a{n="3"}', 'a{n="2"}']
    assert list(over(engine, "sort(a)", 0, M, M)) == ['a{n="1"}', 'a{n="2"}', 'a{n="3"}']


def test_count_values_spells_numbers_in_plain_decimals() -> None:
    """No exponents, signed zero and infinities included; the label overrides one of that name."""
    values = [1e21, 0.1, -0.0, math.inf, math.nan, 1e-7, 2, 2]
    engine = engine_of({f'a{{n="{number}"}}': [value] for number, value in enumerate(values)})
    spelled = {'{v="1000000000000000000000"}', '{v="0.1"}', '{v="-0"}', '{v="+Inf"}', '{v="NaN"}', '{v="0.0000001"}'}
    assert at(engine, 'count_values("v", a)', 0) == dict.fromkeys(spelled, 1.0) | {'{v="2"}': 2.0}
    assert at(engine, 'count_values by (n) ("n", a == 2)', 0) == {'{n="2"}': 2.0}


def test_absent_takes_labels_from_sole_equalities() -> None:
    """Only a label with one plain equality is known; aggregations say nothing."""
    engine = engine_of({"a": [1]})
    assert at(engine, 'absent(x{a="b",c!="d",e=~"f",g="h",g="i"})', 0) == {'{a="b"}': 1.0}
    assert at(engine, 'absent((x{a="b"}))', 0) == {'{a="b"}': 1.0}
    assert at(engine, 'absent(sum(x{a="b"}))', 0) == {"": 1.0}
    assert at(engine, "absent(a)", 0) == {}


def test_label_replace_follows_gos_template_rules(shop: Engine) -> None:
    """Whole-value match, $1 and ${1}, $1x is another name, an empty result removes the label."""
    query = 'label_replace(cap, "{}", "{}", "team", "{}")'
    assert 'cap{new="x-",svc="a",team="x"}' in at(shop, query.format("new", "$1-", "(x|y)"), 0)
    assert 'cap{new="x1",svc="a",team="x"}' in at(shop, query.format("new", "${1}1", "(x|y)"), 0)
    assert 'cap{svc="a",team="x"}' in at(shop, query.format("new", "$1x", "(x|y)"), 0)
    assert 'cap{new="$1",svc="a",team="x"}' in at(shop, query.format("new", "$$1", "x"), 0)
    assert 'cap{svc="a"}' in at(shop, query.format("team", "", "x"), 0)
    assert 'cap{svc="a",team="x"}' in at(shop, query.format("svc", "z", ""), 0)
    with pytest.raises(QueryError, match="same labelset"):
        shop.instant('label_replace(req, "code", "", "code", ".*")', 0)
    with pytest.raises(QueryError, match="regular expression"):
        shop.instant(query.format("new", "x", "("), 0)


def test_invalid_label_names_are_refused_and_3x_has_fewer_of_them(shop: Engine) -> None:
    """2.x knows letters, digits and _; 3.x takes any text but the empty one."""
    query = 'label_replace(cap, "a.b", "x", "svc", ".*")'
    with pytest.raises(QueryError, match="invalid destination label name"):
        shop.instant(query, 0)
    assert len(at(engine_of(SHOP, semantics=V3), query, 0)) == 2
    with pytest.raises(QueryError, match="invalid destination label name"):
        engine_of(SHOP, semantics=V3).instant('label_replace(cap, "", "x", "svc", ".*")', 0)


def test_calendar_functions_default_to_now_and_know_leap_years() -> None:
    """Fields of the evaluation time, or of the values of a vector, in UTC."""
    engine = engine_of({"a": [1_709_164_800]})  # 2024-02-29 00:00 UTC, a Thursday
    expected = {"year": 2024, "month": 2, "day_of_month": 29, "day_of_week": 4, "day_of_year": 60, "days_in_month": 29}
    for name, number in expected.items():
        assert at(engine, f"{name}(a)", 0) == {"": number}
        assert at(engine, f"{name}()", 1_709_164_800_000) == {"": number}
    assert at(engine, "hour(vector(-1))", 0) == {"": 23.0}
    assert at(engine, "minute(vector(3599.9))", 0) == {"": 59.0}


def test_scalar_needs_exactly_one_series(shop: Engine) -> None:
    """Otherwise it is NaN, which compares with nothing."""
    assert at(shop, 'scalar(cap{svc="a"})', 0) == {"": 10.0}
    assert math.isnan(at(shop, "scalar(cap)", 0)[""])
    assert at(shop, "cap > scalar(nothing)", 0) == {}


def test_histogram_quantile_needs_an_infinite_bucket_and_mends_falling_counts() -> None:
    """Interpolation inside the bucket; the last finite bound above it; NaN without +Inf or observations."""
    buckets = {'h{le="1"}': [4], 'h{le="2"}': [3], 'h{le="+Inf"}': [8], 'h{le="x"}': [99]}
    engine = engine_of(buckets)
    assert at(engine, "histogram_quantile(0.25, h)", 0) == {"": 0.5}
    assert at(engine, "histogram_quantile(0.9, h)", 0) == {"": 2.0}
    assert at(engine, "histogram_quantile(2, h)", 0) == {"": math.inf}
    assert at(engine, "histogram_quantile(-1, h)", 0) == {"": -math.inf}
    assert math.isnan(at(engine, 'histogram_quantile(0.5, h{le!="+Inf"})', 0)[""])
    assert math.isnan(at(engine, "histogram_quantile(0.5, h * 0)", 0)[""])
    assert at(engine, 'histogram_quantile(0.5, h{le="x"})', 0) == {}


def test_histograms_of_two_metrics_are_not_mixed() -> None:
    """They are computed apart and then clash, having lost the names that told them apart."""
    engine = engine_of({f'{name}{{le="{le}"}}': [1] for name in "gh" for le in ("1", "+Inf")})
    with pytest.raises(QueryError, match="same labelset"):
        engine.instant('histogram_quantile(0.5, {__name__=~"g|h"})', 0)


@pytest.mark.parametrize(("semantics", "expected"), [(V2, {}), (V3, {"": 0.25})])
def test_histogram_fraction_reads_classic_buckets_in_3x(semantics: Semantics, expected: dict[str, float]) -> None:
    """The share between two bounds; older servers ignore float series."""
    engine = engine_of({'h{le="1"}': [4], 'h{le="2"}': [6], 'h{le="+Inf"}': [8]}, semantics=semantics)
    assert at(engine, "histogram_fraction(1, 2, h)", 0) == expected


def test_answers_are_rendered_as_the_http_api_does() -> None:
    """Result types, times in seconds, values as text in Go's spelling."""
    engine = engine_of({'a{x="한"}': [1e21, 0.5]})
    assert query_data(engine.instant("a", 500), ranged=False) == {
        "resultType": "vector",
        "result": [{"metric": {"__name__": "a", "x": "한"}, "value": [0.5, "1e+21"]}],
    }
    assert query_data(engine.instant("1e-7", 1000), ranged=False) == {"resultType": "scalar", "result": [1, "1e-07"]}
    assert query_data(engine.instant('"s"', 1000), ranged=False) == {"resultType": "string", "result": [1, "s"]}
    assert query_data(engine.range("a", M, M, M), ranged=True) == {
        "resultType": "matrix",
        "result": [{"metric": {"__name__": "a", "x": "한"}, "values": [[60, "0.5"]]}],
    }


def test_a_range_query_of_a_range_or_a_string_is_refused() -> None:
    """Only scalars and instant vectors have a value at each step."""
    engine = engine_of({"a": [1]})
    for query, kind in {"a[5m]": "range vector", "a[5m:1m]": "range vector", '"x"': "string"}.items():
        with pytest.raises(QueryError, match=kind):
            engine.range(query, 0, M, M)
    with pytest.raises(QueryError, match="step"):
        engine.range("a", 0, M, 0)
    with pytest.raises(QueryError, match="end timestamp"):
        engine.range("a", M, 0, M)


@pytest.mark.parametrize(("version", "total"), [((2, 52), 0.0), ((2, 53), 3.0), ((3, 0), 3.0)])
def test_sums_lose_no_small_term_from_2_53_on(version: tuple[int, int], total: float) -> None:
    """A small term between two large ones of opposite sign survives where the server compensates."""
    world = {'m{i="1"}': [7e90], 'm{i="2"}': [3], 'm{i="3"}': [-7e90]}
    assert at(engine_of(world, semantics=Semantics(version=version)), "sum(m)", 0) == {"": total}

"""rate and its kin, *_over_time, regression: the rules by which a window becomes a number."""

from __future__ import annotations

import math

import pytest

from config.errors import QueryError
from tests.tools.recorded.promql.small_world import V2, V3, M, Values, at, engine_of, over
from tools.recorded.promql.engine import Semantics


def value(query: str, values: Values, ms: int, *, every: int = M, semantics: Semantics = V2) -> float | None:
    """The one value of a query over one series `a`, or None if it is absent."""
    return at(engine_of({"a": values}, every=every, semantics=semantics), query, ms).get("")


def test_increase_is_stretched_to_the_edges_of_the_range() -> None:
    """Samples reaching to within 1.1 intervals of both edges stand for the whole range."""
    assert value("increase(a[5m])", [0, 60, 120, 180, 240, 300], 5 * M) == 300
    got = value("increase(a[5m])", [1000, 1060, 1120, 1180, 1240, 1300], 5 * M + 30_000, semantics=V3)
    assert got == pytest.approx(240 * 300 / 240)


def test_a_series_that_starts_inside_the_range_is_stretched_by_half_an_interval() -> None:
    """Beyond 1.1 intervals the series is taken to begin half an interval before its first sample."""
    got = value("increase(a[10m])", [None] * 7 + [1000, 1060, 1120, 1180], 10 * M)
    assert got == pytest.approx(180 * (180 + 30) / 180)


@pytest.mark.parametrize(("semantics", "expected"), [(V2, 35.0), (Semantics(version=(2, 51)), 35.0), (V3, 35.0)])
def test_a_young_counter_is_not_stretched_below_zero(semantics: Semantics, expected: float) -> None:
    """At 30 per minute a counter that shows 5 was zero ten seconds ago: extrapolation ends there."""
    got = value("increase(a[2m])", [None, 5, 35], 2 * M + 1, semantics=semantics)
    assert got == pytest.approx(expected, rel=1e-4)


def test_the_zero_clamp_of_old_servers_could_lengthen_the_range() -> None:
    """A first value high above zero, far from the edge: before 2.51 the clamp moved the start, later only limits it."""
    values = [None] * 5 + [20, 35, 50]
    assert value("increase(a[7m])", values, 7 * M + 1) == pytest.approx(30 * (120 + 30) / 120, rel=1e-3)
    near = [None] * 5 + [14, 35, 56]
    assert value("increase(a[7m])", near, 7 * M + 1) == pytest.approx(42 * (120 + 40) / 120, rel=1e-3)
    assert value("increase(a[7m])", near, 7 * M + 1, semantics=V3) == pytest.approx(42 * (120 + 30) / 120, rel=1e-3)


def test_resets_are_added_back_for_counters_only() -> None:
    """A drop restarts a counter from zero; delta takes numbers as they are."""
    values = [10, 20, 5, 15, 3, 8]
    assert value("increase(a[5m])", values, 5 * M) == pytest.approx(8 - 10 + 20 + 15)
    assert value("delta(a[5m])", values, 5 * M) == -2
    assert value("resets(a[5m])", values, 5 * M) == 2
    assert value("rate(a[5m])", values, 5 * M) == pytest.approx(33 / 300)


def test_one_sample_has_no_rate_but_has_a_count() -> None:
    """rate, delta, irate, deriv need two samples; changes and the rest need one."""
    for name in ("rate", "increase", "delta", "irate", "idelta", "deriv"):
        assert value(f"{name}(a[1m])", [1], 0) is None
    assert value("changes(a[1m])", [1], 0) == 0
    assert value("count_over_time(a[1m])", [1], 0) == 1


def test_irate_and_idelta_look_at_the_last_two_samples() -> None:
    """A reset between them counts from zero for irate."""
    assert value("irate(a[5m])", [0, 100, 130], 2 * M) == 0.5
    assert value("irate(a[5m])", [0, 100, 30], 2 * M) == 0.5
    assert value("idelta(a[5m])", [0, 100, 30], 2 * M) == -70


def test_changes_counts_nan_after_nan_as_none() -> None:
    """NaN differs from a number but not from NaN; a reset is a fall, which NaN is not."""
    nan = math.nan
    assert value("changes(a[9m])", [1, nan, nan, 1, 1, 2], 5 * M) == 3
    assert value("resets(a[9m])", [2, nan, 1, 0], 3 * M) == 1


def test_min_and_max_ignore_nan_unless_all_are() -> None:
    """A single number wins over any NaN."""
    assert value("max_over_time(a[5m])", [math.nan, 1, math.nan], 2 * M) == 1
    assert value("min_over_time(a[5m])", [math.nan, 1, math.nan], 2 * M) == 1
    assert math.isnan(value("max_over_time(a[5m])", [math.nan], 0) or 0)


def test_quantiles_outside_0_and_1_are_infinite_and_nan_sorts_lowest() -> None:
    """Linear between ranks inside."""
    values = [3, 1, 2, math.nan]
    assert value("quantile_over_time(1, a[5m])", values, 3 * M) == 3
    assert value("quantile_over_time(0.5, a[5m])", [1, 2, 3, 4], 3 * M) == 2.5
    assert value("quantile_over_time(-0.1, a[5m])", values, 3 * M) == -math.inf
    assert value("quantile_over_time(1.1, a[5m])", values, 3 * M) == math.inf
    assert math.isnan(value("quantile_over_time(NaN, a[5m])", values, 3 * M) or 0)
    assert math.isnan(value("quantile_over_time(0, a[5m])", values, 3 * M) or 0)


def test_sums_do_not_lose_small_terms_between_large_ones() -> None:
    """1e100 + 1 - 1e100 is 1, and a mean of huge numbers does not overflow."""
    assert value("sum_over_time(a[5m])", [1e100, 1, -1e100], 2 * M) == 1
    assert value("avg_over_time(a[5m])", [1.7e308, 1.6e308], M) == pytest.approx(1.65e308)
    assert value("sum_over_time(a[5m])", [math.inf, -math.inf], M) != value("sum_over_time(a[5m])", [math.inf], 0)
    assert value("avg_over_time(a[5m])", [math.inf, 1], M) == math.inf


def test_deviation_of_equal_values_is_exactly_zero() -> None:
    """No rounding noise, whatever the value; large offsets do not swamp small spreads."""
    assert value("stddev_over_time(a[5m])", [0.1] * 5, 4 * M) == 0
    assert value("stdvar_over_time(a[5m])", [1e12 + 1, 1e12 - 1], M) == 1


def test_regression_predicts_from_the_evaluation_time() -> None:
    """deriv is per second; predict_linear extends the line from now, not from the last sample."""
    assert value("deriv(a[5m])", [0, 6, 12], 2 * M) == pytest.approx(0.1)
    assert value("predict_linear(a[5m], 60)", [0, 6, 12], 3 * M) == pytest.approx(24)
    assert value("deriv(a[5m])", [7, 7, 7], 2 * M) == 0
    assert value("predict_linear(a[5m], 60)", [7, 7, 7], 2 * M) == 7


def test_smoothing_factors_must_lie_between_0_and_1() -> None:
    """A wrong factor is an error where there is something to smooth, under the version's own name."""
    assert value("holt_winters(a[5m], 0.5, 0.5)", [1, 2, 3, 4], 3 * M) == pytest.approx(4)
    with pytest.raises(QueryError, match="invalid smoothing factor"):
        value("holt_winters(a[5m], 1, 0.5)", [1, 2], M)
    with pytest.raises(QueryError, match="invalid trend factor"):
        value("double_exponential_smoothing(a[5m], 0.5, 0)", [1, 2], M, semantics=V3)
    assert value("holt_winters(b[5m], 1, 0.5)", [1, 2], M) is None


def test_absent_over_time_speaks_of_the_selectors_labels() -> None:
    """1 where no series has a sample in the window."""
    engine = engine_of({'a{x="1"}': [1, None, None, 1]})
    assert over(engine, 'absent_over_time(a{x="1"}[30s])', 0, 3 * M, M) == {'{x="1"}': {M: 1.0, 2 * M: 1.0}}


def test_range_functions_drop_the_name_and_refuse_what_then_coincides() -> None:
    """Two metrics of the same labels clash even if they are never there together, until 3.13 merges them;
    last_over_time keeps the name."""
    world = {"a": [1, 2, None, None], "b": [None, None, 3, 4]}
    engine = engine_of(world)
    newer = engine_of(world, semantics=Semantics(version=(3, 13)))
    assert over(newer, 'max_over_time({__name__=~"a|b"}[1m])', 0, 3 * M, M) == {"": {0: 1, M: 2, 2 * M: 3, 3 * M: 4}}
    with pytest.raises(QueryError, match="same labelset"):
        over(newer, 'max_over_time({__name__=~"a|b"}[5m])', 0, 3 * M, M)
    with pytest.raises(QueryError, match="same labelset"):
        over(engine, 'max_over_time({__name__=~"a|b"}[1m])', 0, 3 * M, M)
    assert set(over(engine, 'last_over_time({__name__=~"a|b"}[1m])', 0, 3 * M, M)) == {"a", "b"}

"""Trend, activity and capacity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.analysis.activity import Course, course, laplace_trend, shares, usual_gap
from tools.analysis.capacity import capacity, needed, strength_enough, strength_short
from tools.analysis.trend import rising_share, trend

MS = np.arange(0, 3_600_000, 10_000, dtype=np.int64)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_straight_line_is_found_exactly(slope: float, origin: float) -> None:
    """Slope per hour and R² = 1."""
    line = trend(MS, origin + slope * MS / 3_600_000)
    assert line is not None
    assert line.per_hour == pytest.approx(slope, rel=1e-6, abs=1e-3)
    if abs(slope) > 1:
        assert line.r2 == pytest.approx(1.0, abs=1e-6)


def test_noise_has_no_trend_and_too_little_none_at_all() -> None:
    """R² of noise is near zero; four points are too few."""
    noise = trend(MS, np.random.default_rng(0).normal(0, 1, MS.size))
    assert noise is not None
    assert noise.r2 < 0.05
    assert trend(MS[:4], np.arange(4.0)) is None
    assert rising_share(np.array([1.0, 2.0, 3.0, 2.5])) == pytest.approx(2 / 3)
    assert rising_share(np.ones(5)) == 0.5


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.floats(0, 1e6), min_size=1, max_size=8))
def test_shares_sum_to_one_or_are_all_zero(counts: dict[str, float]) -> None:
    """Whatever was counted is divided wholly."""
    total = sum(shares(counts).values())
    assert total == pytest.approx(1.0) or total == 0.0


@given(st.integers(0, 10_000), st.integers(30, 300))
def test_steady_work_is_never_a_drain(seed: int, units: int) -> None:
    """Poisson arrivals over the whole time go on, whatever the seed."""
    moments = np.sort(np.random.default_rng(seed).uniform(0, 240, units))
    assert course(moments, 0, 240) is Course.STEADY


@given(st.integers(0, 10_000), st.integers(4, 60), st.floats(5, 40))
def test_work_that_dies_away_is_a_drain(seed: int, units: int, half_life: float) -> None:
    """Exponentially fading rests within four minutes drain, unless a straggler makes it unclear."""
    moments = np.random.default_rng(seed).exponential(half_life / np.log(2), units)
    assert course(moments[moments < 120], 0, 240) in (Course.DRAINING, Course.NONE)


def test_the_laplace_test_knows_early_from_late() -> None:
    """Negative when events come early, positive when late, zero without any."""
    assert laplace_trend(np.array([1.0, 2.0, 3.0]), 0, 100) < -2
    assert laplace_trend(np.array([98.0, 99.0]), 0, 100) > 2
    assert laplace_trend(np.array([]), 0, 100) == 0.0
    assert usual_gap(np.array([0.0, 1.0, 2.0, 3.0])) == 1.0
    assert usual_gap(np.array([1.0])) == float("inf")


def test_the_measured_capacity_rule() -> None:
    """173.18 a second for one; two carry 1.66 times that; a load of 250 needs two, 300 needs three."""
    assert capacity(1, 173.18) == 173.18
    assert capacity(2, 173.18) == pytest.approx(287.77, rel=0.002)
    assert [needed(x, 173.18) for x in (0, 100, 250, 300)] == [0, 1, 2, 3]


@given(st.floats(0.1, 1e4), st.floats(0.1, 1e3), st.floats(0.5, 1.0))
def test_needed_instances_carry_the_load_and_one_less_does_not(load: float, base: float, factor: float) -> None:
    """The smallest sufficient number."""
    n = needed(load, base, factor)
    assert capacity(n, base, factor) >= load * (1 - 1e-6)
    assert n <= 1 or capacity(n - 1, base, factor) < load * (1 + 1e-6) or n == 2


@given(st.floats(0, 2))
def test_enough_and_short_never_claim_the_same(utilisation: float) -> None:
    """Their strengths never exceed one together."""
    assert strength_enough(utilisation) + strength_short(utilisation) <= 1.0

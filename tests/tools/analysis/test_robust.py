"""Robust levels and scores: their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.analysis.robust import FLOORS, Floor, floor_of, mad_scale, median, robust_z, row_z

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=60).map(lambda x: np.array(x, dtype=np.float64))

POSITIVE = st.lists(st.floats(1e-3, 1e6), min_size=3, max_size=60).map(lambda x: np.array(x, dtype=np.float64))


@given(NUMBERS, NUMBERS, st.floats(-1e5, 1e5))
def test_z_is_invariant_under_a_common_shift(before: np.ndarray, after: np.ndarray, shift: float) -> None:
    """With an absolute floor, adding the same to both sides changes nothing."""
    floor = Floor(1.0, 0.0)
    assert robust_z(before + shift, after + shift, floor) == pytest.approx(
        robust_z(before, after, floor), rel=1e-3, abs=1e-3
    )


@given(POSITIVE, POSITIVE, st.floats(0.01, 1e4))
def test_z_is_invariant_under_scaling(before: np.ndarray, after: np.ndarray, factor: float) -> None:
    """With a relative floor, another unit changes nothing."""
    floor = Floor(0.0, 0.1)
    one, two = robust_z(before, after, floor), robust_z(before * factor, after * factor, floor)
    assert two == pytest.approx(one, rel=1e-6, abs=1e-6) or abs(one) > 1e6


@given(NUMBERS, NUMBERS)
def test_z_changes_sign_when_the_axis_is_turned(before: np.ndarray, after: np.ndarray) -> None:
    """A drop is as far as a rise: |z| of the negated series is the same."""
    floor = Floor(1.0, 0.1)
    assert robust_z(-before, -after, floor) == pytest.approx(-robust_z(before, after, floor))


@given(NUMBERS)
def test_a_third_of_wild_samples_does_not_move_the_level_out_of_range(values: np.ndarray) -> None:
    """The median stays within the good samples while fewer than half are wild."""
    wild = np.concatenate([values, np.full(values.size // 2, 1e12)])
    assert values.min() <= median(wild) <= values.max() or values.size < 3


def test_a_constant_series_does_not_explode() -> None:
    """A level that wobbles in the eighth digit has a scale near zero; the floor keeps z small."""
    before, after = np.full(50, 0.1), np.full(20, 0.1000001)
    assert mad_scale(before) == 0
    assert abs(robust_z(before, after, floor_of("cpu"))) < 0.01


@given(st.sampled_from(sorted(FLOORS)), st.integers(1, 6), st.integers(8, 40), st.randoms(use_true_random=False))
def test_many_at_once_equals_one_by_one(kind: str, rows: int, columns: int, random: object) -> None:
    """`row_z` gives what `robust_z` gives for each row, gaps included."""
    rng = np.random.default_rng(rows * 100 + columns)
    values = rng.normal(10, 3, (rows, columns))
    values[rng.random((rows, columns)) < 0.1] = np.nan
    split, floor = np.full(rows, columns // 2), floor_of(kind)
    _, _, z = row_z(values, split, np.full(rows, floor.absolute), np.full(rows, floor.relative))
    for i in range(rows):
        one = robust_z(values[i, : columns // 2], values[i, columns // 2 :], floor)
        assert z[i] == pytest.approx(one, nan_ok=True)


def test_an_unknown_kind_has_a_floor_and_an_empty_side_no_score() -> None:
    """No kind is without a floor; without samples there is no level."""
    assert floor_of("nonsense") == FLOORS["other"]
    assert np.isnan(robust_z(np.array([]), np.array([1.0]), floor_of("cpu")))

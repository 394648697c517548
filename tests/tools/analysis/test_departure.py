"""Departures: stretches compared with stretches as long."""

from __future__ import annotations

import numpy as np
import pytest

from tools.analysis.departure import Baseline, stretches


def baseline(values: np.ndarray, recent: int = 0) -> Baseline:
    rows = np.atleast_2d(values)
    return Baseline(rows, np.full(len(rows), 1e-9), np.full(len(rows), 0.05), recent=recent)


def z(base: Baseline, stretch: np.ndarray) -> float:
    return float(base.departure(np.atleast_2d(stretch))[1][0])


def test_a_level_kept_for_long_departs_further_than_one_as_high_for_a_moment() -> None:
    """The same two sigma: faint for two samples, plain for sixteen."""
    noise = np.random.default_rng(1).normal(10, 1, 200)
    base = baseline(noise)
    assert z(base, np.full(16, 12.0)) > 2 * z(base, np.full(2, 12.0)) > 0


def test_a_series_that_often_leaps_is_not_called_anomalous_for_leaping() -> None:
    """Plateaus of four samples, one in five: another plateau is within what was seen; on a quiet series it is not."""
    leaps = np.where(np.arange(200) // 4 % 5 == 0, 5.0, 1.0) + np.random.default_rng(2).normal(0, 0.02, 200)
    quiet = 1.0 + np.random.default_rng(3).normal(0, 0.02, 200)
    assert abs(z(baseline(leaps), np.full(4, 5.0))) < 4
    assert z(baseline(quiet), np.full(4, 5.0)) > 10


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e6])
def test_the_unit_does_not_matter(factor: float) -> None:
    """Scaling a series scales nothing of its departure."""
    noise = np.random.default_rng(4).normal(10, 1, 100)
    assert z(baseline(noise * factor), np.full(5, 15.0) * factor) == pytest.approx(z(baseline(noise), np.full(5, 15.0)))


def test_what_had_moved_before_the_incident_does_not_depart() -> None:
    """The level of just before is at 5 already: staying there is nothing, going on to 9 is; unsure of two samples."""
    noise = np.random.default_rng(5).normal(1, 0.1, 100)
    moved = np.concatenate([noise, [5.0, 5.1]])
    assert z(baseline(moved, recent=2), np.full(4, 5.0)) == pytest.approx(0, abs=0.5)
    assert z(baseline(moved, recent=2), np.full(4, 9.0)) > 3


def test_constant_sparse_and_missing_rows_have_finite_answers_or_none() -> None:
    """A constant baseline is held to its floor; a row without samples on one side is nan; gaps are left out."""
    rows = np.full((3, 50), 2.0)
    rows[1] = np.nan
    rows[2, ::3] = np.nan
    found = baseline(rows).departure(np.full((3, 5), 2.2))[1]
    assert 3 < found[0] < 20
    assert np.isnan(found[1])
    assert np.isfinite(found[2])
    assert np.isfinite(baseline(np.array([1.0, 1.1])).departure(np.ones((1, 9)))[1]).all()


def test_a_dozen_stretches_at_most_and_the_whole_first() -> None:
    """However long the incident: few, within it, none shorter than half of it."""
    for columns in (1, 2, 3, 4, 12, 500):
        tried = list(stretches(columns))
        assert tried[0] == (0, columns)
        assert len(tried) <= 12
        assert all(0 <= a < b <= columns and 2 * (b - a) >= min(columns, 6) for a, b in tried)

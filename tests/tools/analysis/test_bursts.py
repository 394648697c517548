"""Bursts: when events became more frequent, and whether that is over."""

from __future__ import annotations

import numpy as np
import pytest

from tools.analysis.bursts import burst

HOUR = 3_600_000.0


def _steady(rate_per_minute: float, start: float, end: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(start, end, rng.poisson(rate_per_minute * (end - start) / 60_000))


@pytest.mark.parametrize("seed", range(5))
def test_a_fivefold_rate_is_dated_within_twenty_seconds(seed: int) -> None:
    """Ten events a minute become fifty after 50 of 60 minutes."""
    change = 50 * 60_000.0
    found = burst(np.concatenate([_steady(10, 0, change, seed), _steady(50, change, HOUR, seed + 99)]), 0, HOUR)
    assert found is not None
    assert abs(found.at_ms - change) <= 20_000
    assert found.after / found.before == pytest.approx(5, rel=0.25)
    assert found.healed_ms is None


def test_a_steady_rate_is_seldom_a_burst() -> None:
    """At most 3 of 200 steady series raise an alarm."""
    assert sum(burst(_steady(5, 0, HOUR, seed), 0, HOUR) is not None for seed in range(200)) <= 3


def test_a_burst_that_ended_is_dated_by_its_first_event_and_said_to_be_over() -> None:
    """Forty errors in twenty seconds, ten minutes ago, and none before or since."""
    at = np.linspace(50 * 60_000.0, 50 * 60_000.0 + 20_000, 40)
    found = burst(at, 0, HOUR)
    assert found is not None
    assert found.at_ms == at[0]
    assert found.healed_ms == at[-1]


@pytest.mark.parametrize("moments", [[], [5.0], [5.0] * 50, [float(HOUR)] * 3])
def test_degenerate_input_raises_nothing(moments: list[float]) -> None:
    """No event, one event, all at once, all at the end: an answer or none, never an exception or a NaN."""
    found = burst(np.array(moments), 0, HOUR)
    assert found is None or np.isfinite([found.at_ms, found.before, found.after, found.score]).all()


def test_events_outside_the_window_do_not_count() -> None:
    """What lies before the start or after the end is not seen."""
    outside = np.concatenate([np.full(100, -5.0), np.full(100, HOUR + 5)])
    assert burst(outside, 0, HOUR) is None

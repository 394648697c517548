"""Change points: dated, robust, and silent where nothing happened."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.analysis.onset import best_split, boundaries, consensus, ranks, step
from tools.analysis.robust import Floor, floor_of

CPU = floor_of("cpu")


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(20, 130), st.floats(2.0, 10.0))
def test_a_clear_step_is_found_within_three_samples(seed: int, at: int, height: float) -> None:
    """A step of more than eight sigma among 150 samples is dated to within three."""
    values = np.random.default_rng(seed).normal(1.0, 0.2, 150)
    values[at:] += height
    found = step(values, CPU)
    assert found is not None
    assert abs(found.at - at) <= 3
    assert found.z > 0
    assert found.healed is None


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(30, 300))
def test_noise_has_no_step(seed: int, size: int) -> None:
    """A steady noisy series finds nothing (4 sigma apart and a significant rank statistic are both needed)."""
    assert step(np.random.default_rng(seed).normal(5.0, 1.0, size), CPU) is None


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(-1e3, 1e3), st.floats(0.1, 100.0))
def test_the_moment_does_not_depend_on_unit_or_origin(seed: int, shift: float, factor: float) -> None:
    """Scaling and shifting leave the split where it is: it is found on ranks."""
    values = np.random.default_rng(seed).normal(0.0, 1.0, 80)
    values[50:] += 8
    assert best_split(values * factor + shift)[0] == best_split(values)[0]


def test_wild_samples_are_no_step() -> None:
    """Five spikes of a thousand times the level, scattered, are not a change of level."""
    values = np.random.default_rng(1).normal(1.0, 0.05, 200)
    values[[20, 60, 101, 150, 180]] = 1_000.0
    assert step(values, CPU) is None


def test_a_short_incident_at_the_end_is_found() -> None:
    """Six samples of a new level after two hundred."""
    values = np.random.default_rng(2).normal(1.0, 0.05, 206)
    values[200:] = 2.0
    found = step(values, CPU)
    assert found is not None
    assert found.at == 200


def test_a_blip_that_healed_says_when() -> None:
    """Up between 80 and 100, back after: healed at 100."""
    values = np.random.default_rng(3).normal(1.0, 0.05, 160)
    values[80:100] += 2
    found = step(values, CPU)
    assert found is not None
    assert (found.at, found.healed) == (80, 100)


def test_gaps_are_left_out_and_indices_stay_the_caller_s() -> None:
    """nan before the step does not move its index."""
    values = np.random.default_rng(4).normal(1.0, 0.05, 120)
    values[90:] += 1
    values[10:40] = np.nan
    found = step(values, CPU)
    assert found is not None
    assert found.at == 90


def test_a_smeared_step_is_walked_back_to_its_start() -> None:
    """A rate over twelve samples turns a step into a ramp; the ramp's first departure is the answer."""
    ramp = np.concatenate([np.ones(100), np.linspace(1, 3, 12), np.full(40, 3.0)])
    values = ramp + np.random.default_rng(5).normal(0, 0.01, ramp.size)
    plain, walked = step(values, CPU), step(values, CPU, smear=12)
    assert plain is not None
    assert walked is not None
    assert walked.at <= plain.at
    assert abs(walked.at - 100) <= 3


def test_two_steps_up_are_one_departure_from_the_first() -> None:
    """A series that rises twice left its baseline at the first rise."""
    values = np.random.default_rng(6).normal(0, 0.05, 200) + np.repeat([1.0, 2.0, 3.0], [100, 50, 50])
    found = step(values, CPU)
    assert found is not None
    assert abs(found.at - 100) <= 1
    assert len(boundaries(values)) >= 2


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=50).map(np.array))
def test_ranks_sum_to_the_triangle_number(values: np.ndarray) -> None:
    """Average ranks of n values sum to n (n + 1) / 2, ties or not."""
    assert ranks(values).sum() == pytest.approx(values.size * (values.size + 1) / 2)


def test_too_little_has_no_step_and_constants_have_none() -> None:
    """Fewer than six samples, or no spread at all, say nothing."""
    assert step(np.array([1.0, 5.0, 9.0]), CPU) is None
    assert step(np.full(100, 4.0), Floor(0.0, 0.0)) is None


def test_consensus_is_the_start_of_the_heaviest_window() -> None:
    """Four changes within half a minute outweigh a lone one ten minutes earlier."""
    moments = np.array([0, 600_000, 610_000, 615_000, 620_000])
    found = consensus(moments, np.array([1.0, 1.0, 1.0, 1.0, 1.0]), 45_000)
    assert found is not None
    assert found[0] == 600_000
    assert found[1] == pytest.approx(0.8)
    assert consensus(np.array([], dtype=np.int64), np.array([]), 1) is None

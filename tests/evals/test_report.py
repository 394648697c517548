"""Rates and intervals of an evaluation run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.report import clustered_rate

VALUES = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([0.0, 1.0])), min_size=1, max_size=40)


@given(VALUES)
def test_the_interval_holds_the_mean(values: list[tuple[str, float]]) -> None:
    """Low <= mean <= high, all within 0..1, whatever the clusters."""
    rate = clustered_rate(values)
    assert 0.0 <= rate.low <= rate.mean + 1e-12
    assert rate.mean - 1e-12 <= rate.high <= 1.0
    assert rate.n == len(values)


def test_copies_of_one_recording_do_not_narrow_the_interval() -> None:
    """Cases cut from one recording count once: a hundred copies say no more than the recording."""
    few = clustered_rate([("a", 1.0), ("b", 0.0), ("c", 1.0)])
    many = clustered_rate([("a", 1.0)] * 100 + [("b", 0.0)] * 100 + [("c", 1.0)] * 100)
    assert (many.low, many.high) == (few.low, few.high)


def test_one_recording_proves_nothing() -> None:
    """With a single recording the interval is the widest one."""
    assert clustered_rate([("a", 1.0)] * 50).low == 0.0


def test_the_interval_is_that_of_the_bootstrap() -> None:
    """Ten independent recordings, seven right: as the binomial has it, 0.4 to 0.9 or 1.0."""
    rate = clustered_rate([(str(i), float(i < 7)) for i in range(10)])
    assert rate.mean == pytest.approx(0.7)
    assert rate.low == pytest.approx(0.4, abs=0.051)
    assert rate.high == pytest.approx(0.95, abs=0.051)


def test_all_right_is_no_proof_of_always_right() -> None:
    """Forty recordings without a miss leave a lower bound of 0.91, ten leave 0.69; none right mirrors it."""
    assert clustered_rate([(str(i), 1.0) for i in range(40)]).low == pytest.approx(0.912, abs=0.001)
    assert clustered_rate([(str(i), 1.0) for i in range(10)]).low == pytest.approx(0.692, abs=0.001)
    assert clustered_rate([(str(i), 0.0) for i in range(10)]).high == pytest.approx(0.308, abs=0.001)

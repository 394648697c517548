"""Generated series and days: the same for a seed, labelled where they were changed, every kind injected."""

from __future__ import annotations

import numpy as np
import pytest

from evals.anomaly_days import KINDS, simulate
from evals.anomaly_kinds import HELD_OUT, QUIET, TUNING, series
from evals.anomaly_processes import HELD_KINDS, TUNED_KINDS
from evals.anomaly_report import HELD_OUT as HELD_OUT_DAYS
from evals.anomaly_unknown import METHODS, by_kind, tally


@pytest.mark.parametrize("kind", [*TUNED_KINDS, *HELD_KINDS])
def test_a_seed_makes_one_series_with_its_faults_inside(kind: str) -> None:
    """Twice the same; faults lie in order, apart, after the quiet part, and something is different there."""
    for seed in (1, 2, 3, 4):
        one, again = series(kind, seed), series(kind, seed)
        assert np.array_equal(one.values["value"], again.values["value"], equal_nan=True)
        assert one.events == again.events
        ends = [0, *(e.end for e in one.events)]
        assert all(QUIET * one.ms.size - 1 <= e.start and before <= e.start < e.end <= one.ms.size
                   for before, e in zip(ends, one.events, strict=False))


def test_seeds_and_kinds_of_the_report_are_not_those_of_tuning() -> None:
    """What the documented figures are made of was not looked at before."""
    assert not set(TUNING) & set(HELD_OUT)
    assert not set(TUNED_KINDS) & set(HELD_KINDS)


def test_every_kind_of_fault_is_injected_twenty_times_over_the_held_out_days() -> None:
    """Of the system's days: each kind, counted over the seeds of the report."""
    made = [e.kind for seed in HELD_OUT_DAYS for e in simulate(seed).events]
    assert {kind: made.count(kind) >= 20 for kind in KINDS} == dict.fromkeys(KINDS, True)


def test_a_tally_has_a_row_for_each_method() -> None:
    """On one small kind: noise is told rightly, and the points are counted."""
    found = by_kind(["noise"], (1, 2))["noise"]
    assert len(found.methods) == len(METHODS)
    assert found.points == sum(series("noise", seed).ms.size for seed in (1, 2))
    assert found.methods[0].f1 >= 0.8
    assert tally([series("noise", 1)]).plus(tally([series("noise", 2)])).points == found.points

"""Counting work: shares, whether a rest drains or goes on, whether a stream went quiet."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import numpy as np

from tools.analysis.robust import Floats


class Course(StrEnum):
    """How an instance's work goes on after it lost its role."""

    NONE = "none"
    DRAINING = "draining"
    STEADY = "steady"
    UNCLEAR = "unclear"


def shares(counts: Mapping[str, float]) -> dict[str, float]:
    """Each instance's part of the whole, summing to 1; all zero when nothing was counted."""
    total = sum(counts.values())
    return {name: (count / total if total else 0.0) for name, count in counts.items()}


def laplace_trend(moments: Floats, start: float, end: float) -> float:
    """Laplace's test for a trend in events: U = (mean - middle) / (span / sqrt(12 n)), about N(0, 1) for a steady rate.

    `moments` (n,) within [start, end], same unit; strongly negative: events come early and die away. 0.0 for none.
    """
    if moments.size == 0 or end <= start:
        return 0.0
    return float((moments.mean() - (start + end) / 2) / ((end - start) / np.sqrt(12 * moments.size)))


def course(moments: Floats, start: float, end: float) -> Course:
    """Drain or steady consumption, from the moments (n,) of units finished in [start, end] after the role was lost.

    Draining: the last half of the time is silent and that is no accident (2^-n <= 1/8), or the events die away by
    Laplace's test. Unclear: fewer than three units that reach into the last half.
    """
    inside = moments[(moments >= start) & (moments <= end)]
    if inside.size == 0:
        return Course.NONE
    late = int((inside > (start + end) / 2).sum())
    if late == 0:
        return Course.DRAINING
    if laplace_trend(inside, start, end) < -3.0 and late <= 0.15 * inside.size:
        return Course.DRAINING
    return Course.STEADY if inside.size >= 3 else Course.UNCLEAR


def usual_gap(moments: Floats) -> float:
    """The 90th percentile of the time between events; inf below three events."""
    return float(np.quantile(np.diff(np.sort(moments)), 0.9)) if moments.size >= 3 else float("inf")

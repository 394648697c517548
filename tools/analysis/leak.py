"""Slow leaks: does a level climb steadily towards its limit, and would it reach it within a day?

Kept per series: the last `KEPT` aggregates (medians of `AGGREGATE_MS`). The slope is Theil and Sen's: the median of the
slopes between all pairs (Sen 1968), which a restart or a burst does not move.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from tools.analysis.robust import Floats

AGGREGATE_MS = 900_000
KEPT = 32
LEAST = 8
HORIZON_HOURS = 24.0
RISING = 0.8  # share of pairs that rise
CLIMBED = 0.08  # of the limit, since the first aggregate kept
FALL = 0.25  # a drop by so much of the level is a restart: what was before says nothing about the climb


@dataclass(frozen=True)
class Climb:
    """Slope per hour and level in the series' unit; hours until `limit`."""

    per_hour: float
    level: float
    limit: float
    hours: float


def theil_sen(hours: Floats, values: Floats) -> tuple[float, float]:
    """(median slope, share of pairs that rise) of values (n,) over hours (n,), n >= 2."""
    first, second = np.triu_indices(values.size, k=1)
    slopes = (values[second] - values[first]) / (hours[second] - hours[first])
    return float(np.median(slopes)), float((slopes > 0).mean())


@dataclass
class Climber:
    """One series with a limit."""

    aggregates: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=KEPT))
    open_slot: int = -1
    open_values: list[float] = field(default_factory=list)

    def add(self, at_ms: int, value: float) -> bool:
        """Take a sample; true when an aggregate was completed, so that `climb` is worth asking."""
        slot = at_ms // AGGREGATE_MS
        closed = self.open_slot >= 0 and slot != self.open_slot and bool(self.open_values)
        if closed:
            level = float(np.median(self.open_values))
            last = self.aggregates[-1] if self.aggregates else (-1, 0.0)
            if level < (1 - FALL) * last[1] or self.open_slot <= last[0]:  # a restart, or a clock that went back
                self.aggregates.clear()
            self.aggregates.append((self.open_slot, level))
            self.open_values = []
        self.open_slot = slot
        if np.isfinite(value):
            self.open_values.append(value)
        return closed

    def climb(self, limit: float, *, factor: float = 1.0) -> Climb | None:
        """The climb that reaches `limit` within a day, if there is one. `factor` > 1 asks for more."""
        if len(self.aggregates) < LEAST or not limit > 0:
            return None
        slots, levels = np.array([a[0] for a in self.aggregates], float), np.array([a[1] for a in self.aggregates])
        hours = slots * (AGGREGATE_MS / 3_600_000)
        slope, rising = theil_sen(hours, levels)
        climbed = slope * float(hours[-1] - hours[0])
        if slope <= 0 or rising < RISING or climbed < CLIMBED * factor * limit or levels[-1] >= limit:
            return None
        left = (limit - float(levels[-1])) / slope
        return Climb(slope, float(levels[-1]), limit, left) if left <= HORIZON_HOURS / factor else None

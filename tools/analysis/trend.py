"""Does a series grow or fall steadily, and when would it reach a limit?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.analysis.onset import Ints
from tools.analysis.robust import Floats

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Trend:
    """A straight line through a series: slope in the series' unit per hour, R² of the fit, level at the last moment."""

    per_hour: float
    r2: float
    last: float


def trend(ms: Ints, values: Floats) -> Trend | None:
    """Ordinary least squares of values (n,) on time (n,) in ms; nan is left out. None below 5 points or no spread."""
    keep = np.isfinite(values)
    x, y = (ms[keep] - ms[0]) / HOUR_MS, values[keep]
    if x.size < 5 or float(np.ptp(x)) == 0.0:
        return None
    xc, yc = x - x.mean(), y - y.mean()
    slope = float(xc @ yc / (xc @ xc))
    total = float(yc @ yc)
    r2 = 0.0 if total <= 0 else float((slope * (xc @ yc)) / total)
    return Trend(slope, min(max(r2, 0.0), 1.0), float(y.mean() + slope * (x[-1] - x.mean())))


def rising_share(values: Floats) -> float:
    """Share of steps that do not go down, of those that move at all; 0.5 when nothing moves. Shape (n,) -> 0..1."""
    steps = np.diff(values[np.isfinite(values)])
    moved = steps[steps != 0]
    return float((moved > 0).mean()) if moved.size else 0.5

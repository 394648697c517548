"""deriv, predict_linear and double exponential smoothing."""

from __future__ import annotations

import numpy as np

from config.errors import QueryError
from tools.recorded.promql.arrays import Floats, Ints, Mask
from tools.recorded.promql.reduction import Kernel, Slab, compensated_sum


def linear_regression(slab: Slab, origin: Ints) -> tuple[Floats, Floats]:
    """Least squares through each window: slope per second and value at `origin` ms, (windows,) each.

    A constant window has slope 0 exactly; a constant infinity has neither.
    """
    values = slab.values
    x = (slab.times - origin) / 1000
    count = float(slab.length)
    sum_x, sum_y = compensated_sum(x), compensated_sum(values)
    covariance = compensated_sum(x * values) - sum_x * sum_y / count
    spread = compensated_sum(x * x) - sum_x * sum_x / count
    slope = covariance / spread
    intercept = sum_y / count - slope * sum_x / count
    constant = (values == values[0]).all(axis=0)
    flat = np.where(np.isinf(values[0]), np.nan, 0.0)
    return np.where(constant, flat, slope), np.where(constant, values[0] + flat, intercept)


def deriv(slab: Slab) -> Floats:
    return linear_regression(slab, slab.times[0])[0]


def predict_kernel(times: Ints, seconds: Floats) -> Kernel:
    """predict_linear; times, seconds: (steps,) the evaluation time and how far ahead to look."""

    def predict(slab: Slab) -> Floats:
        slope, intercept = linear_regression(slab, times[slab.step])
        return np.asarray(slope * seconds[slab.step] + intercept)

    return predict


def smoothing_kernel(smoothing: Floats, trend: Floats, occupied: Mask) -> Kernel:
    """Holt's linear method: level and trend, both smoothed; factors (steps,) strictly between 0 and 1.

    occupied: (steps,) where any window has samples: a wrong factor is an error only there.
    """
    for name, factor in (("smoothing", smoothing), ("trend", trend)):
        wrong = occupied & ((factor <= 0) | (factor >= 1))
        if wrong.any():
            raise QueryError(f"invalid {name} factor. Expected: 0 < {name[0]}f < 1, got: {factor[wrong][0]:f}")

    def smooth(slab: Slab) -> Floats:
        weight, drift = smoothing[slab.step], trend[slab.step]
        level, slope = slab.values[0], slab.values[1] - slab.values[0]
        for value in slab.values[1:]:
            before = level
            level = weight * value + (1 - weight) * (level + slope)
            slope = drift * (level - before) + (1 - drift) * slope
        return np.asarray(level)

    return smooth

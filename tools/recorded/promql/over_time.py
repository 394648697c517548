"""The *_over_time functions, changes and resets: one kernel each."""

from __future__ import annotations

import numpy as np

from tools.recorded.promql.arrays import Floats
from tools.recorded.promql.quantiles import quantile
from tools.recorded.promql.reduction import Kernel, Slab, compensated_sum, safe_mean


def changes(slab: Slab) -> Floats:
    """How often a value differs from the one before; NaN after NaN is no change."""
    before, after = slab.values[:-1], slab.values[1:]
    return np.asarray(((after != before) & ~(np.isnan(after) & np.isnan(before))).sum(axis=0).astype(np.float64))


def resets(slab: Slab) -> Floats:
    """How often a value is lower than the one before."""
    return np.asarray((slab.values[1:] < slab.values[:-1]).sum(axis=0).astype(np.float64))


def variance(values: Floats) -> Floats:
    """Population variance over axis 0. Measured from the first value, so that constant values give exactly 0."""
    shifted = values - values[0]
    shifted -= shifted.mean(axis=0)
    return np.asarray(np.einsum("i...,i...->...", shifted, shifted) / len(values))


def quantile_kernel(level: Floats) -> Kernel:
    """quantile_over_time; level: (steps,) the quantile wanted at each step."""
    return lambda slab: quantile(slab.values, level[slab.step])


def _count(slab: Slab) -> Floats:
    return np.full(slab.windows, float(slab.length))


KERNELS: dict[str, Kernel] = {
    "avg_over_time": lambda slab: safe_mean(slab.values),
    "sum_over_time": lambda slab: compensated_sum(slab.values),
    "min_over_time": lambda slab: np.asarray(np.fmin.reduce(slab.values, axis=0)),
    "max_over_time": lambda slab: np.asarray(np.fmax.reduce(slab.values, axis=0)),
    "count_over_time": _count,
    "present_over_time": lambda slab: np.ones(slab.windows),
    "first_over_time": lambda slab: slab.values[0],
    "last_over_time": lambda slab: slab.values[-1],
    "stdvar_over_time": lambda slab: variance(slab.values),
    "stddev_over_time": lambda slab: np.sqrt(variance(slab.values)),
    "changes": changes,
    "resets": resets,
}

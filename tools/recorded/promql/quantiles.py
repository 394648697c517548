"""Quantiles as Prometheus computes them: linear between ranks, NaN sorts lowest."""

from __future__ import annotations

import numpy as np

from tools.recorded.promql.arrays import Floats


def quantile(values: Floats, level: Floats) -> Floats:
    """Quantiles over axis 0 of (samples, columns) at `level`, (columns,) or (1,): -Inf below 0, +Inf above 1."""
    ordered = sort_nan_first(values)
    level = np.broadcast_to(level, values.shape[1:])
    return at_rank(ordered, level, np.full(values.shape[1], len(values)))


def at_rank(ordered: Floats, level: Floats, count: Floats | np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Floats:
    """ordered: (samples, columns) of which the first `count` (columns,) of each column count, ascending."""
    with np.errstate(all="ignore"):
        rank = np.clip(np.nan_to_num(level), 0, 1) * (count - 1)
        lower = np.floor(rank).astype(np.int64)
        upper = np.minimum(count - 1, lower + 1).astype(np.int64)
        weight = rank - lower
        column = np.arange(ordered.shape[1])
        found = ordered[lower, column] * (1 - weight) + ordered[upper, column] * weight
    found = np.where(level < 0, -np.inf, np.where(level > 1, np.inf, found))
    return np.asarray(np.where(np.isnan(level), np.nan, found))


def sort_nan_first(values: Floats) -> Floats:
    """Sorted over axis 0, every NaN before every number."""
    ordered = np.sort(values, axis=0)
    missing = np.isnan(ordered[-1])
    if missing.any():
        for column in np.flatnonzero(missing).tolist():
            ordered[:, column] = np.roll(ordered[:, column], int(np.isnan(ordered[:, column]).sum()))
    return ordered

"""Quantiles as Prometheus computes them: linear between ranks, NaN sorts lowest."""

from __future__ import annotations

import numpy as np

from tools.recorded.promql.arrays import Floats, Ints


def quantile(values: Floats, level: Floats) -> Floats:
    """Quantiles over axis 0 of (samples, *columns) at `level`, which broadcasts to the columns."""
    count = np.full(values.shape[1:], len(values))
    return at_rank(sort_nan_first(values), np.broadcast_to(level, count.shape), count)


def at_rank(ordered: Floats, level: Floats, count: Ints) -> Floats:
    """ordered: (samples, *columns) of which the first `count` (*columns) are meant, ascending. -Inf below level 0, +Inf
    above 1, NaN at NaN."""
    with np.errstate(all="ignore"):
        rank = np.clip(np.nan_to_num(level), 0, 1) * (count - 1)
        lower = np.floor(rank).astype(np.int64)
        upper = np.minimum(count - 1, lower + 1)
        weight = rank - lower
        below = np.take_along_axis(ordered, lower[None], axis=0)[0]
        above = np.take_along_axis(ordered, upper[None], axis=0)[0]
        found = below * (1 - weight) + above * weight
    found = np.where(level < 0, -np.inf, np.where(level > 1, np.inf, found))
    return np.asarray(np.where(np.isnan(level), np.nan, found))


def sort_nan_first(values: Floats) -> Floats:
    """Sorted over axis 0, every NaN before every number."""
    ordered = np.moveaxis(np.sort(np.moveaxis(values, 0, -1), axis=-1), -1, 0)
    if np.isnan(ordered[-1]).any():
        nans = np.isnan(values).sum(axis=0)
        ranked = np.sort(np.where(np.isnan(values), -np.inf, values), axis=0)
        ordered = np.where(np.arange(len(values)).reshape(-1, *[1] * nans.ndim) < nans, np.nan, ranked)
    return np.asarray(ordered)

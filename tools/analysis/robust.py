"""Robust level and scale, with floors for each kind of series.

A near-constant series has a scale near zero, so any wobble looks infinite; a byte counter's wobble is huge and means
nothing. Floors say how small a move of each kind cannot matter: z = (after - before) / max(scale, floors).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MAD_TO_SIGMA = 1.4826  # the MAD of a normal distribution is sigma / 1.4826 (Rousseeuw and Croux 1993)
LEAST = 1e-12


@dataclass(frozen=True)
class Floor:
    """The smallest scale believed: `absolute` in the series' unit, `relative` to the larger of the two levels."""

    absolute: float
    relative: float

    def of(self, *levels: float) -> float:
        """The floor for a comparison of these levels, in the series' unit; above 0 even where all of them are 0."""
        return max(LEAST, self.absolute, self.relative * max((abs(x) for x in levels), default=0.0))


FLOORS: Mapping[str, Floor] = {
    "cpu": Floor(0.004, 0.05),
    "memory": Floor(2_000_000.0, 0.02),
    "network": Floor(100.0, 0.07),
    "disk": Floor(1_000.0, 0.07),
    "latency": Floor(0.002, 0.05),
    "share": Floor(0.01, 0.02),
    "success": Floor(0.01, 0.01),
    "errors": Floor(0.02, 0.05),
    "requests": Floor(0.05, 0.05),
    "queue": Floor(1.0, 0.05),
    "count": Floor(0.5, 0.05),
    "other": Floor(1e-9, 0.05),
}


def floor_of(kind: str) -> Floor:
    """The floor of a kind of series; an unknown kind has that of `other`."""
    return FLOORS.get(kind, FLOORS["other"])


def median(values: Floats) -> float:
    """Median of the finite values, shape (n,) -> scalar; nan when there is none."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")


def mad_scale(values: Floats) -> float:
    """1.4826 x median absolute deviation of the finite values; nan when there is none."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return float("nan")
    return float(MAD_TO_SIGMA * np.median(np.abs(finite - np.median(finite))))


def robust_z(before: Floats, after: Floats, floor: Floor) -> float:
    """(median after - median before) / max(MAD scale of before, floor). nan when either side is empty.

    Both in the unit of the series; the result has none. Invariant under a common shift when `floor.relative` is 0, and
    under scaling when `floor.absolute` is 0.
    """
    level, now = median(before), median(after)
    if not (np.isfinite(level) and np.isfinite(now)):
        return float("nan")
    return (now - level) / max(mad_scale(before), floor.of(level, now))


def row_z(
    values: Floats, split: npt.NDArray[np.int64], absolute: Floats, relative: Floats, *, tails: bool = False
) -> tuple[Floats, ...]:
    """`robust_z` for many series at once: values (m, n), split (m,), floors (m,) -> (before, after, z), each (m,).

    Row i is split at column split[i]; nan marks a missing sample. With `tails` the scale also covers half of
    what nineteen baseline samples in twenty stay within (about sigma for normal noise), so that a series which often
    leaps, as a high percentile does, is not called anomalous for leaping once more.
    """
    columns = np.arange(values.shape[1])
    left = np.where(columns < split[:, None], values, np.nan)
    right = np.where(columns >= split[:, None], values, np.nan)
    with np.errstate(all="ignore"):
        before, after = row_median(left), row_median(right)
        away = np.abs(left - before[:, None])
        scale = MAD_TO_SIGMA * row_median(away)
        if tails:
            scale = np.fmax(scale, row_quantile(away, TAIL) / 2)
        floor = np.maximum(absolute, relative * np.fmax(np.abs(before), np.abs(after)))
        return before, after, (after - before) / np.fmax(scale, floor)


TAIL = 0.95


def row_quantile(values: Floats, share: float) -> Floats:
    """The quantile (lower neighbour) of each row without its nans, shape (m, n) -> (m,)."""
    ordered = np.sort(values, axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    place = np.minimum((share * np.maximum(count - 1, 0)).astype(np.int64), values.shape[1] - 1)
    return np.asarray(np.where(count > 0, ordered[np.arange(values.shape[0]), place], np.nan), dtype=np.float64)


def row_median(values: Floats) -> Floats:
    """Median of each row without its nans, (m, n) -> (m,); numpy's nanmedian walks row by row, forty times slower."""
    ordered = np.sort(values, axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    rows = np.arange(values.shape[0])
    middle = (ordered[rows, low] + ordered[rows, np.minimum(high, values.shape[1] - 1)]) / 2
    return np.asarray(np.where(count > 0, middle, np.nan), dtype=np.float64)

"""Runs a function over every window: windows of equal length together, as one (samples, windows) table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.recorded.promql.arrays import Floats, Ints, Mask
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.summation import extracted_sum
from tools.recorded.promql.windows import Ragged, Shared, Windows

TABLE_CELLS = 100_000
"""About how many samples are worked on at a time: few enough for the processor's cache, enough to be worth a call."""


@dataclass(frozen=True)
class Slab:
    """Windows of one length, laid out (samples, *windows): `windows` is (steps, series) or just (windows,).

    times and step broadcast against values and windows: (samples, steps, 1) and (steps, 1) where series share times.
    step: the number of the evaluation step each window belongs to.
    """

    values: Floats
    times: Ints
    step: Ints

    @property
    def length(self) -> int:
        return len(self.values)

    @property
    def windows(self) -> tuple[int, ...]:
        return self.values.shape[1:]


Kernel = Callable[[Slab], Floats]
"""From a slab of non-empty windows to one number a window."""


def reduce_windows(windows: Windows, kernel: Kernel, at_least: int = 1) -> Frame:
    """One value for each window of `at_least` samples; shorter windows are absent."""
    values, present = np.full(windows.shape, np.nan), np.zeros(windows.shape, bool)
    with np.errstate(all="ignore"):
        for part in windows.parts:
            if isinstance(part, Shared):
                values[:, part.out], present[:, part.out] = _reduce_shared(part, kernel, at_least)
            else:
                values[:, part.out], present[:, part.out] = _reduce_ragged(part, kernel, at_least)
    return Frame(windows.labels, values, present)


def _reduce_shared(part: Shared, kernel: Kernel, at_least: int) -> tuple[Floats, Mask]:
    length = part.hi - part.lo
    series = part.values.shape[1]
    found = np.full((len(length), series), np.nan)
    for size in np.unique(length[length >= at_least]).tolist() if series else []:
        steps = np.flatnonzero(length == size)
        chunk = max(1, TABLE_CELLS // (size * series))
        for start in range(0, len(steps), chunk):
            some = steps[start : start + chunk]
            if len(some) == 1:
                lo = int(part.lo[some[0]])
                slab = Slab(part.values[lo : lo + size, None], part.times[lo : lo + size, None, None], some[:, None])
            else:
                at = part.lo[some] + np.arange(size)[:, None]
                slab = Slab(part.values[at], part.times[at][:, :, None], some[:, None])
            found[some] = kernel(slab)
    return found, (length >= at_least)[:, None]


def _reduce_ragged(part: Ragged, kernel: Kernel, at_least: int) -> tuple[Floats, Mask]:
    length = part.hi - part.lo
    found = np.full(length.shape, np.nan)
    order = np.argsort(length, axis=None, kind="stable")
    ranked = length.reshape(-1)[order]
    sizes = np.unique(ranked)
    for size in sizes[sizes >= at_least].tolist():
        alike = order[ranked.searchsorted(size) : ranked.searchsorted(size, "right")]
        chunk = max(1, TABLE_CELLS // size)
        for start in range(0, len(alike), chunk):
            flat = alike[start : start + chunk]
            at = part.lo.reshape(-1)[flat] + np.arange(size)[:, None]
            slab = Slab(part.values[at], part.times[at], flat // length.shape[1])
            found.reshape(-1)[flat] = kernel(slab)
    return found, length >= at_least


def compensated_sum(values: Floats) -> Floats:
    """Sums over axis 0. Where all terms have one sign, nothing can cancel and the plain sum is exact enough."""
    plain = np.asarray(values.sum(axis=0))
    mixed = (values.min(axis=0) < 0) & (values.max(axis=0) > 0) & np.isfinite(plain)
    if mixed.any():
        summed = extracted_sum(
            values[:, mixed],
            len(values),
            total=lambda terms: np.asarray(terms.sum(axis=0)),
            spread=lambda splitter: splitter,
            largest=lambda terms: np.asarray(np.abs(terms).max(axis=0)),
        )
        plain[mixed] = np.where(np.isfinite(summed), summed, plain[mixed])
    return plain


def safe_mean(values: Floats) -> Floats:
    """Means over axis 0; a sum that overflows although all terms are finite is divided before it is summed."""
    mean = np.asarray(compensated_sum(values) / len(values))
    if not np.isfinite(mean).all():
        overflown = ~np.isfinite(mean) & np.isfinite(values).all(axis=0)
        mean[overflown] = compensated_sum(values[:, overflown] / len(values))
    return mean

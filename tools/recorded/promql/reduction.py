"""Runs a function over every window: windows of equal length together, as one (samples, windows) table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.recorded.promql.arrays import Floats, Ints, Mask
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.windows import Ragged, Shared, Windows

TABLE_CELLS = 1_000_000
"""How many samples are gathered at a time; bounds the memory of a reduction."""


@dataclass(frozen=True)
class Slab:
    """Windows of one length. values (samples, windows); times (samples, windows) or (samples, 1); step (windows,) or
    (1,): the number of the evaluation step each window belongs to."""

    values: Floats
    times: Ints
    step: Ints

    @property
    def length(self) -> int:
        return len(self.values)


Kernel = Callable[[Slab], Floats]
"""From a slab of non-empty windows to one number a window: (windows,)."""


def reduce_windows(windows: Windows, kernel: Kernel, at_least: int = 1) -> Frame:
    """One value for each window of `at_least` samples; shorter windows are absent."""
    values, present = np.full(windows.shape, np.nan), np.zeros(windows.shape, bool)
    with np.errstate(all="ignore"):
        for part in windows.parts:
            if isinstance(part, Shared):
                _reduce_shared(part, kernel, at_least, values, present)
            else:
                _reduce_ragged(part, kernel, at_least, values, present)
    return Frame(windows.labels, values, present)


def _reduce_shared(part: Shared, kernel: Kernel, at_least: int, values: Floats, present: Mask) -> None:
    if not part.values.shape[1]:
        return
    present[:, part.out] = ((part.hi - part.lo) >= at_least)[:, None]
    for step, (lo, hi) in enumerate(zip(part.lo.tolist(), part.hi.tolist(), strict=True)):
        if hi - lo >= at_least:
            slab = Slab(part.values[lo:hi], part.times[lo:hi, None], np.array([step]))
            values[step, part.out] = kernel(slab)


def _reduce_ragged(part: Ragged, kernel: Kernel, at_least: int, values: Floats, present: Mask) -> None:
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
    values[:, part.out], present[:, part.out] = found, length >= at_least


def compensated_sum(values: Floats) -> Floats:
    """Sums over axis 0 that lose no small term beside large ones of the other sign.

    Where all terms have one sign, nothing can cancel and the plain sum is exact enough. Otherwise each term is split at
    a power of two into a high part, whose sum is exact, and a low part (the extraction of Rump, Ogita and Oishi,
    Accurate floating-point summation, 2008).
    """
    plain = values.sum(axis=0)
    mixed = (values.min(axis=0) < 0) & (values.max(axis=0) > 0) & np.isfinite(plain)
    if not mixed.any():
        return np.asarray(plain)
    columns = np.flatnonzero(mixed)
    terms = values[:, columns]
    _, exponent = np.frexp(np.abs(terms).max(axis=0))
    splitter = np.ldexp(1.0, np.minimum(exponent + len(values).bit_length() + 1, 1023))
    high = (terms + splitter) - splitter
    summed = high.sum(axis=0) + (terms - high).sum(axis=0)
    plain[columns] = np.where(np.isfinite(summed), summed, plain[columns])
    return np.asarray(plain)


def safe_mean(values: Floats) -> Floats:
    """Means over axis 0; a sum that overflows although all terms are finite is divided before it is summed."""
    mean = compensated_sum(values) / len(values)
    overflown = ~np.isfinite(mean)
    if overflown.any():
        columns = np.flatnonzero(overflown)
        terms = values[:, columns]
        finite = np.isfinite(terms).all(axis=0)
        mean[columns[finite]] = compensated_sum(terms[:, finite] / len(values))
    return np.asarray(mean)

"""rate, increase, delta, irate, idelta: whole windows reduced to their ends, for all steps and series at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.recorded.promql.arrays import Floats, Ints, Mask
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.windows import Ragged, Shared, Windows

PAIRS = 2_000_000
"""How many (reset, window) pairs are worked on at a time; bounds memory."""

EXTRAPOLATION_LIMIT = 1.1
"""A gap up to this many average sample intervals counts as the series reaching to the edge of the range."""


@dataclass(frozen=True)
class Ends:
    """First and last sample of each window. Arrays (steps, series), or (steps, 1) where the series share times."""

    count: Ints
    first: Floats
    last: Floats
    first_ms: Ints
    last_ms: Ints


def extrapolated(windows: Windows, semantics: Semantics, *, counter: bool, per_second: bool) -> Frame:
    """rate (counter, per second), increase (counter) and delta.

    The difference of the last and first sample, resets added back, stretched to the edges of the range as far as the
    series plausibly reaches: at most 1.1 average intervals, and for a counter not beyond where it would be zero.
    """
    values, present = _blank(windows)
    for part in windows.parts:
        ends = _ends(part, 1)
        enough = ends.count >= 2
        with np.errstate(all="ignore"):
            result = ends.last - ends.first
            if counter:
                result = result + _reset_correction(part)
            result = result * _stretch(ends, result, windows, semantics, counter)
            if per_second:
                result = result / (windows.range_ms / 1000)
        values[:, part.out], present[:, part.out] = result, enough
    return Frame(windows.labels, values, present)


def instantaneous(windows: Windows, *, per_second: bool) -> Frame:
    """irate (per second, with reset) and idelta: from the last two samples only."""
    values, present = _blank(windows)
    for part in windows.parts:
        ends = _ends(part, 2)
        interval = ends.last_ms - ends.first_ms
        with np.errstate(all="ignore"):
            result = ends.last - ends.first
            if per_second:
                result = np.where(ends.last < ends.first, ends.last, result) / (interval / 1000)
        values[:, part.out], present[:, part.out] = result, (ends.count >= 2) & (interval != 0)
    return Frame(windows.labels, values, present)


def _blank(windows: Windows) -> tuple[Floats, Mask]:
    return np.full(windows.shape, np.nan), np.zeros(windows.shape, bool)


def _ends(part: Shared | Ragged, reach: int) -> Ends:
    """reach 1: the window's first sample is `first`; reach 2: the one before the last."""
    count = part.hi - part.lo
    usable = count >= 2
    last = np.where(usable, part.hi - 1, 0)
    first = np.where(usable, part.lo if reach == 1 else part.hi - 2, 0)
    if not len(part.times):
        nothing = np.full(part.lo.shape if part.lo.ndim == 2 else (len(part.lo), 1), np.nan)
        zero = nothing.astype(bool).astype(np.int64) * 0
        return Ends(zero, nothing, nothing, zero, zero)
    first_ms, last_ms = part.times[first], part.times[last]
    if isinstance(part, Shared):
        count, first_ms, last_ms = count[:, None], first_ms[:, None], last_ms[:, None]
    return Ends(count, part.values[first], part.values[last], first_ms, last_ms)


def _stretch(ends: Ends, result: Floats, windows: Windows, semantics: Semantics, counter: bool) -> Floats:
    sampled = (ends.last_ms - ends.first_ms) / 1000
    average = sampled / (ends.count - 1)
    to_start = (ends.first_ms - windows.starts[:, None]) / 1000
    to_end = (windows.ends[:, None] - ends.last_ms) / 1000
    limit = average * EXTRAPOLATION_LIMIT
    if semantics.clamps_after_threshold:
        to_start = np.where(to_start >= limit, average / 2, to_start)
        to_start = _not_below_zero(ends, result, sampled, to_start) if counter else to_start
    else:
        to_start = _not_below_zero(ends, result, sampled, to_start) if counter else to_start
        to_start = np.where(to_start < limit, to_start, average / 2)
    to_end = np.where(to_end < limit, to_end, average / 2)
    return np.asarray((sampled + to_start + to_end) / sampled)


def _not_below_zero(ends: Ends, result: Floats, sampled: Floats, to_start: Floats) -> Floats:
    """A counter began at zero: reaching further back than that would invent increase."""
    to_zero = sampled * (ends.first / result)
    return np.where((result > 0) & (ends.first >= 0) & (to_zero < to_start), to_zero, to_start)


def _reset_correction(part: Shared | Ragged) -> Floats | float:
    """What the counter had reached at each reset inside the window, added up in order of time."""
    before, after = part.values[:-1], part.values[1:]
    drops = after < before
    if not drops.any():
        return 0.0
    if isinstance(part, Shared):
        return _shared_correction(part, drops)
    return _ragged_correction(part, drops)


def _shared_correction(part: Shared, drops: Mask) -> Floats:
    steps, series = len(part.lo), part.values.shape[1]
    total = np.zeros(steps * series)
    at, column = np.nonzero(drops)
    first, past = part.hi.searchsorted(at + 2), part.lo.searchsorted(at, "right")
    covering = np.maximum(past - first, 0)
    chunk = np.cumsum(covering) // PAIRS
    for number in np.unique(chunk[covering > 0]).tolist():
        chosen = np.flatnonzero((chunk == number) & (covering > 0))
        copies = covering[chosen]
        within = np.arange(copies.sum()) - np.repeat(np.cumsum(copies) - copies, copies)
        cell = (np.repeat(first[chosen], copies) + within) * series + np.repeat(column[chosen], copies)
        lost = np.repeat(part.values[at[chosen], column[chosen]], copies)
        total += np.bincount(cell, weights=lost, minlength=len(total))
    return total.reshape(steps, series)


def _ragged_correction(part: Ragged, drops: Mask) -> Floats:
    total = np.zeros(part.lo.shape)
    events = np.flatnonzero(drops)
    first = events.searchsorted(part.lo)
    past = events.searchsorted(part.hi - 1)
    while (pending := first < past).any():
        total[pending] += part.values[events[first[pending]]]
        first = first + pending
    return total

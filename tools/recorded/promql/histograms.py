"""histogram_quantile and histogram_fraction over classic buckets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tools.recorded.promql.annotations import Annotations
from tools.recorded.promql.arrays import Floats, Ints, Mask
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.labelsets import LabelSets, group
from tools.recorded.promql.numbers import parse_number
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.vocabulary import Vocabulary

BOUND = "le"
SMALL_DELTA = 1e-12


@dataclass(frozen=True)
class Buckets:
    """Histograms with equal boundaries. A cell is one histogram at one step.

    bounds: (buckets,) ascending; counts: (buckets, cells) cumulative; cells: (cells,) flat positions in (steps,
    histograms).
    """

    bounds: Floats
    counts: Floats
    cells: Ints


def histogram_quantile(
    level: Floats, frame: Frame, semantics: Semantics, vocabulary: Vocabulary, annotations: Annotations
) -> Frame:
    """level: (steps,). One series for each set of labels other than `le`; metrics that differ by name alone clash."""
    forced: list[Ints] = []

    def solve(buckets: Buckets, steps: Ints) -> Floats:
        if annotations.enabled:
            forced.append(buckets.cells[_falling(buckets, level[steps])])
        return _quantile(level[steps], buckets, semantics)

    answer, labels = _per_histogram(frame, vocabulary, annotations, solve)
    if forced:
        annotations.judge_monotonicity(labels, np.concatenate(forced) % labels.size, vocabulary)
    return answer


def histogram_fraction(
    lower: Floats, upper: Floats, frame: Frame, vocabulary: Vocabulary, annotations: Annotations
) -> Frame:
    """The share of observations between two bounds (steps,), by linear interpolation inside a bucket."""

    def solve(buckets: Buckets, steps: Ints) -> Floats:
        return _fraction(lower[steps], upper[steps], buckets)

    return _per_histogram(frame, vocabulary, annotations, solve)[0]


def _per_histogram(
    frame: Frame, vocabulary: Vocabulary, annotations: Annotations, solve: Callable[[Buckets, Ints], Floats]
) -> tuple[Frame, LabelSets]:
    """The answers, and the histograms' labels with their metric names."""
    codes = frame.labels.column(BOUND)
    bound_of = {code: parse_number(vocabulary.text(code)) for code in np.unique(codes).tolist()}
    rows = np.flatnonzero(np.isin(codes, [code for code, bound in bound_of.items() if bound is not None]))
    annotations.judge_bounds(frame, rows, BOUND, vocabulary)
    bounds = np.array([bound_of[code] for code in codes[rows].tolist()], np.float64)
    labels = frame.labels.take(rows).without([BOUND])
    groups = group(labels)
    shape = (len(frame.values), groups.count)
    values, present = np.full(shape, np.nan), np.zeros(shape, bool)
    with np.errstate(all="ignore"):
        for buckets in _tables(frame.values[:, rows], frame.present[:, rows], bounds, groups.ids, groups.count):
            values.reshape(-1)[buckets.cells] = solve(buckets, buckets.cells // max(1, groups.count))
            present.reshape(-1)[buckets.cells] = True
    histograms = labels.take(groups.first)
    return Frame(histograms, values, present).nameless(), histograms


def _tables(values: Floats, present: Mask, bounds: Floats, ids: Ints, count: int) -> Iterator[Buckets]:
    """Histograms gathered by their set of boundaries, absent buckets left out, equal boundaries added up."""
    alike: dict[bytes, list[tuple[int, Ints]]] = {}
    order = np.lexsort((bounds, ids))
    starts = np.flatnonzero(np.diff(ids[order], prepend=-1))
    for rows in np.split(order, starts[1:]) if len(order) else []:
        alike.setdefault(bounds[rows].tobytes(), []).append((int(ids[rows[0]]), rows))
    for members in alike.values():
        numbers = np.array([number for number, _ in members])
        rows = np.stack([one for _, one in members])
        cells = (np.arange(len(values))[:, None] * count + numbers).reshape(-1)
        table = np.moveaxis(values[:, rows], 2, 0).reshape(rows.shape[1], -1)
        there = np.moveaxis(present[:, rows], 2, 0).reshape(rows.shape[1], -1)
        yield from _complete(bounds[rows[0]], table, there, cells)


def _complete(bounds: Floats, table: Floats, there: Mask, cells: Ints) -> Iterator[Buckets]:
    """Splits cells by which buckets are there, so that each table is full."""
    if there.all():
        yield _coalesced(bounds, table, cells)
        return
    patterns, which = np.unique(there, axis=1, return_inverse=True)
    for number, pattern in enumerate(patterns.T):
        if pattern.any():
            chosen = np.flatnonzero(which.reshape(-1) == number)
            yield _coalesced(bounds[pattern], table[np.ix_(pattern, chosen)], cells[chosen])


def _coalesced(bounds: Floats, counts: Floats, cells: Ints) -> Buckets:
    starts = np.flatnonzero(np.concatenate([[True], bounds[1:] != bounds[:-1]]))
    if len(starts) < len(bounds):
        counts, bounds = np.add.reduceat(counts, starts, axis=0), bounds[starts]
    return Buckets(bounds, counts, cells)


def _quantile(level: Floats, buckets: Buckets, semantics: Semantics) -> Floats:
    """Linear interpolation inside the bucket that holds the rank; the first bucket starts at 0 if it ends above."""
    bounds, last = buckets.bounds, len(buckets.bounds) - 1
    special = np.where(level < 0, -np.inf, np.where(level > 1, np.inf, np.nan))
    outside = np.isnan(level) | (level < 0) | (level > 1)
    if bounds[last] != np.inf or last < 1:
        return np.where(outside, special, np.nan)
    counts = _monotonic(buckets.counts, semantics)
    rank = level * counts[last]
    at = _first_reaching(counts[:last], rank)
    cell = np.arange(counts.shape[1])
    before = np.where(at > 0, counts[at - 1, cell], 0.0)
    start = np.where(at > 0, bounds[at - 1], 0.0)
    inside = start + (bounds[at] - start) * ((rank - before) / (counts[at, cell] - before))
    found = np.where((at == 0) & (bounds[0] <= 0), bounds[0], inside)
    found = np.where(at == last, bounds[last - 1], found)
    found = np.where(counts[last] == 0, np.nan, found)
    return np.where(outside, special, found)


def _first_reaching(counts: Floats, rank: Floats) -> Ints:
    """Binary search, for each cell, for the first bucket whose count reaches the rank; as Go's sort.Search does it, so
    that NaN counts lead to the same bucket."""
    low = np.zeros(len(rank), np.int64)
    high = np.full(len(rank), len(counts), np.int64)
    cell = np.arange(len(rank))
    while (open_ := low < high).any():
        middle = (low + high) // 2
        reached = counts[np.minimum(middle, len(counts) - 1), cell] >= rank
        high = np.where(open_ & reached, middle, high)
        low = np.where(open_ & ~reached, middle + 1, low)
    return low


def _monotonic(counts: Floats, semantics: Semantics) -> Floats:
    """Cumulative counts never fall; scrapes and sums of rates can make them seem to."""
    if not semantics.ignores_small_bucket_deltas and not np.isnan(counts).any():
        return np.asarray(np.maximum.accumulate(counts, axis=0))
    fixed = counts.copy()
    previous = fixed[0].copy()
    for current in fixed[1:]:
        lower = current < previous
        if semantics.ignores_small_bucket_deltas:
            difference = np.abs(current - previous)
            lower |= difference < SMALL_DELTA * (np.abs(current) + np.abs(previous))
        current[lower] = previous[lower]
        if semantics.ignores_small_bucket_deltas:
            previous = current.copy()
        else:
            previous = np.where(current > previous, current, previous)
    return np.asarray(fixed)


def _falling(buckets: Buckets, level: Floats) -> Mask:
    """(cells,): whether a quantile was looked for and counts fall by more than rounding."""
    counts = buckets.counts
    searched = (level >= 0) & (level <= 1) & (buckets.bounds[-1] == np.inf) & (len(buckets.bounds) > 1)
    before = np.maximum.accumulate(counts, axis=0)[:-1]
    fall = before - counts[1:] >= SMALL_DELTA * (np.abs(before) + np.abs(counts[1:]))
    return np.asarray(searched & ((counts[1:] < before) & fall).any(axis=0))


def _fraction(lower: Floats, upper: Floats, buckets: Buckets) -> Floats:
    bounds, counts = buckets.bounds, buckets.counts
    total = counts[-1]
    undefined = (bounds[-1] != np.inf) | (total == 0) | np.isnan(lower) | np.isnan(upper)
    share = (_rank_of(upper, bounds, counts) - _rank_of(lower, bounds, counts)) / total
    return np.where(undefined, np.nan, np.where(lower >= upper, 0.0, share))


def _rank_of(value: Floats, bounds: Floats, counts: Floats) -> Floats:
    """How many observations lie below `value`, (cells,)."""
    rank, settled = np.zeros(len(value)), np.zeros(len(value), bool)
    result = counts[-1].copy()
    start = 0.0 if bounds[0] > 0 else -np.inf
    for end, count in zip(bounds.tolist(), counts, strict=True):
        at_edge = ~settled & (start >= value)
        result = np.where(at_edge, rank, result)
        settled |= at_edge
        within = ~settled & (start < value) & (end > value)
        result = np.where(within, rank + (count - rank) * (value - start) / (end - start), result)
        settled |= within
        rank, start = count, end
    return np.asarray(np.minimum(result, counts[-1]))

"""Range vectors: for every step and series, a run of samples. Never copied out as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.recorded.promql.arrays import Floats, Ints
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.labelsets import LabelSets
from tools.recorded.promql.layout import Block, Layout, Pool, find
from tools.recorded.promql.moments import Budget, Moments
from tools.recorded.promql.selection import pieces, pooled
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.store import SeriesStore
from tools.recorded.promql.syntax import RangeSelector, Subquery


@dataclass(frozen=True)
class Shared:
    """Series with equal timestamps. times (samples,), values (samples, series); lo, hi (steps,) half-open."""

    times: Ints
    values: Floats
    lo: Ints
    hi: Ints
    out: Ints | slice


@dataclass(frozen=True)
class Ragged:
    """Series end to end. times, values (all samples,); lo, hi (steps, series) half-open positions."""

    times: Ints
    values: Floats
    lo: Ints
    hi: Ints
    out: Ints | slice


@dataclass(frozen=True)
class Windows:
    """starts, ends: (steps,) the edges of the range in ms; `out` of each part are its series' places in `labels`."""

    labels: LabelSets
    parts: tuple[Shared | Ragged, ...]
    moments: Moments
    starts: Ints
    ends: Ints
    range_ms: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.moments.count, self.labels.size


def select_range(
    store: SeriesStore, node: RangeSelector, moments: Moments, semantics: Semantics, budget: Budget
) -> Windows:
    """The windows of a range selector over stored samples without stale markers."""
    rows, labels = store.select(node.selector.matchers, semantics.dot_matches_newline)
    ends = moments.read_times(node.selector.offset_ms, node.selector.at)
    starts = ends - node.range_ms
    side = "right" if semantics.left_open else "left"
    layout = store.markerless
    parts: list[Shared | Ragged] = [
        _shared(block, columns, out, starts, ends, side) for block, columns, out in pieces(layout, rows)
    ]
    if (ragged := _ragged(layout, rows, starts, ends, side)) is not None:
        parts.append(ragged)
    budget.spend(moments.count * len(rows) + sum(_samples_read(part) for part in parts))
    return Windows(labels, tuple(parts), moments, starts, ends, node.range_ms)


def window_subquery(node: Subquery, inner: Frame, times: Ints, moments: Moments, semantics: Semantics) -> Windows:
    """The windows of a subquery over its evaluated steps; a series that misses steps gets timestamps of its own."""
    ends = moments.read_times(node.offset_ms, node.at)
    starts = ends - node.range_ms
    lo = times.searchsorted(starts, "right" if semantics.left_open else "left")
    hi = times.searchsorted(ends, "right")
    whole = inner.present.all(axis=0)
    parts: list[Shared | Ragged] = []
    if whole.any():
        out = np.flatnonzero(whole)
        parts.append(Shared(times, inner.values if whole.all() else inner.values[:, out], lo, hi, out))
    if not whole.all():
        parts.append(_gappy(inner, np.flatnonzero(~whole), times, lo, hi))
    return Windows(inner.labels, tuple(parts), moments, starts, ends, node.range_ms)


def _gappy(inner: Frame, out: Ints, times: Ints, lo: Ints, hi: Ints) -> Ragged:
    present = inner.present[:, out]
    series, step = np.nonzero(present.T)
    before = np.zeros((len(times) + 1, len(out)), np.int64)
    np.cumsum(present, axis=0, out=before[1:])
    first = np.concatenate([[0], np.cumsum(before[-1])[:-1]])
    return Ragged(times[step], inner.values[step, out[series]], before[lo] + first, before[hi] + first, out)


def _shared(block: Block, columns: Ints | slice, out: Ints | slice, starts: Ints, ends: Ints, side: str) -> Shared:
    lo = block.times.searchsorted(starts, "right" if side == "right" else "left")
    hi = block.times.searchsorted(ends, "right")
    first, last = (int(lo.min()), int(hi.max())) if len(lo) else (0, 0)
    last = max(first, last)
    return Shared(block.times[first:last], block.values[first:last, columns], lo - first, hi - first, out)


def _ragged(layout: Layout, rows: Ints, starts: Ints, ends: Ints, side: str) -> Ragged | None:
    members, out = pooled(layout, rows)
    if not len(members):
        return None
    pool: Pool = layout.pool
    return Ragged(pool.times, pool.values, find(pool, members, starts, side), find(pool, members, ends, "right"), out)


def _samples_read(part: Shared | Ragged) -> int:
    """Samples within the union of the windows, roughly: what the selector keeps in memory."""
    if isinstance(part, Shared):
        return part.values.size
    return int((part.hi.max(axis=0) - part.lo.min(axis=0)).clip(0).sum()) if part.lo.size else 0

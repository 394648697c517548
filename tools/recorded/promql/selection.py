"""Instant selectors: the newest sample within the lookback, at every step, for every selected series."""

from __future__ import annotations

import numpy as np

from tools.recorded.promql.arrays import Floats, Ints, Mask, is_stale
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.layout import Block, Layout, Pool, find
from tools.recorded.promql.moments import Budget, Moments
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.store import SeriesStore
from tools.recorded.promql.syntax import Selector


def select_instant(
    store: SeriesStore, selector: Selector, moments: Moments, semantics: Semantics, budget: Budget
) -> Frame:
    """The selector's values at every step."""
    return _look(store, selector, moments, semantics, budget, times=False)


def select_sample_times(
    store: SeriesStore, selector: Selector, moments: Moments, semantics: Semantics, budget: Budget
) -> Frame:
    """When each value of the selector was sampled, in seconds."""
    return _look(store, selector, moments, semantics, budget, times=True)


def _look(
    store: SeriesStore, selector: Selector, moments: Moments, semantics: Semantics, budget: Budget, *, times: bool
) -> Frame:
    rows, labels = store.select(selector.matchers, semantics.dot_matches_newline)
    shape = (moments.count, len(rows))
    budget.spend(shape[0] * shape[1])
    values, present = np.empty(shape), np.zeros(shape, bool)
    when = moments.read_times(selector.offset_ms, selector.at)
    oldest = when - semantics.lookback_ms + (1 if semantics.left_open else 0)
    for block, columns, out in pieces(store.layout, rows):
        found, fresh, stamps = _from_block(block, columns, when, oldest)
        values[:, out], present[:, out] = stamps / 1000 if times else found, fresh
    members, out = pooled(store.layout, rows)
    if len(members):
        found, fresh, stamps = _from_pool(store.layout.pool, members, when, oldest)
        values[:, out], present[:, out] = stamps / 1000 if times else found, fresh
    return Frame(labels, values, present)


def pieces(layout: Layout, rows: Ints) -> list[tuple[Block, Ints | slice, Ints | slice]]:
    """For each block that holds selected rows: the block, its columns, and their places among `rows`."""
    homes = layout.home[rows]
    found: list[tuple[Block, Ints | slice, Ints | slice]] = []
    for number in np.unique(homes[homes >= 0]).tolist():
        out = np.flatnonzero(homes == number)
        found.append((layout.blocks[number], _tight(layout.seat[rows[out]]), _tight(out)))
    return found


def pooled(layout: Layout, rows: Ints) -> tuple[Ints, Ints]:
    """The pool's members among `rows`, and their places there."""
    out = np.flatnonzero(layout.home[rows] < 0)
    return layout.seat[rows[out]], out


def _tight(index: Ints) -> Ints | slice:
    """A run of consecutive positions as a slice, which numpy copies faster or not at all."""
    first, last = int(index[0]), int(index[-1])
    return slice(first, last + 1) if last - first + 1 == len(index) and (np.diff(index) == 1).all() else index


def _from_block(block: Block, columns: Ints | slice, when: Ints, oldest: Ints) -> tuple[Floats, Mask, Ints]:
    if not len(block.times):
        return np.zeros((1, 1)), np.zeros((1, 1), bool), np.zeros((1, 1), np.int64)
    at = block.times.searchsorted(when, "right") - 1
    stamps = block.times[at]
    fresh = ((at >= 0) & (stamps >= oldest))[:, None]
    values = block.values[at[:, None], columns] if isinstance(columns, np.ndarray) else block.values[at, columns]
    present = fresh & ~is_stale(values) if block.stale else fresh
    return values, present, stamps[:, None]


def _from_pool(pool: Pool, members: Ints, when: Ints, oldest: Ints) -> tuple[Floats, Mask, Ints]:
    at = find(pool, members, when, "right") - 1
    known = at >= pool.bounds[members]
    if not len(pool.times):
        return np.zeros(at.shape), np.zeros(at.shape, bool), np.zeros(at.shape, np.int64)
    stamps, values = pool.times[at], pool.values[at]
    present = known & (stamps >= oldest[:, None])
    return values, present & ~is_stale(values) if pool.stale else present, stamps

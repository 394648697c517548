"""How samples lie in memory: series scraped together form a block, stragglers share a pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tools.recorded.promql.arrays import Floats, Ints, is_stale

BLOCK_SERIES = 12
"""From this many series with equal timestamps on, a two-dimensional block beats the flat pool."""


@dataclass(frozen=True)
class Block:
    """Series with equal timestamps. times: (samples,); values: (samples, series); rows: (series,) of the store."""

    times: Ints
    values: Floats
    rows: Ints
    stale: bool


@dataclass(frozen=True)
class Pool:
    """Series end to end. times, values: (all samples,); bounds: (series + 1,) where each begins; rows: (series,)."""

    times: Ints
    values: Floats
    bounds: Ints
    rows: Ints
    stale: bool


@dataclass(frozen=True)
class Layout:
    """All series of a store. home: (series,) each row's block, or -1 for the pool; seat: its column or pool number."""

    blocks: tuple[Block, ...]
    pool: Pool
    home: Ints
    seat: Ints


def arrange(times: Sequence[Ints], values: Sequence[Floats]) -> Layout:
    """Group series by equal timestamps; the same array object is recognised without comparing contents."""
    members: dict[int, list[int]] = {}
    by_content: dict[bytes, int] = {}
    by_object: dict[int, int] = {}
    for row, stamps in enumerate(times):
        key = by_object.get(id(stamps))
        if key is None:
            key = by_content.setdefault(stamps.tobytes(), len(by_content))
            by_object[id(stamps)] = key
        members.setdefault(key, []).append(row)
    home = np.full(len(times), -1, np.int64)
    seat = np.zeros(len(times), np.int64)
    blocks: list[Block] = []
    strays: list[int] = []
    for rows in members.values():
        if len(rows) < BLOCK_SERIES:
            strays.extend(rows)
            continue
        index = np.array(rows, np.int64)
        home[index], seat[index] = len(blocks), np.arange(len(rows))
        blocks.append(_block(index, times, values))
    stray_rows = np.array(sorted(strays), np.int64)
    seat[stray_rows] = np.arange(len(stray_rows))
    return Layout(tuple(blocks), _pool(stray_rows, times, values), home, seat)


def _block(rows: Ints, times: Sequence[Ints], values: Sequence[Floats]) -> Block:
    stamps = times[int(rows[0])]
    table = np.empty((len(stamps), len(rows)))
    for column, row in enumerate(rows.tolist()):
        table[:, column] = values[row]
    return Block(stamps, table, rows, bool(is_stale(table).any()))


def _pool(rows: Ints, times: Sequence[Ints], values: Sequence[Floats]) -> Pool:
    bounds = np.concatenate([[0], np.cumsum([len(times[row]) for row in rows.tolist()])]).astype(np.int64)
    flat_times = np.concatenate([np.empty(0, np.int64), *(times[row] for row in rows.tolist())])
    flat_values = np.concatenate([np.empty(0), *(values[row] for row in rows.tolist())])
    return Pool(flat_times, flat_values, bounds, rows, bool(is_stale(flat_values).any()))


def find(pool: Pool, members: Ints, moments: Ints, side: str) -> Ints:
    """searchsorted of `moments` (steps,) in each member's own times; positions in the flat arrays (steps, members)."""
    found = np.empty((len(moments), len(members)), np.int64)
    right = side == "right"
    for column, member in enumerate(members.tolist()):
        first = pool.bounds[member]
        own = pool.times[first : pool.bounds[member + 1]]
        found[:, column] = own.searchsorted(moments, "right" if right else "left") + first
    return found

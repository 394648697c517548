"""topk, bottomk and count_values: aggregations that keep or invent labels."""

from __future__ import annotations

import numpy as np

from config.errors import QueryError
from tools.recorded.promql.aggregation import group_labels
from tools.recorded.promql.arrays import Floats, Ints, Mask
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.numbers import plain_decimal
from tools.recorded.promql.vocabulary import Vocabulary


def rank(frame: Frame, limit: Floats, without: bool, names: tuple[str, ...], *, largest: bool) -> Frame:
    """The `limit` (steps,) largest or smallest rows of each group, labels kept; NaN is chosen last.

    At a single step the rows come in order of rank; of equal values the earlier series is kept.
    """
    wanted = _whole(limit)
    if not frame.labels.size:
        return frame
    _, groups = group_labels(frame.labels, without, names)
    merit = frame.values if largest else -frame.values
    chosen = np.zeros(frame.present.shape, bool)
    for _, rows in groups.by_size():
        flat = (-1, rows.shape[1])
        best = _best(merit[:, rows].reshape(flat), frame.present[:, rows].reshape(flat), np.repeat(wanted, len(rows)))
        chosen[:, rows] = best.reshape(len(chosen), *rows.shape)
    kept = np.flatnonzero(chosen.any(axis=0))
    if len(chosen) == 1:
        order = np.lexsort((-np.nan_to_num(merit[0, kept], nan=-np.inf), np.isnan(merit[0, kept]), groups.ids[kept]))
        kept = kept[order]
    return Frame(frame.labels.take(kept), frame.values[:, kept], chosen[:, kept])


def _whole(limit: Floats) -> Ints:
    """Limits as integers, fractions cut off."""
    if np.isnan(limit).any():
        raise QueryError("Parameter value is NaN: Scalar value NaN overflows int64")
    if (np.abs(limit) > 2.0**63).any():
        raise QueryError(f"Scalar value {limit[np.abs(limit) > 2.0**63][0]:g} overflows int64")
    return np.clip(np.trunc(limit), 0, 2**31).astype(np.int64)


def _best(merit: Floats, present: Mask, wanted: Ints) -> Mask:
    """(lists, rows): true for the best `wanted` (lists,) of each list."""
    number = present & ~np.isnan(merit)
    limit = np.minimum(wanted, present.sum(axis=1))
    if not limit.any():
        return np.zeros(present.shape, bool)
    worth = np.where(number, merit, -np.inf)
    width = worth.shape[1]
    bars = np.partition(worth, np.unique(np.clip(width - limit, 0, width - 1)), axis=1)
    bar = bars[np.arange(len(worth)), np.clip(width - limit, 0, width - 1)][:, None]
    above = number & (worth > bar)
    ties = number & (worth == bar)
    chosen = above | (ties & (np.cumsum(ties, axis=1) <= (limit - above.sum(axis=1))[:, None]))
    missing = limit - chosen.sum(axis=1)
    if (missing > 0).any():
        nans = present & ~number
        chosen |= nans & (np.cumsum(nans, axis=1) <= missing[:, None])
    chosen[limit < 1] = False
    return np.asarray(chosen)


def count_values(label: str, frame: Frame, without: bool, names: tuple[str, ...], vocabulary: Vocabulary) -> Frame:
    """How often each value occurs, in a label of that name; values spelled in plain decimals."""
    steps = len(frame.values)
    step, row = np.nonzero(frame.present)
    if not len(step):
        return Frame.empty(steps)
    distinct, spelling = np.unique(frame.values[step, row], return_inverse=True, equal_nan=True)
    zeros = np.signbit(frame.values[step, row]) & (frame.values[step, row] == 0)
    codes = np.array([vocabulary.code(plain_decimal(value)) for value in distinct.tolist()], np.int64)[spelling]
    if zeros.any():
        codes[zeros] = vocabulary.code("-0")
    _, first, inverse = np.unique(row * len(vocabulary) + codes, return_index=True, return_inverse=True)
    labels = frame.labels.take(row[first]).with_column(label, codes[first])
    grouping = names if without else (*names, label)
    kept, groups = group_labels(labels, without, grouping)
    counts = np.zeros((steps, groups.count))
    np.add.at(counts, (step, groups.ids[inverse.reshape(-1)]), 1.0)
    return Frame(kept.take(groups.first), counts, counts > 0)

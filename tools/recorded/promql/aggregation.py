"""sum, avg, min, max, count, group, stddev, stdvar, quantile: one row for each group of label sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.recorded.promql.arrays import Floats, Ints, Mask
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.labelsets import NAME, Groups, LabelSets, group
from tools.recorded.promql.quantiles import at_rank
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.summation import extracted_sum


@dataclass(frozen=True)
class Grouped:
    """Rows sorted by group. values, present: (steps, rows); starts: (groups,) where each group begins; count: (steps,
    groups) of present rows."""

    values: Floats
    present: Mask
    starts: Ints
    sizes: Ints
    count: Ints

    def total(self, values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, self.starts, axis=1))

    def spread(self, per_group: Floats) -> Floats:
        """(steps, groups) -> (steps, rows)."""
        return np.repeat(per_group, self.sizes, axis=1)


def group_labels(labels: LabelSets, without: bool, names: tuple[str, ...]) -> tuple[LabelSets, Groups]:
    """What the grouping leaves of each row's labels, and the groups it makes."""
    kept = labels.without([*names, NAME]) if without else labels.only(names)
    return kept, group(kept)


def aggregate(op: str, frame: Frame, without: bool, names: tuple[str, ...], semantics: Semantics) -> Frame:
    """One of the plain aggregations, for every step. A group is absent where none of its rows is present."""
    if not frame.labels.size:
        return frame
    kept, groups = group_labels(frame.labels, without, names)
    grouped = _gather(frame, groups)
    with np.errstate(all="ignore"):
        values = _OPS[op](grouped, semantics)
    return Frame(kept.take(groups.first), values, grouped.count > 0)


def aggregate_quantile(level: Floats, frame: Frame, without: bool, names: tuple[str, ...]) -> Frame:
    """quantile(level, ...); level: (steps,)."""
    kept, groups = group_labels(frame.labels, without, names)
    shape = (len(frame.values), groups.count)
    values, present = np.full(shape, np.nan), np.zeros(shape, bool)
    for numbers, rows in groups.by_size():
        members, there = np.moveaxis(frame.values[:, rows], 2, 0), np.moveaxis(frame.present[:, rows], 2, 0)
        ordered, count = _ordered(members, there)
        values[:, numbers] = at_rank(ordered, np.broadcast_to(level[:, None], count.shape), np.maximum(count, 1))
        present[:, numbers] = count > 0
    return Frame(kept.take(groups.first), values, present)


def _ordered(values: Floats, present: Mask) -> tuple[Floats, Ints]:
    """Over axis 0 of (rows, steps, groups): present values ascending, NaN first, absent last; how many are there."""
    missing = np.isnan(values)
    ranked = np.where(missing, -np.inf, values)
    ranked[~present] = np.inf
    ranked.sort(axis=0)
    nans = (missing & present).sum(axis=0)
    if nans.any():
        ranked[np.arange(len(ranked))[:, None, None] < nans] = np.nan
    return ranked, present.sum(axis=0)


def _gather(frame: Frame, groups: Groups) -> Grouped:
    values, present, ids = frame.values, frame.present, groups.ids
    if (np.diff(ids) < 0).any():
        order = np.argsort(ids, kind="stable")
        values, present, ids = values[:, order], present[:, order], ids[order]
    starts = np.flatnonzero(np.diff(ids, prepend=-1))
    sizes = np.diff(starts, append=len(ids))
    if present.all():
        count = np.broadcast_to(sizes, (len(values), len(sizes)))
    else:
        count = np.add.reduceat(present, starts, axis=1, dtype=np.int64)
    return Grouped(values, present, starts, sizes, count)


def _filled(grouped: Grouped, filler: float) -> Floats:
    return grouped.values if grouped.present.all() else np.where(grouped.present, grouped.values, filler)


def _sum(grouped: Grouped, semantics: Semantics) -> Floats:
    terms = _filled(grouped, 0.0)
    plain = grouped.total(terms)
    return _compensated(grouped, terms, plain) if semantics.compensated_sums else plain


def _compensated(grouped: Grouped, terms: Floats, plain: Floats) -> Floats:
    """The sum without cancellation, where groups mix signs."""
    lowest = np.minimum.reduceat(terms, grouped.starts, axis=1)
    highest = np.maximum.reduceat(terms, grouped.starts, axis=1)
    if not ((lowest < 0) & (highest > 0)).any():
        return plain
    summed = extracted_sum(
        terms,
        int(grouped.sizes.max()),
        total=grouped.total,
        spread=grouped.spread,
        largest=lambda rest: np.asarray(np.maximum.reduceat(np.abs(rest), grouped.starts, axis=1)),
    )
    return np.where(np.isfinite(summed), summed, plain)


def _avg(grouped: Grouped, semantics: Semantics) -> Floats:
    """The mean; a sum that overflows although every term is finite is divided before it is summed."""
    mean = _sum(grouped, semantics) / grouped.count
    if np.isinf(mean).any():
        shares = _filled(grouped, 0.0) / grouped.spread(np.maximum(grouped.count, 1))
        mean = np.where(np.isinf(mean), grouped.total(shares), mean)
    return np.asarray(mean)


def _variance(grouped: Grouped, semantics: Semantics) -> Floats:
    """Population variance, measured from a first value so that equal values give exactly 0."""
    anchor_row = np.where(grouped.present, np.arange(grouped.values.shape[1]), grouped.values.shape[1])
    first = np.minimum.reduceat(anchor_row, grouped.starts, axis=1).clip(max=grouped.values.shape[1] - 1)
    anchor = np.take_along_axis(grouped.values, first, axis=1)
    shifted = np.where(grouped.present, grouped.values - grouped.spread(anchor), 0.0)
    mean = grouped.total(shifted) / grouped.count
    deviation = np.where(grouped.present, shifted - grouped.spread(mean), 0.0)
    variance = grouped.total(deviation * deviation) / grouped.count
    if semantics.lone_infinity_has_no_deviation:
        variance = np.where(grouped.count == 1, 0.0, variance)
    return np.asarray(variance)


_OPS: dict[str, Callable[[Grouped, Semantics], Floats]] = {
    "sum": _sum,
    "avg": _avg,
    "min": lambda grouped, _: np.asarray(np.fmin.reduceat(_filled(grouped, np.nan), grouped.starts, axis=1)),
    "max": lambda grouped, _: np.asarray(np.fmax.reduceat(_filled(grouped, np.nan), grouped.starts, axis=1)),
    "count": lambda grouped, _: np.asarray(grouped.count.astype(np.float64)),
    "group": lambda grouped, _: np.ones(grouped.count.shape),
    "stdvar": _variance,
    "stddev": lambda grouped, semantics: np.asarray(np.sqrt(_variance(grouped, semantics))),
}

"""Operators between two vectors: who meets whom, and what the result is called."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from config.errors import QueryError
from tools.recorded.promql.arrays import Floats, Ints, Mask
from tools.recorded.promql.frame import Frame, clash
from tools.recorded.promql.labelsets import NAME, LabelSets, group, group_both
from tools.recorded.promql.scalars import compute, keeps_name
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.syntax import Binary, Matching

_Array = TypeVar("_Array", Floats, Mask)
_NOT_EXPLICIT = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"


def between_vectors(node: Binary, left: Frame, right: Frame, semantics: Semantics) -> Frame:
    """Arithmetic and comparison with one-to-one, many-to-one or one-to-many matching, for every step.

    Raises QueryError where a side that must be unique is not, as the server does, but like it only at steps where both
    sides have something.
    """
    steps = len(left.values)
    if not left.labels.size or not right.labels.size:
        return Frame.empty(steps)
    active = (left.inhabited & right.inhabited)[:, None]
    flipped = node.matching.many == "right"
    many, one = (right, left) if flipped else (left, right)
    many_ids, one_ids, count = _signatures(node.matching, many.labels, one.labels)
    if (clash(one.present, one_ids, count) & active).any():
        raise QueryError(_many_on_one_side("left" if flipped else "right"))
    many_row, one_row = _pairs(many_ids, one_ids, count)
    many_values, one_values = _columns(many.values, many_row), _columns(one.values, one_row)
    present = _columns(many.present, many_row) & _columns(one.present, one_row)
    sides = (one_values, many_values) if flipped else (many_values, one_values)
    values, holds = compute(node.op, *sides)
    matched = present
    if holds is not None and node.returns_bool:
        values = holds.astype(np.float64)
    elif holds is not None:
        present = present & holds
    met = many.labels.take(many_row)
    kept = met if keeps_name(node.op, semantics) else met.without([NAME])
    labels = _result_labels(node.matching, kept, one.labels, one_row)
    judged = present if semantics.filters_before_matching else matched
    _refuse_repeats(node.matching, judged, labels, many_ids[many_row], count)
    if node.returns_bool:
        labels = labels.without([NAME])
    return Frame(labels, values, present).merged()


def combine_sets(node: Binary, left: Frame, right: Frame) -> Frame:
    """and, or, unless: membership by matching labels, step by step; values and names stay as they were."""
    left_ids, right_ids, count = _signatures(node.matching, left.labels, right.labels)
    if node.op == "or":
        extra = right.present & ~_membership(left, left_ids, count)[:, right_ids]
        return _stacked(left, Frame(right.labels, right.values, extra)).merged()
    found = _membership(right, right_ids, count)[:, left_ids]
    kept = left.present & (found if node.op == "and" else ~found)
    return Frame(left.labels, left.values, kept).pruned()


def _signatures(matching: Matching, left: LabelSets, right: LabelSets) -> tuple[Ints, Ints, int]:
    if matching.on:
        return group_both(left.only(matching.labels), right.only(matching.labels))
    ignored = [*matching.labels, NAME]
    return group_both(left.without(ignored), right.without(ignored))


def _pairs(many_ids: Ints, one_ids: Ints, count: int) -> tuple[Ints, Ints]:
    """Rows of both sides with equal signatures. Several on the "one" side are possible, at different steps."""
    order = np.argsort(one_ids, kind="stable")
    size = np.bincount(one_ids, minlength=count)
    start = np.cumsum(size) - size
    copies = size[many_ids]
    many_row = np.repeat(np.arange(len(many_ids)), copies)
    within = np.arange(len(many_row)) - np.repeat(np.cumsum(copies) - copies, copies)
    return many_row, order[start[many_ids[many_row]] + within]


def _columns(array: _Array, rows: Ints) -> _Array:
    """The array's columns at `rows`; the array itself where that is all of them in order."""
    same = len(rows) == array.shape[1] and bool((rows == np.arange(len(rows))).all())
    return array if same else array[:, rows]


def _result_labels(matching: Matching, many: LabelSets, one: LabelSets, one_row: Ints) -> LabelSets:
    """Labels of the many side; one-to-one keeps the matched ones only; group_x brings its labels from the one side."""
    labels = many
    if matching.many is None:
        labels = labels.only(matching.labels) if matching.on else labels.without(matching.labels)
    for name in matching.include:
        labels = labels.with_column(name, one.column(name)[one_row])
    return labels


def _refuse_repeats(matching: Matching, present: Mask, labels: LabelSets, ids: Ints, count: int) -> None:
    if matching.many is None:
        if clash(present, ids, count).any():
            raise QueryError(_NOT_EXPLICIT)
        return
    targets = group(labels.with_column("", ids))
    if clash(present, targets.ids, targets.count).any():
        raise QueryError("multiple matches for labels: grouping labels must ensure unique matches")


def _membership(frame: Frame, ids: Ints, count: int) -> Mask:
    """(steps, signatures): whether any series of that signature is present."""
    found = np.zeros((len(frame.values), count), bool)
    if not len(ids):
        return found
    order = np.argsort(ids, kind="stable")
    starts = np.flatnonzero(np.diff(ids[order], prepend=-1))
    found[:, ids[order][starts]] = np.logical_or.reduceat(frame.present[:, order], starts, axis=1)
    return found


def _stacked(upper: Frame, lower: Frame) -> Frame:
    """Both frames' series in one frame."""
    lower = lower.pruned()
    names = dict.fromkeys([*upper.labels.columns, *lower.labels.columns])
    columns = {n: np.concatenate([upper.labels.column(n), lower.labels.column(n)]) for n in names}
    labels = LabelSets(upper.labels.size + lower.labels.size, columns)
    values = np.concatenate([upper.values, lower.values], axis=1)
    return Frame(labels, values, np.concatenate([upper.present, lower.present], axis=1))


def _many_on_one_side(side: str) -> str:
    return (
        f"found duplicate series for the match group on the {side} hand-side of the operation;"
        "many-to-many matching not allowed: matching labels must be unique on one side"
    )

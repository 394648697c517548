"""Walks the query's tree: each node becomes numbers for all steps at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np

from config.errors import QueryError
from tools.recorded.promql import elementwise
from tools.recorded.promql.absence import absence
from tools.recorded.promql.aggregation import aggregate, aggregate_quantile
from tools.recorded.promql.annotations import Annotations
from tools.recorded.promql.arrays import Floats, Mask
from tools.recorded.promql.calendar_fields import FIELDS
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.grammar import is_label_name
from tools.recorded.promql.histograms import histogram_fraction, histogram_quantile
from tools.recorded.promql.labelsets import NAME, LabelSets
from tools.recorded.promql.matching import between_vectors, combine_sets
from tools.recorded.promql.moments import Budget, Moments
from tools.recorded.promql.over_time import KERNELS, quantile_kernel
from tools.recorded.promql.ranking import count_values, rank
from tools.recorded.promql.rates import extrapolated, instantaneous
from tools.recorded.promql.reduction import reduce_windows
from tools.recorded.promql.relabelling import label_join, label_replace
from tools.recorded.promql.scalars import between_scalars, with_scalar
from tools.recorded.promql.selection import select_instant, select_sample_times
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.store import SeriesStore
from tools.recorded.promql.syntax import (
    Aggregate,
    Binary,
    Call,
    Negate,
    Node,
    Number,
    Paren,
    RangeSelector,
    Selector,
    Subquery,
    Text,
    bare,
)
from tools.recorded.promql.trends import deriv, predict_kernel, smoothing_kernel
from tools.recorded.promql.vocabulary import Vocabulary
from tools.recorded.promql.windows import Ragged, Shared, Windows, select_range, window_subquery

SET_OPERATORS = ("and", "or", "unless")
KEEPS_NAME = ("first_over_time", "last_over_time")


@dataclass(frozen=True)
class Evaluation:
    """One query over one store: the tree is walked with the steps it is to be evaluated at."""

    store: SeriesStore
    semantics: Semantics
    budget: Budget
    vocabulary: Vocabulary
    moments: Moments
    annotations: Annotations

    def vector(self, node: Node) -> Frame:
        """An instant-vector expression."""
        match node:
            case Paren(expr):
                return self.vector(expr)
            case Selector():
                return select_instant(self.store, node, self.moments, self.semantics, self.budget)
            case Negate(expr):
                frame = self.vector(expr)
                bare_frame = bare_names(frame.with_values(-frame.values))
                return bare_frame.distinct() if self.semantics.negates_whole_series else bare_frame.merged()
            case Aggregate():
                return self._aggregate(node)
            case Binary():
                return self._binary(node)
            case Call():
                return self._call(node)
            case Number() | Text() | RangeSelector() | Subquery():
                raise QueryError("expected an instant vector")
        assert_never(node)

    def scalar(self, node: Node) -> Floats:
        """A scalar expression: (steps,)."""
        match bare(node):
            case Number(value):
                return np.full(self.moments.count, value)
            case Negate(expr):
                return -self.scalar(expr)
            case Binary(op, left, right):
                return between_scalars(op, self.scalar(left), self.scalar(right))
            case Call("time"):
                return self.moments.times / 1000
            case Call("pi"):
                return np.full(self.moments.count, np.pi)
            case Call("scalar", (arg,)):
                return _sole_value(self.vector(arg))
        raise QueryError("expected a scalar")

    def windows(self, node: Node) -> Windows:
        """A range-vector expression."""
        node = bare(node)
        if isinstance(node, RangeSelector):
            return select_range(self.store, node, self.moments, self.semantics, self.budget)
        if isinstance(node, Subquery):
            inner = replace(self, moments=self.moments.inside(node, self.semantics, self.budget))
            frame = inner.vector(node.expr) if is_vector(node.expr) else inner.scalar_frame(node.expr)
            return window_subquery(node, frame.pruned(), inner.moments.times, self.moments, self.semantics)
        raise QueryError("expected a range vector")

    def scalar_frame(self, node: Node) -> Frame:
        values = self.scalar(node)[:, None]
        return Frame(LabelSets.bare(), values, np.ones(values.shape, bool))

    def _aggregate(self, node: Aggregate) -> Frame:
        if node.op == "count_values":
            label = text(node.param)
            if not is_label_name(label, self.semantics):
                raise QueryError(f"invalid label name {label!r}")
            return count_values(label, self.vector(node.expr), node.without, node.labels, self.vocabulary)
        param = None if node.param is None else self.scalar(node.param)
        frame = self.vector(node.expr).pruned()
        if param is None:
            return aggregate(node.op, frame, node.without, node.labels, self.semantics)
        if node.op == "quantile":
            self.annotations.judge_quantile(param, frame.inhabited)
            return aggregate_quantile(param, frame, node.without, node.labels)
        return rank(frame, param, node.without, node.labels, largest=node.op == "topk")

    def _binary(self, node: Binary) -> Frame:
        if not is_vector(node.left):
            scalar, frame = self.scalar(node.left), self.vector(node.right)
            return with_scalar(node, frame, scalar, self.semantics, scalar_left=True)
        left = self.vector(node.left)
        if not is_vector(node.right):
            scalar = self.scalar(node.right)
            return with_scalar(node, left, scalar, self.semantics, scalar_left=False)
        right = self.vector(node.right)
        if node.op in SET_OPERATORS:
            return combine_sets(node, left, right)
        return between_vectors(node, left, right, self.semantics)

    def _call(self, call: Call) -> Frame:
        if any(isinstance(bare(arg), RangeSelector | Subquery) for arg in call.args):
            return self._over_range(call)
        name, args = call.name, call.args
        if name in elementwise.PLAIN:
            return elementwise.plain(name, self.vector(args[0]))
        if name in FIELDS:
            frame = self.vector(args[0]) if args else self._now()
            return frame.with_values(FIELDS[name](frame.values).astype(np.float64)).nameless()
        match name:
            case "vector":
                return self.scalar_frame(args[0])
            case "absent":
                return absence(bare(args[0]), self.vector(args[0]).inhabited, self.vocabulary)
            case "timestamp":
                return self._timestamp(args[0])
            case "sort" | "sort_desc":
                return elementwise.sort(self.vector(args[0]), descending=name == "sort_desc")
            case "round":
                nearest = self.scalar(args[1]) if len(args) > 1 else np.ones(self.moments.count)
                return elementwise.round_to(self.vector(args[0]), nearest)
            case "clamp":
                return elementwise.clamp(self.vector(args[0]), self.scalar(args[1]), self.scalar(args[2]))
            case "clamp_min":
                return elementwise.clamp(self.vector(args[0]), self.scalar(args[1]), None)
            case "clamp_max":
                return elementwise.clamp(self.vector(args[0]), None, self.scalar(args[1]))
            case "label_replace" | "label_join":
                relabel = label_replace if name == "label_replace" else label_join
                texts = [text(arg) for arg in args[1:]]
                return relabel(self.vector(args[0]), texts, self.semantics, self.vocabulary)
            case "histogram_quantile":
                level, frame = self.scalar(args[0]), self.vector(args[1])
                self.annotations.judge_quantile(level, np.ones(self.moments.count, bool))
                return histogram_quantile(level, frame, self.semantics, self.vocabulary, self.annotations)
            case "histogram_fraction":
                lower, upper = self.scalar(args[0]), self.scalar(args[1])
                frame = self.vector(args[2])
                if not self.semantics.fraction_reads_classic_buckets:
                    return Frame.empty(self.moments.count)
                return histogram_fraction(lower, upper, frame, self.vocabulary, self.annotations)
        raise QueryError(f"unknown function with name {name!r}")

    def _over_range(self, call: Call) -> Frame:
        name = call.name
        place = next(i for i, arg in enumerate(call.args) if isinstance(bare(arg), RangeSelector | Subquery))
        params = [self.scalar(arg) for i, arg in enumerate(call.args) if i != place]
        windows = self.windows(call.args[place])
        if name == "absent_over_time":
            return absence(bare(call.args[place]), occupied(windows), self.vocabulary)
        frame = self._range_function(name, params, windows)
        if name in ("rate", "increase"):
            self.annotations.judge_counters(frame, self.vocabulary)
        named = frame if name in KEEPS_NAME else bare_names(frame)
        return named.distinct() if self.semantics.range_functions_refuse_whole_series else named.merged()

    def _range_function(self, name: str, params: list[Floats], windows: Windows) -> Frame:
        match name:
            case "rate" | "increase" | "delta":
                counter, per_second = name != "delta", name == "rate"
                return extrapolated(windows, self.semantics, counter=counter, per_second=per_second)
            case "irate" | "idelta":
                return instantaneous(windows, per_second=name == "irate")
            case "quantile_over_time":
                self.annotations.judge_quantile(params[0], occupied(windows))
                return reduce_windows(windows, quantile_kernel(params[0]))
            case "deriv":
                return reduce_windows(windows, deriv, at_least=2)
            case "predict_linear":
                return reduce_windows(windows, predict_kernel(self.moments.times, params[0]), at_least=2)
            case "double_exponential_smoothing":
                smooth = smoothing_kernel(params[0], params[1], occupied(windows))
                return reduce_windows(windows, smooth, at_least=2)
        if name in KERNELS:
            return reduce_windows(windows, KERNELS[name])
        raise QueryError(f"unknown function with name {name!r}")

    def _timestamp(self, arg: Node) -> Frame:
        """Of a selector, when each value was sampled; of anything else, the evaluation time."""
        inner = bare(arg)
        if isinstance(inner, Selector):
            return select_sample_times(self.store, inner, self.moments, self.semantics, self.budget).nameless()
        frame = self.vector(arg)
        now = np.broadcast_to(self.moments.times[:, None] / 1000, frame.values.shape)
        return frame.with_values(now.copy()).nameless()

    def _now(self) -> Frame:
        values = (self.moments.times / 1000)[:, None]
        return Frame(LabelSets.bare(), values, np.ones(values.shape, bool))


def is_vector(node: Node) -> bool:
    """Whether an expression yields an instant vector, rather than a scalar, string or range."""
    match node:
        case Paren(expr) | Negate(expr):
            return is_vector(expr)
        case Binary(_, left, right):
            return is_vector(left) or is_vector(right)
        case Call(name):
            return name not in ("time", "pi", "scalar")
    return isinstance(node, Selector | Aggregate)


def text(node: Node | None) -> str:
    literal = None if node is None else bare(node)
    if not isinstance(literal, Text):
        raise QueryError("expected a string literal")
    return literal.value


def occupied(windows: Windows) -> Mask:
    """(steps,): whether any window holds a sample."""
    found = np.zeros(windows.moments.count, bool)
    for part in windows.parts:
        if isinstance(part, Shared):
            found |= (part.hi > part.lo) & (part.values.shape[1] > 0)
        elif isinstance(part, Ragged):
            found |= (part.hi > part.lo).any(axis=1)
    return found


def bare_names(frame: Frame) -> Frame:
    """Without metric names; equal label sets are left for `distinct` to refuse."""
    return replace(frame, labels=frame.labels.without([NAME]))


def _sole_value(frame: Frame) -> Floats:
    """The value at steps with exactly one series, NaN elsewhere."""
    alone = frame.present.sum(axis=1) == 1
    if not frame.labels.size:
        return np.full(len(alone), np.nan)
    where = frame.present.argmax(axis=1)
    return np.where(alone, frame.values[np.arange(len(alone)), where], np.nan)

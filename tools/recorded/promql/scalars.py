"""Arithmetic and comparison on numbers, and operators between a vector and a scalar."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tools.recorded.promql.arrays import Floats, Mask
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.syntax import Binary

COMPARISONS: dict[str, Callable[[Floats, Floats], Mask]] = {
    "==": lambda a, b: np.equal(a, b),
    "!=": lambda a, b: np.not_equal(a, b),
    "<": lambda a, b: np.less(a, b),
    "<=": lambda a, b: np.less_equal(a, b),
    ">": lambda a, b: np.greater(a, b),
    ">=": lambda a, b: np.greater_equal(a, b),
}
ARITHMETIC: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": lambda a, b: np.add(a, b),
    "-": lambda a, b: np.subtract(a, b),
    "*": lambda a, b: np.multiply(a, b),
    "/": lambda a, b: np.divide(a, b),
    "%": lambda a, b: np.fmod(a, b),
    "^": lambda a, b: np.power(a, b),
    "atan2": lambda a, b: np.arctan2(a, b),
}


def keeps_name(op: str, semantics: Semantics) -> bool:
    """Comparisons filter, so the metric stays; arithmetic makes something new (atan2 forgot to drop it before 3.0)."""
    return op in COMPARISONS or (op == "atan2" and semantics.atan2_keeps_name)


def compute(op: str, left: Floats, right: Floats) -> tuple[Floats, Mask | None]:
    """An operator element by element: the values, and for comparisons where they hold (values are then the left's)."""
    with np.errstate(all="ignore"):
        if op in COMPARISONS:
            return left, COMPARISONS[op](left, right)
        return ARITHMETIC[op](left, right), None


def between_scalars(op: str, left: Floats, right: Floats) -> Floats:
    """Comparisons of scalars, always with `bool`, give 1 or 0."""
    values, holds = compute(op, left, right)
    return values if holds is None else holds.astype(np.float64)


def with_scalar(node: Binary, frame: Frame, scalar: Floats, semantics: Semantics, *, scalar_left: bool) -> Frame:
    """scalar: (steps,). A comparison keeps the vector's own values and names; arithmetic and `bool` drop the name."""
    column = scalar[:, None]
    left, right = (column, frame.values) if scalar_left else (frame.values, column)
    values, holds = compute(node.op, left, right)
    if holds is None:
        computed = frame.with_values(values)
        return computed if keeps_name(node.op, semantics) else computed.nameless()
    if node.returns_bool:
        return frame.with_values(holds.astype(np.float64)).nameless()
    return Frame(frame.labels, frame.values, frame.present & holds)

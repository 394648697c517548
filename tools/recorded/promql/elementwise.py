"""Functions that look at one value at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tools.recorded.promql.arrays import Floats
from tools.recorded.promql.frame import Frame

PLAIN: dict[str, Callable[[Floats], Floats]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "deg": lambda v: v * 180 / np.pi,
    "rad": lambda v: v * np.pi / 180,
    "sgn": lambda v: np.where(v < 0, -1.0, np.where(v > 0, 1.0, v)),
}


def plain(name: str, frame: Frame) -> Frame:
    with np.errstate(all="ignore"):
        return frame.with_values(PLAIN[name](frame.values)).nameless()


def clamp(frame: Frame, lowest: Floats | None, highest: Floats | None) -> Frame:
    """clamp, clamp_min, clamp_max; bounds (steps,). A NaN bound gives NaN; where bounds cross nothing is left."""
    values, present = frame.values, frame.present
    if highest is not None:
        values = np.minimum(values, highest[:, None])
    if lowest is not None:
        values = np.maximum(values, lowest[:, None])
    if lowest is not None and highest is not None:
        present = present & ~(lowest > highest)[:, None]
    return Frame(frame.labels, values, present).nameless()


def round_to(frame: Frame, nearest: Floats) -> Frame:
    """To the nearest multiple of `nearest` (steps,), halves upwards."""
    with np.errstate(all="ignore"):
        inverse = (1.0 / nearest)[:, None]
        return frame.with_values(np.floor(frame.values * inverse + 0.5) / inverse).nameless()


def sort(frame: Frame, *, descending: bool) -> Frame:
    """Orders the series of a single step by value, NaN last. Several steps have no one order and stay as they are."""
    if len(frame.values) != 1:
        return frame
    present = frame.pruned()
    value = present.values[0]
    key = -value if descending else value
    return present.take(np.lexsort((key, np.isnan(value))))

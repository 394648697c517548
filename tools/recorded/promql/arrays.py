"""Array types of the engine. Two-dimensional arrays are always (steps, series) unless a docstring says otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

STALE_BITS = 0x7FF0000000000002
"""The bit pattern of Prometheus' stale marker: one particular NaN, told from others by its bits only."""

STALE: np.float64 = np.array([STALE_BITS], dtype=np.uint64).view(np.float64)[0]


def is_stale(values: Floats) -> Mask:
    """True where a value is a stale marker, false for every other number and NaN."""
    return np.asarray(values.view(np.int64) == STALE_BITS)

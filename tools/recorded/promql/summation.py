"""Sums that lose no small term beside large ones of the other sign."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tools.recorded.promql.arrays import Floats

LEVELS = 3


def extracted_sum(terms: Floats, sizes: int, total: Callable[[Floats], Floats], spread: Callable[[Floats], Floats],
                  largest: Callable[[Floats], Floats]) -> Floats:  # fmt: skip
    """The sum as if carried out with several times the digits.

    Terms are split at a power of two into high parts, whose sum is exact, and low parts, which are split again (the
    extraction of Rump, Ogita and Oishi, Accurate floating-point summation, 2008). Servers use Neumaier's sum, which
    goes term by term; this goes by whole arrays and agrees where that is right.

    sizes: the most terms a sum has. total adds the terms of each sum, largest finds their greatest magnitude, spread
    repeats a number of each sum for its terms. Overflow gives infinities or NaN: the caller falls back.
    """
    parts = []
    for _ in range(LEVELS):
        _, exponent = np.frexp(largest(terms))
        splitter = spread(np.ldexp(1.0, np.minimum(exponent + sizes.bit_length() + 1, 1023)))
        high = (terms + splitter) - splitter
        parts.append(total(high))
        terms = terms - high
    summed = total(terms)
    for part in reversed(parts):
        summed = summed + part
    return summed

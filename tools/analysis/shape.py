"""Has a stretch like the last one been seen before? For series that repeat a shape, on time or not.

The distance of the last `width` samples to their nearest neighbour in the past (a discord is a stretch whose nearest
neighbour is far: Keogh, Lin and Fu 2005; the sliding products by FFT: Mueen's MASS), means removed, the scale kept: a
flat stretch is not blown up. Its limit comes from the distances of the past.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tools.analysis.period import dominant
from tools.analysis.robust import Floats
from tools.analysis.tails import Rules, upper_limit

WIDEST, NARROWEST = 400, 8
STRIDES = 8  # looks a width
ROUNDS = 8  # widths of past that are needed
REACH = 12_000  # samples back
LOOKS = 60  # distances of the past before anything is said


def nearest(values: Floats, width: int) -> float:
    """Root mean square distance, means removed, of the last `width` values (n,) to the nearest earlier stretch."""
    query = values[-width:] - values[-width:].mean()
    past = values[: -width][-REACH:]
    if past.size < 2 * width:
        return math.nan
    size = 1 << int(past.size + width - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(past, size) * np.fft.rfft(query[::-1], size), size)[width - 1 : past.size]
    sums = np.concatenate(([0.0], np.cumsum(past)))
    squares = np.concatenate(([0.0], np.cumsum(past * past)))
    mean = (sums[width:] - sums[:-width]) / width
    power = squares[width:] - squares[:-width] - width * mean * mean
    apart = float(query @ query) + power - 2 * product
    return math.sqrt(max(float(apart.min()), 0.0) / width)


class Shape:
    """Distances seen so far, each with the place of its sample."""

    def __init__(self) -> None:
        self.width, self.lag = 0, 0
        self.wait = 0
        self.places: list[int] = []
        self.distances: list[float] = []
        self.score = 0.0

    def fit(self, values: Floats, period: int) -> None:
        """Choose the width anew: the period, else the lag at which the series resembles itself."""
        self.lag = found = period or dominant(values)
        width = min(found, WIDEST) if found >= NARROWEST and values.size >= ROUNDS * found else 0
        alike = width and self.width and 0.8 <= width / self.width <= 1.25
        if width != self.width and not alike:
            self.width, self.places, self.distances, self.score = width, [], [], 0.0
            self._catch_up(values)

    def _catch_up(self, values: Floats) -> None:
        """Distances of the past, as they would have been, for the second half of it."""
        if not self.width:
            return
        stride = max(self.width // STRIDES, (values.size // 2) // (4 * LOOKS), 1)
        for end in range(values.size // 2, values.size + 1, stride):
            if (found := nearest(values[:end], self.width)) == found:
                self.places.append(end - 1)
                self.distances.append(found)

    def save(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))

    def restore(self, saved: Mapping[str, Any]) -> None:
        """What `save` gave. Raises KeyError or TypeError."""
        self.width, self.lag, self.wait = int(saved["width"]), int(saved["lag"]), int(saved["wait"])
        self.places, self.distances = [int(p) for p in saved["places"]], [float(d) for d in saved["distances"]]
        self.score = float(saved["score"])

    def forget(self, samples: int) -> None:
        """So many samples at the beginning of the past are gone."""
        kept = [(p - samples, d) for p, d in zip(self.places, self.distances, strict=True) if p >= samples]
        self.places, self.distances = [p for p, _ in kept], [d for _, d in kept]

    def look(self, values: Floats, told: Floats, *, rate: float) -> float:
        """How far the last stretch is from everything, 1 at the limit; the same between looks."""
        if not self.width:
            return 0.0
        self.wait -= 1
        if self.wait > 0:
            return self.score
        self.wait = max(self.width // STRIDES, 1)
        found = nearest(values, self.width)
        if found != found:
            return 0.0
        self.score = 0.0
        if len(self.distances) >= LOOKS:
            past, places = np.array(self.distances), np.array(self.places)
            limit = upper_limit(past, told[places], Rules(STRIDES, rate * self.wait))
            middle = float(np.median(past))
            self.score = (found - middle) / max(limit - middle, 1e-12)
        self.places.append(values.size - 1)
        self.distances.append(found)
        return self.score

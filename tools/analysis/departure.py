"""How far a stretch of many series departs from what stretches as long as it do in their baselines.

The median of k samples strays less than one sample does, and a series that leaps or drifts strays more than its spread
tells. So the scale is measured, not derived: the medians of baseline stretches of k columns, each overlapping the next
by half, say what k columns do when nothing is wrong (a block bootstrap without the drawing, cf. Künsch 1989).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tools.analysis.robust import MAD_TO_SIGMA, Floats, row_median, row_quantile

LEAST_STRETCHES = 4  # with fewer, what single samples do is the scale
LEAST_COLUMNS = 3
LEAST_RECENT = 2
TAIL = 0.9
TAIL_SIGMAS = 1.645  # nine in ten samples of a normal distribution lie within it
MEDIAN_ERROR = 1.2533  # the median of n samples has a standard error of 1.2533 sigma / sqrt(n)


@dataclass(frozen=True)
class Fineness:
    """How small a move counts. Chosen, not derived: `culprit eval public --thorough` says how little hangs on it."""

    steadier: float = 0.35  # levels of stretches are steadier than samples: so much of the relative floor will do
    peer: float = 0.003  # moves below this part of the metric's highest usual level anywhere matter to nobody


FINENESS = Fineness()


class Baseline:
    """Rows of samples from before, shape (m, b), nan where missing; floors of the scale, shape (m,).

    `recent`: how many columns at the end lie just before the incident where the rest is from another time. What had
    left the baseline by then did not begin with the incident: only what came on top counts, and that level is only as
    well known as its few samples allow.
    """

    def __init__(
        self, values: Floats, absolute: Floats, relative: Floats, *, recent: int = 0, fineness: Fineness = FINENESS
    ) -> None:
        self._values, self._absolute, self._relative = values, absolute, fineness.steadier * relative
        self._scales: dict[int, Floats] = {}
        with np.errstate(all="ignore"):
            self.level = row_median(values)
            away = np.abs(values - self.level[:, None])
            self._usual = MAD_TO_SIGMA * row_median(away)
            self._spread = np.fmax(self._usual, row_quantile(away, TAIL) / TAIL_SIGMAS)
        self._recent = values[:, -recent:] if recent else np.full((values.shape[0], 1), np.nan)

    def departure(self, stretch: Floats) -> tuple[Floats, Floats]:
        """(level, z) of a stretch of columns, shape (m, k) -> (m,) each; nan where either side has no sample."""
        with np.errstate(all="ignore"):
            now = row_median(stretch)
            floor = np.maximum(self._absolute, self._relative * np.fmax(np.abs(self.level), np.abs(now)))
            scale = np.fmax(self._scale(stretch.shape[1]), floor)
            z = (now - self.level) / scale
            count = np.isfinite(self._recent).sum(axis=1)
            part = np.clip((now - row_median(self._recent)) / (now - self.level), 0.0, 1.0)
            unsure = MEDIAN_ERROR * self._usual / np.sqrt(np.maximum(count, 1))
            came = z * part * scale / np.hypot(scale, unsure)
            return now, np.where((count >= LEAST_RECENT) & np.isfinite(part), came, z)

    def _scale(self, columns: int) -> Floats:
        if columns not in self._scales:
            medians = _stretch_medians(self._values, columns)
            away = np.abs(medians - self.level[:, None])
            scale = np.fmax(MAD_TO_SIGMA * row_median(away), row_quantile(away, TAIL) / TAIL_SIGMAS)
            enough = np.isfinite(away).sum(axis=1) >= LEAST_STRETCHES
            self._scales[columns] = np.where(enough, scale, self._spread)
        return self._scales[columns]


def _stretch_medians(values: Floats, columns: int) -> Floats:
    """Medians of stretches of so many columns, counted back from the end, each overlapping the next by half.

    One that holds less than half of the samples of the fullest counts as missing.
    """
    rows, width = values.shape
    parts = []
    for shift in (0, columns // 2) if columns > 1 else (0,):
        number = (width - shift) // columns
        if number > 0:
            part = values[:, width - shift - number * columns : width - shift].reshape(rows * number, columns)
            held = np.isfinite(part).sum(axis=1).reshape(rows, number)
            full = held * 2 >= np.maximum(held.max(axis=1, initial=1), 1)[:, None]
            parts.append(np.where(full, row_median(part).reshape(rows, number), np.nan))
    return np.concatenate(parts, axis=1) if parts else np.full((rows, 1), np.nan)


def stretches(columns: int) -> Iterator[tuple[int, int]]:
    """(start, stop) worth trying within an incident of so many columns, the whole first; a dozen at most.

    The alert says only roughly when it began, and some faults are over before anyone looks: stretches of all, three
    quarters and half of the columns that begin in its first half.
    """
    least = min(columns, max(LEAST_COLUMNS, (columns + 1) // 2))
    for length in sorted({columns, max(least, 3 * columns // 4), least}, reverse=True):
        step = max(1, (columns - length) // 3)
        for start in range(0, columns - length + 1, step):
            if start <= columns // 2:
                yield start, start + length


def weight(columns: int) -> float:
    """How much a stretch's sum of anomalies counts: the median of fewer samples strays further by chance."""
    return math.sqrt(columns)

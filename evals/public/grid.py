"""Puts a public case's samples on columns: baseline, then what came just before the incident, then the incident.

Counters become rates: what they count up to says nothing. Baselines of these sets lie on other days or after the
incident; what counts is which samples are to be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evals.public.folder import PublicCase, PublicSeries
from tools.analysis.robust import Floats
from tools.series_kinds import kind_of
from tools.windows import Grid

MAX_BASELINE = 3_000
LEAST_COUNTER = 5
RESETS = 0.05  # a counter that starts over more often than once in twenty samples is none


@dataclass(frozen=True)
class Columns:
    """`values`: row by row as `series`, shape (series, columns). The incident begins at `split`; the `recent` columns
    before it lie just before the incident and apart from the baseline."""

    series: tuple[PublicSeries, ...]
    values: Floats
    split: int
    recent: int

    @property
    def axis(self) -> Grid:
        """A regular axis for the question's own functions: one column a second; only the order means something."""
        return Grid(0, (self.values.shape[1] - 1) * 1000, 1000, self.split * 1000)


def columns(case: PublicCase) -> Columns:
    """All series with a component on shared columns, nan where one has no sample."""
    named = tuple(s for s in case.series if s.component)
    moments = np.unique(np.concatenate([s.ms for s in named])) if named else np.zeros(0, dtype=np.int64)
    onset, (start, end) = case.onset_ms, case.window
    inside = (moments >= onset) & (moments <= end)
    before = (moments >= start) & (moments < onset)
    base = _within(moments, case) & ~inside
    recent = before & ~base if case.baseline else np.zeros_like(before)
    order = np.concatenate([np.flatnonzero(base)[-MAX_BASELINE:], np.flatnonzero(recent), np.flatnonzero(inside)])
    place = np.full(moments.size, -1, dtype=np.int64)
    place[order] = np.arange(order.size)
    values = np.full((len(named), order.size), np.nan)
    for row, one in enumerate(named):
        at = place[np.searchsorted(moments, one.ms)]
        values[row, at[at >= 0]] = _rate(one)[at >= 0]
    split = int(order.size - inside.sum())
    return Columns(named, values, split, int(recent.sum()))


def _rate(series: PublicSeries) -> Floats:
    """The values, or what a counter grew by in a second, as long as the values; the first is nan.

    A counter by its name that seldom falls, and not merely constant: names alone are used for gauges too.
    """
    if not kind_of(series.metric).counter or series.values.size < LEAST_COUNTER:
        return series.values
    grown, seconds = np.diff(series.values), np.maximum(np.diff(series.ms), 1) / 1000
    told = grown[np.isfinite(grown)]
    if not told.size or (told < 0).mean() > RESETS or (told > 0).mean() < 0.5:
        return series.values
    return np.concatenate([[np.nan], np.where(grown < 0, np.nan, grown / seconds)])


def _within(moments: npt.NDArray[np.int64], case: PublicCase) -> npt.NDArray[np.bool_]:
    if not case.baseline:
        return moments < case.onset_ms
    found = np.zeros(moments.shape, dtype=bool)
    for start, end in case.baseline:
        found |= (moments >= start) & (moments <= end)
    return found

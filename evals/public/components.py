"""Components ranked as the analyst ranks them: the very functions of the question metrics.movers, on a public case."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evals.public.folder import PublicCase
from evals.public.grid import columns
from tools.analysis.ranking import anomaly
from tools.analysis.robust import Floats
from tools.findings import Subject
from tools.movers import Mover, ranked, scored, sees_others
from tools.series_kinds import kind_of

LEAST_AFTER = 3


def suspects(case: PublicCase) -> tuple[str, ...]:
    """Candidates, most suspect first; those nothing was seen of come last, by name."""
    return complete([s.name for s in ranked(moved(case), case.calls)], case)


def moved(case: PublicCase) -> list[Mover]:
    """The case's series with how far they moved, from the onset that makes the telemetry as a whole move most.

    The alert says only roughly when it began: samples between that guess and the onset would hide a short fault. Onsets
    up to half of the incident later are tried.
    """
    table = columns(case)
    movers = [_mover(s.component, s.metric, row) for s, row in zip(table.series, table.values, strict=True)]
    told = [m for m in movers if not m.kind.moot]
    after = table.values.shape[1] - table.split
    late = range(1 + max(0, min(after // 2, after - LEAST_AFTER)))
    tries = [scored([_without(m, table.split, n) for m in told], table.axis, table.recent) for n in late]
    weights = [math.sqrt(after - n) for n in late]  # the median of fewer samples strays further by chance
    best = max(late, key=lambda n: weights[n] * sum(anomaly(m.z) for m in tries[n]))
    return tries[best]


def _mover(component: str, metric: str, values: Floats) -> Mover:
    return Mover(metric, kind_of(metric), Subject(service=component), sees_others(metric), values)


def _without(mover: Mover, split: int, columns: int) -> Mover:
    """The mover without its first samples after the split."""
    values = mover.values.copy()
    values[split : split + columns] = np.nan
    return replace(mover, values=values)


def complete(order: Sequence[str], case: PublicCase) -> tuple[str, ...]:
    """The order without what is no candidate, and with every candidate at its end that is missing."""
    known = tuple(dict.fromkeys(n for n in order if not case.candidates or n in case.candidates))
    return known + tuple(sorted(set(case.candidates) - set(known)))

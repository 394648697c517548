"""Paired statistics for two runs of the same cases: who won where, and whether that could be chance.

McNemar's exact test (McNemar, 1947) looks at the cases the two runs disagree on; the bootstrap draws whole recordings
(Field and Welsh, 2007), because cases edited from one recording are not independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

RESAMPLES = 4_000
SEED = 20_261_121


@dataclass(frozen=True)
class Difference:
    """B minus A over `n` pairs of `clusters` recordings, with its 95 % interval."""

    mean: float
    low: float
    high: float
    n: int
    clusters: int

    @property
    def spans_zero(self) -> bool:
        return self.low <= 0.0 <= self.high

    def as_dict(self) -> dict[str, float | int]:
        return {"mean": round(self.mean, 4), "low": round(self.low, 4), "high": round(self.high, 4), "n": self.n,
                "recordings": self.clusters}


def paired_difference(pairs: Sequence[tuple[str, float, float]]) -> Difference:
    """`pairs` are (recording, a, b). With fewer than two recordings the interval is the widest one, -1..1."""
    if not pairs:
        return Difference(0.0, -1.0, 1.0, 0, 0)
    groups: dict[str, list[float]] = {}
    for recording, a, b in pairs:
        groups.setdefault(recording, []).append(b - a)
    ordered = [groups[k] for k in sorted(groups)]  # the order of the cases must not matter
    sums = np.array([sum(g) for g in ordered])
    counts = np.array([len(g) for g in ordered])
    mean = float(sums.sum() / counts.sum())
    if len(ordered) < 2:
        return Difference(mean, -1.0, 1.0, len(pairs), len(ordered))
    picks = np.random.default_rng(SEED).integers(0, len(ordered), size=(RESAMPLES, len(ordered)))
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Difference(mean, float(low), float(high), len(pairs), len(ordered))


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact p-value: the chance of so uneven a split of the discordant cases if neither run is better."""
    n = only_a + only_b
    if n == 0:
        return 1.0
    tail = sum(comb(n, k) for k in range(min(only_a, only_b) + 1)) / 2**n
    return float(min(1.0, 2 * tail))


def mean_by_case(rows: Sequence[tuple[str, str, float]]) -> Mapping[str, tuple[str, float]]:
    """(case, recording, value) -> case: (recording, mean over its repeats)."""
    values: dict[str, list[float]] = {}
    recordings: dict[str, str] = {}
    for case, recording, value in rows:
        values.setdefault(case, []).append(value)
        recordings[case] = recording
    return {case: (recordings[case], sum(v) / len(v)) for case, v in values.items()}

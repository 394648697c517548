"""What a run of cases says in numbers: mean, n and a 95 % interval clustered by recording, over all and per family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evals.scorers import CaseScores

RESAMPLES = 2_000
SEED = 20_261_121
LEVEL = 0.975


@dataclass(frozen=True)
class Rate:
    """A mean of `n` scores from `clusters` recordings with its interval."""

    mean: float
    n: int
    clusters: int
    low: float
    high: float

    def as_dict(self) -> dict[str, float | int]:
        return {"mean": round(self.mean, 4), "n": self.n, "recordings": self.clusters,
                "low": round(self.low, 4), "high": round(self.high, 4)}


def clustered_rate(values: Sequence[tuple[str, float]]) -> Rate:
    """Percentile bootstrap over whole recordings (Field and Welsh, 2007): cases cut from one are not independent.

    `values` are (recording, score). With fewer than two recordings the interval is the widest, 0..1. Where all agree
    (every score 1, or every one 0) a bootstrap has no width: then the exact bound for that many recordings holds.
    """
    groups: dict[str, list[float]] = {}
    for recording, value in values:
        groups.setdefault(recording, []).append(value)
    sums = np.array([sum(g) for g in groups.values()])
    counts = np.array([len(g) for g in groups.values()])
    mean = float(sums.sum() / counts.sum())
    if len(groups) < 2:
        return Rate(mean, len(values), len(groups), 0.0, 1.0)
    if mean in (0.0, 1.0):
        width = 1 - (1 - LEVEL) ** (1 / len(groups))  # Clopper and Pearson, 1934: none of n seen
        return Rate(mean, len(values), len(groups), max(0.0, mean - width), min(1.0, mean + width))
    picks = np.random.default_rng(SEED).integers(0, len(groups), size=(RESAMPLES, len(groups)))
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Rate(mean, len(values), len(groups), float(low), float(high))


def rates(results: Sequence[CaseScores]) -> dict[str, Rate]:
    """One rate per score name, over the cases it applies to."""
    names = sorted({name for r in results for name in r.scores})
    out: dict[str, Rate] = {}
    for name in names:
        values = [(r.recording, r.scores[name].value) for r in results if name in r.scores]
        known = [(recording, v) for recording, v in values if v is not None]
        if known:
            out[name] = clustered_rate(known)
    return out


def as_json(results: Sequence[CaseScores], *, model: str) -> dict[str, Any]:
    """The whole report, for scripts."""
    by_family = {f: rates([r for r in results if r.family == f]) for f in sorted({r.family for r in results})}
    return {
        "model": model, "n": len(results), "crashed": sum(bool(r.crash) for r in results),
        "summary": {k: v.as_dict() for k, v in rates(results).items()},
        "families": {f: {k: v.as_dict() for k, v in found.items()} for f, found in by_family.items()},
        "cases": [_case(r) for r in results],
    }


def _case(r: CaseScores) -> dict[str, Any]:
    scores: Mapping[str, Any] = {n: {"value": s.value, "reason": s.reason} for n, s in r.scores.items()}
    return {"case": r.case, "family": r.family, "recording": r.recording, "verdict": r.verdict, "said": r.said,
            "confidence": r.confidence, "crash": r.crash, "scores": scores, "facts": dict(r.facts)}

"""The rules people have without a watch: a static threshold, tuned with hindsight, and three sigma over a day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from evals.anomaly_scores import Raised, Scores, Stretch, score
from tools.analysis.robust import Floats

QUANTILES = (0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 1.0)
ROOM = (1.0, 1.2, 1.5, 2.0)
PERSIST = 2
Rule = Callable[[Floats], "np.ndarray[tuple[int], np.dtype[np.bool_]]"]


def tuned_static(
    train: Mapping[str, Floats], score_of: Callable[[Sequence[Raised]], Scores], *, persist: int = PERSIST
) -> tuple[float, float]:
    """(quantile, room) with the best F1 on `train`: each series has limits at its own two-sided quantile, widened."""
    best, chosen = -1.0, (QUANTILES[-1], ROOM[-1])
    for quantile in QUANTILES:
        for room in ROOM:
            found = score_of(static_alarms(train, limits_of(train, quantile, room), persist=persist)).f1
            if found > best:
                best, chosen = found, (quantile, room)
    return chosen


def limits_of(train: Mapping[str, Floats], quantile: float, room: float) -> dict[str, tuple[float, float]]:
    """(low, high) for each series."""
    out = {}
    for name, values in train.items():
        finite = values[np.isfinite(values)]
        middle = float(np.median(finite)) if finite.size else 0.0
        low, high = np.quantile(finite, [1 - quantile, quantile]) if finite.size else (0.0, 0.0)
        out[name] = (middle - room * (middle - float(low)), middle + room * (float(high) - middle))
    return out


def static_alarms(
    series: Mapping[str, Floats], limits: Mapping[str, tuple[float, float]], *, persist: int = PERSIST
) -> list[Raised]:
    """Alarms of series outside their limits for `persist` samples in a row; told again after they came back."""
    out: list[Raised] = []
    for name, values in series.items():
        low, high = limits[name]
        with np.errstate(invalid="ignore"):
            out += _starts((values < low) | (values > high), name, persist)
    return out


def three_sigma(series: Mapping[str, Floats], *, window: int, persist: int = PERSIST) -> list[Raised]:
    """|x - mean| > 3 sigma of the last `window` samples, for `persist` samples in a row."""
    out: list[Raised] = []
    for name, values in series.items():
        seen, known = np.nan_to_num(values), np.isfinite(values)
        sums = [np.concatenate(([0.0], np.cumsum(x))) for x in (seen, seen**2, known.astype(np.float64))]
        end = np.arange(values.size)
        start = np.maximum(end - window, 0)
        total, squares, count = (s[end] - s[start] for s in sums)
        mean = total / np.maximum(count, 1)
        sigma = np.sqrt(np.maximum(squares / np.maximum(count, 1) - mean**2, 0))
        with np.errstate(invalid="ignore"):
            over = known & (count >= min(window, 60)) & (np.abs(values - mean) > np.maximum(3 * sigma, 1e-12))
        out += _starts(over, name, persist)
    return out


def _starts(over: np.ndarray[tuple[int], np.dtype[np.bool_]], name: str, persist: int) -> list[Raised]:
    run = over.copy()
    for back in range(1, persist):
        run[back:] &= over[:-back]
        run[:back] = False
    began = run & ~np.concatenate(([False], run[:-1]))
    return [Raised(int(at), name) for at in np.flatnonzero(began)]


def plain(events: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """The same events, to be caught by any series: these rules know no kinds."""
    return tuple(Stretch(e.kind, e.start, e.end, frozenset(), e.excuses and frozenset({"memory/worker/worker-green"}))
                 for e in events)


def scorer(events: Sequence[Stretch], days: float) -> Callable[[Sequence[Raised]], Scores]:
    """Scores alarms against these events."""
    known = plain(events)
    return lambda raised: score(known, raised, days=days)

"""When did events become more frequent? One change of a Poisson rate, by maximum likelihood.

For a split at time t of n events in [start, end], with b events in the first part of length B and a in the second of
length A, the log-likelihood ratio against one constant rate is a ln((a/A)/(n/T)) + b ln((b/B)/(n/T)), T = A + B
(Akman and Raftery 1986 study the same statistic). Counting errors needs no guess of the onset, so none can spoil it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.analysis.robust import Floats

CLEAR = 6.0  # a ratio of e^6 for the best of the splits; with nothing before, three events in the last tenth pass
HEALED_GAPS = 6.0
SETTLED_MS = 60_000.0


@dataclass(frozen=True)
class Burst:
    """The first event of the higher rate (ms), rates per second on both sides, the log-likelihood ratio.

    `healed_ms` is the last event where the burst was over well before the end, else None.
    """

    at_ms: float
    before: float
    after: float
    score: float
    healed_ms: float | None = None


def burst(moments: Floats, start_ms: float, end_ms: float, *, clear: float = CLEAR) -> Burst | None:
    """The clearest rise of the rate of events (n,), in ms within [start, end]; None where there is none.

    A rise that ended again is found by its first event too, because the rate after the split is still the higher one.
    """
    at = np.sort(moments[(moments >= start_ms) & (moments <= end_ms)])
    n, whole = at.size, end_ms - start_ms
    if n < 2 or whole <= 0:
        return None
    before = np.arange(n, dtype=np.float64)
    after = n - before
    left = np.maximum(at - start_ms, 1.0)
    right = np.maximum(end_ms - at, _least_span(at, whole))
    rate = n / whole
    score = after * np.log(after / right / rate) + before * np.log(np.maximum(before, 1e-300) / left / rate)
    rises = (after / right > before / left) & (left >= 0.02 * whole)
    best = int(np.argmax(np.where(rises, score, -np.inf)))
    if not rises[best] or score[best] < clear:
        return None
    return Burst(float(at[best]), float(before[best] / left[best] * 1000), float(after[best] / right[best] * 1000),
                 float(score[best]), _healed(at[best:], end_ms))


def _least_span(at: Floats, whole: float) -> float:
    """One event at the very end is no infinite rate: the part after a split is at least a hundredth of the window."""
    return max(whole / 100, 1.0)


def _healed(inside: Floats, end_ms: float) -> float | None:
    quiet = end_ms - float(inside[-1])
    gaps = np.diff(inside)
    usual = float(np.quantile(gaps, 0.9)) if gaps.size else 0.0
    return float(inside[-1]) if quiet >= max(SETTLED_MS, HEALED_GAPS * usual) else None

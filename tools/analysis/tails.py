"""How far a number may go before its own past says that it never goes there.

Peaks over a threshold (Pickands 1975; Coles 2001, chapter 4; for streams Siffer et al. 2017): exceedances are grouped
into clusters, the excesses of their maxima fitted by a generalised Pareto distribution, and the limit is where `rate`
alarms a sample are due. With few clusters the limit is a multiple of what was seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tools.analysis.robust import MAD_TO_SIGMA, Floats

ENOUGH = 10  # clusters for a fit
A_CYCLE = 2.5  # clusters a cycle: if they are fewer they belong to the cycle, and one of them counts
AIM = 40  # exceedances, if a twentieth to a fiftieth of the past are so many
WIDEST, NARROWEST = 0.10, 0.02
LIGHTEST, HEAVIEST = -0.2, 0.4  # shape
UNSURE = 10  # excesses at which a shape is half believed
SIGMAS = 7.0  # with too few clusters
SEEN = 1.1  # times the farthest that was seen, its fiftieth part left out
CLEAR = 1.25  # times its limit: what was so far out when it was told is no part of ordinary life and teaches nothing,
EACH, SHARE = 150, 0.4  # unless there is more of it than one in so many samples, or such a share of all clusters


def clusters(values: Floats, threshold: float, gap: int, told: Floats) -> tuple[Floats, Floats]:
    """Maxima, and the highest `told`, of runs above the threshold; runs nearer than `gap` samples are one."""
    over = np.flatnonzero(values > threshold)
    if not over.size:
        return np.zeros(0), np.zeros(0)
    starts = np.flatnonzero(np.concatenate(([True], np.diff(over) > gap)))
    return np.maximum.reduceat(values[over], starts), np.maximum.reduceat(told[over], starts)


@dataclass(frozen=True)
class Rules:
    """`gap`: samples within which exceedances are one cluster; `cycle`: the same where they come once a cycle.

    `rate`: alarms a sample that are accepted; `few`: whether a handful of clusters may set a limit; `pardoned`: the
    largest share of clusters that may teach nothing.
    """

    gap: int
    rate: float
    few: bool = True
    cycle: int = 0
    pardoned: float = SHARE


def upper_limit(values: Floats, told: Floats, rules: Rules) -> float:
    """Where values (n,) are never expected, upwards; nan is left out. inf where nothing can be said.

    `told` (n,): by how many times their limit samples alarmed, 0 for those that did not.
    """
    finite = np.isfinite(values)
    seen, marked = values[finite], told[finite]
    if seen.size < 2 * ENOUGH:
        return math.inf
    middle = float(np.median(seen))
    share = min(max(AIM / seen.size, NARROWEST), WIDEST)
    threshold = float(np.quantile(seen, 1 - share))
    maxima, marks = clusters(seen, threshold, rules.gap, marked)
    if rules.cycle > rules.gap and maxima.size < A_CYCLE * seen.size / rules.cycle:
        maxima, marks = clusters(seen, threshold, rules.cycle, marked)
    kept = _without_told(maxima, marks, seen.size, rules.pardoned)
    spread = MAD_TO_SIGMA * float(np.median(np.abs(seen - middle)))
    if kept.size < ENOUGH:
        far = float(kept.max(initial=threshold)) - middle
        return middle + max(SIGMAS * spread, (1 + 2 / (1 + kept.size)) * far) if rules.few else math.inf
    excess = kept - threshold
    limit = threshold + _beyond(excess, kept.size / seen.size, rules.rate)
    rare = np.sort(kept)[-1 - kept.size // 50]
    return max(limit, middle + SEEN * (float(rare) - middle))


def _without_told(maxima: Floats, marks: Floats, samples: int, share: float) -> Floats:
    """The earliest clear ones are pardoned, so that what comes again and again is learned."""
    most = min(1 + samples // EACH, int(share * maxima.size))
    clear = marks >= CLEAR
    return maxima[~clear | (np.cumsum(clear) > most)]


def _beyond(excess: Floats, often: float, rate: float) -> float:
    """The excess that comes with `rate` a sample, where clusters come `often` a sample.

    Shape and scale by moments (Hosking and Wallis 1987): shape = (1 - mean² / variance) / 2 in Coles' sign.
    """
    mean, variance = float(excess.mean()), float(excess.var())
    if mean <= 0 or often <= rate:
        return max(mean, 0.0)
    found = 0.5 * (1 - mean * mean / variance) if variance > 0 else LIGHTEST
    shape = min(max(found * excess.size / (excess.size + UNSURE), LIGHTEST), HEAVIEST)
    scale = mean * (1 - shape) * (1 + 1 / math.sqrt(excess.size))  # by one standard error: few may have been small
    ratio = often / rate
    return scale * (math.log(ratio) if abs(shape) < 1e-3 else (ratio**shape - 1) / shape)

"""What is looked at in a series about which nothing is known: a few numbers a sample, each with an ordinary range.

`step`: how far the sample is from its prediction, relative to how far the last ones were. `place`: how far its value
is from any that was there before. `still`: how long the value stood still. `mean K`: how far the mean of the last K
samples (less the season) is from that of the 4 K before. `spread K`: how restless the last K samples were (logarithm of
their mean distance from prediction). A trend or a random walk moves in all of them as it always does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tools.analysis.robust import Floats

MEANS = (6, 24, 96)
BEFORE = 4  # times as many samples to compare with
SPREADS = (12, 48)
LOOKBACK = (1 + BEFORE) * max(MEANS) + 1
LOCAL = 32  # samples that say how far off predictions were lately
OWN = 0.5  # share of the whole past in that scale
CAP = 6.0  # scales: a wild sample counts no more in a mean of distances
HALF = 0.5  # of a window must be known
STILL = 0.02  # of the usual distance: no restlessness below counts
NEIGHBOUR = 3  # two earlier wild values do not make a third one usual
_WINDOWS = {**{f"mean {k}": k for k in MEANS}, **{f"spread {k}": k for k in SPREADS}}
WIDTH: Mapping[str, int] = {"step": 2, "place": 6, "still": 2, **_WINDOWS}
NEEDS: Mapping[str, int] = {  # samples of the past, before a view says anything
    "step": 30, "place": 120, "still": 60, **{name: 15 * k for name, k in _WINDOWS.items()}}


def rolling(values: Floats, width: int) -> Floats:
    """Mean of the known ones of the last `width` samples, (n,); nan where fewer than half are known."""
    known = np.isfinite(values)
    sums = np.concatenate(([0.0], np.cumsum(np.where(known, values, 0.0))))
    counts = np.concatenate(([0], np.cumsum(known)))
    out = np.full(values.size, np.nan)
    if values.size >= width:
        count = counts[width:] - counts[:-width]
        with np.errstate(invalid="ignore", divide="ignore"):
            out[width - 1 :] = np.where(count >= HALF * width, (sums[width:] - sums[:-width]) / count, np.nan)
    return out


def later(values: Floats, by: int) -> Floats:
    """Shifted to the right, nan in front."""
    out = np.full(values.size, np.nan)
    out[by:] = values[: max(values.size - by, 0)]
    return out


def look_at(residuals: Floats, adjusted: Floats, usual: float) -> dict[str, Floats]:
    """Every view of every sample, (n,) each; nan where it cannot be said.

    `residuals` (n,) from the prediction, `adjusted` (n,) the series less its season, `usual` the mean distance from
    prediction in the whole past.
    """
    size = np.minimum(np.abs(residuals), CAP * usual) if usual > 0 else np.abs(residuals)
    lately = later(rolling(size, LOCAL), 1)
    scale = OWN * usual + (1 - OWN) * np.where(np.isfinite(lately), lately, usual)
    out = {"step": residuals / np.maximum(scale, 1e-12)}
    for width in MEANS:
        out[f"mean {width}"] = rolling(adjusted, width) - later(rolling(adjusted, BEFORE * width), width)
    for width in SPREADS:
        out[f"spread {width}"] = np.log(np.maximum(rolling(size, width), max(STILL * usual, 1e-12)))
    return out


def look_at_last(residuals: Floats, adjusted: Floats, usual: float) -> dict[str, float]:
    """The last number of every view of `look_at`, from tails of LOOKBACK samples or fewer, several times faster."""
    tail = np.abs(residuals[-max(LOCAL + 1, *SPREADS) :])
    size = np.minimum(tail, CAP * usual) if usual > 0 else tail
    lately = last_mean(size[:-1], LOCAL)
    scale = OWN * usual + (1 - OWN) * (lately if lately == lately else usual)
    out = {"step": float(residuals[-1]) / max(scale, 1e-12)}
    for width in MEANS:
        out[f"mean {width}"] = last_mean(adjusted, width) - last_mean(adjusted[:-width], BEFORE * width)
    least = max(STILL * usual, 1e-12)
    for width in SPREADS:
        out[f"spread {width}"] = math.log(max(found, least)) if (found := last_mean(size, width)) == found else math.nan
    return out


def last_mean(values: Floats, width: int) -> float:
    """Mean of the known ones of the last `width`; nan where fewer than half are known or there are fewer samples."""
    if values.size < width:
        return math.nan
    part = values[-width:]
    total = float(np.add.reduce(part))
    if total == total:
        return total / width
    part = part[np.isfinite(part)]
    return float(part.mean()) if part.size >= HALF * width else math.nan


def farness(values: Floats, known: Floats) -> Floats:
    """How far each value (m,) is from the NEIGHBOUR-th nearest of the sorted `known` (k,); nan where k is too small."""
    if known.size < 2 * NEIGHBOUR:
        return np.full(values.size, np.nan)
    at = np.searchsorted(known, values)
    out = np.full(values.size, np.inf)
    for left in range(NEIGHBOUR + 1):  # so many of the nearest below, the rest above
        low, high = at - left, at + NEIGHBOUR - left - 1
        below = np.where(low >= 0, values - known[np.clip(low, 0, known.size - 1)], np.inf) if left else 0.0
        above = np.where(high < known.size, known[np.clip(high, 0, known.size - 1)] - values, np.inf) if (
            left < NEIGHBOUR) else 0.0
        out = np.fmin(out, np.maximum(below, above))
    return np.where(np.isfinite(values), out, np.nan)

"""When did a series change its level? An exact two-segment fit on ranks, repeated (binary segmentation).

Ranks make one wild sample count for no more than its place. For a split at k of n ranks r, the sum of squares between
the two parts is B(k) = n (S_k - k r̄)² / (k (n - k)), with S_k the sum of the first k; the best split maximises it
(least squares, Hawkins 1977; on ranks it is the Pettitt / Mann-Whitney family, Pettitt 1979). B over the variance of
the ranks is about chi-squared with one degree of freedom for a fixed k.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tools.analysis.robust import LEAST, Floats, Floor, mad_scale, median

Ints = npt.NDArray[np.int64]

MIN_SEGMENT = 3
CLEAR_STEP, NEAR = 6.0, 8
SPLIT_AT = 15.0  # the maximum of a chi-squared(1) over ~200 correlated splits exceeds 15 by chance about once in 200
STRETCH_AT = 22.0  # two free cuts instead of one: a higher bar for the same false alarms
STRETCHES = 120
MOVED = 4.0  # |z| from which a segment counts as another level
MAX_DEPTH = 3


@dataclass(frozen=True)
class Step:
    """A change of level. Indices into the series given; `healed` is the index where it came back, or None.

    `z` is (after - before) / max(MAD scale before, floor); levels are medians in the unit of the series.
    """

    at: int
    before: float
    after: float
    z: float
    healed: int | None = None


def ranks(values: Floats) -> Floats:
    """Average ranks 1..n of finite values, ties shared. Shape (n,) -> (n,)."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts).astype(np.float64)
    return np.asarray((last - (counts - 1) / 2.0)[place], dtype=np.float64)


def best_split(values: Floats, min_segment: int = MIN_SEGMENT) -> tuple[int, float]:
    """(k, B(k) / variance of the ranks) of the best split of finite values; (0, 0.0) when there is none."""
    n = values.size
    if n < 2 * min_segment:
        return 0, 0.0
    r = ranks(values)
    variance = float(np.var(r))
    if variance <= 0.0:
        return 0, 0.0
    k = np.arange(min_segment, n - min_segment + 1)
    sums = np.cumsum(r)[k - 1]
    between = n * (sums - k * r.mean()) ** 2 / (k * (n - k))
    best = int(np.argmax(between))
    return int(k[best]), float(between[best] / variance)


def best_stretch(values: Floats, min_segment: int = MIN_SEGMENT) -> tuple[int, int, float]:
    """(i, j, gain) of the stretch [i, j) that differs most from the rest: a blip that one split cannot see.

    The same statistic for two cuts (circular binary segmentation, Olshen et al. 2004), on a coarse raster of at most
    STRETCHES positions and then exactly around the best. (0, 0, 0.0) when there is none.
    """
    n = values.size
    r = ranks(values) if n else values
    variance = float(np.var(r)) if n else 0.0
    if n < 3 * min_segment or variance <= 0.0:
        return 0, 0, 0.0
    sums = np.concatenate([[0.0], np.cumsum(r - r.mean())])
    stride = -(-n // STRETCHES)
    edges = np.arange(min_segment, n - min_segment + 1, stride)
    i, j, _ = _stretch(sums, edges, edges, n, min_segment)
    near = np.arange(-stride, stride + 1)
    starts = np.clip(i + near, min_segment, n - min_segment)
    ends = np.clip(j + near, min_segment, n - min_segment)
    i, j, between = _stretch(sums, starts, ends, n, min_segment)
    return i, j, between / variance


def _stretch(sums: Floats, starts: Ints, ends: Ints, n: int, min_segment: int) -> tuple[int, int, float]:
    length = ends[None, :] - starts[:, None]
    valid = length >= min_segment
    inside = np.where(valid, length, 1).astype(np.float64)
    between = np.where(valid, n * (sums[ends][None, :] - sums[starts][:, None]) ** 2 / (inside * (n - inside)), -1.0)
    place = int(np.argmax(between))
    row, column = divmod(place, ends.size)
    return int(starts[row]), int(ends[column]), float(between[row, column])


def boundaries(values: Floats, min_segment: int = MIN_SEGMENT) -> tuple[int, ...]:
    """Starts of the segments after the first, ascending, by binary segmentation. Finite values, shape (n,)."""
    found: list[int] = []
    _divide(values, 0, values.size, min_segment, MAX_DEPTH, found)
    return tuple(sorted(found))


def _divide(values: Floats, start: int, end: int, min_segment: int, depth: int, found: list[int]) -> None:
    if depth == 0:
        return
    k, gain = best_split(values[start:end], min_segment)
    if gain < SPLIT_AT and not _plain_step(values[start:end], k):
        i, j, apart = best_stretch(values[start:end], min_segment)
        if apart >= STRETCH_AT:
            found += [start + i, start + j]
        return
    k = _dated(values[start:end], k, min_segment)
    found.append(start + k)
    _divide(values, start, start + k, min_segment, depth - 1, found)
    _divide(values, start + k, end, min_segment, depth - 1, found)


def _dated(values: Floats, k: int, min_segment: int) -> int:
    """A clear step's moment by its values: ranks give the order of mere noise beside it as much weight as the step.

    Least absolute deviations from the two sides' medians, near k; a step below 6 MAD scales stays where ranks put it.
    """
    before, after = median(values[:k]), median(values[k:])
    if abs(after - before) < CLEAR_STEP * max(mad_scale(values[:k]), mad_scale(values[k:]), LEAST):
        return k
    places = np.arange(max(min_segment, k - NEAR), min(values.size - min_segment, k + NEAR) + 1)
    gain = np.concatenate([[0.0], np.cumsum(np.abs(values - before) - np.abs(values - after))])
    return int(places[np.argmin(gain[places])])


def _plain_step(values: Floats, k: int) -> bool:
    """A short series that separates completely is a step too, though its rank statistic cannot reach SPLIT_AT."""
    if k < MIN_SEGMENT:
        return False
    left, right = values[:k], values[k:]
    apart = float(left.min() - right.max()), float(right.min() - left.max())
    if max(apart) <= 0:
        return False
    ramp = max(20 * mad_scale(left), 0.5 * abs(median(left)))  # what still climbs spreads by itself
    return max(apart) > 3 * max(mad_scale(left), mad_scale(right)) or (ramp > 0 and max(apart) > ramp)


def step(values: Floats, floor: Floor, *, baseline_end: int | None = None, smear: int = 0) -> Step | None:
    """The change of level that is still standing at the end of the series, else the largest one that healed.

    `values` (n,) may hold nan. The reference is the first segment, or values[:baseline_end] where given. `smear` is how
    many samples a window function (rate) spreads a step over: the start is walked back that far while values depart.
    None when nothing departs by MOVED.
    """
    index = np.flatnonzero(np.isfinite(values))
    finite = values[index]
    if finite.size < 2 * MIN_SEGMENT:
        return None
    cuts = (0, *boundaries(finite), finite.size)
    if len(cuts) == 2:
        return None
    reference = finite[: _reference_end(index, cuts, baseline_end)]
    level, scale = median(reference), mad_scale(reference)
    segments = [(a, b, median(finite[a:b])) for a, b in pairwise(cuts)]
    scores = [(now - level) / max(scale, floor.of(level, now)) for _, _, now in segments]
    span = _standing(scores) or _largest_healed(scores)
    if span is None:
        return None
    first, last = span
    a, b = segments[first][0], segments[last][1]
    after = median(finite[a:b])
    z = (after - level) / max(scale, floor.of(level, after))
    start = _walk_back(finite, a, level, np.sign(z) * 3 * max(scale, floor.of(level)), smear)
    return Step(int(index[start]), level, after, float(z), int(index[b]) if last + 1 < len(segments) else None)


def _reference_end(index: Ints, cuts: tuple[int, ...], baseline_end: int | None) -> int:
    if baseline_end is None:
        return cuts[1]
    inside = int(np.searchsorted(index, baseline_end))
    return inside if inside >= MIN_SEGMENT else cuts[1]


def _standing(scores: list[float]) -> tuple[int, int] | None:
    """The run of segments at the end that departs in the last one's direction."""
    if abs(scores[-1]) < MOVED:
        return None
    sign, first = np.sign(scores[-1]), len(scores) - 1
    while first > 0 and scores[first - 1] * sign >= MOVED:
        first -= 1
    return first, len(scores) - 1


def _largest_healed(scores: list[float]) -> tuple[int, int] | None:
    best = int(np.argmax(np.abs(scores)))
    return (best, best) if abs(scores[best]) >= MOVED else None


def _walk_back(values: Floats, at: int, level: float, threshold: float, smear: int) -> int:
    start = at
    while start > 0 and at - start < smear and (values[start - 1] - level) * np.sign(threshold) > abs(threshold):
        start -= 1
    return start


def consensus(moments: Ints, weights: Floats, width_ms: int) -> tuple[int, float] | None:
    """The earliest moment of the heaviest window of `width_ms`: (ms, share of all weight). None without moments.

    `moments` (n,) in ms, `weights` (n,) >= 0. The first moments of a window are its onset only when they carry weight:
    the answer is where a tenth of the window's weight has come in.
    """
    if moments.size == 0 or float(weights.sum()) <= 0:
        return None
    order = np.argsort(moments, kind="stable")
    at, weight = moments[order], weights[order]
    ends = np.searchsorted(at, at + width_ms, side="right")
    total = np.concatenate([[0.0], np.cumsum(weight)])
    sums = total[ends] - total[np.arange(at.size)]
    first = int(np.argmax(sums))
    inside = np.cumsum(weight[first : ends[first]])
    start = first + int(np.searchsorted(inside, 0.1 * inside[-1]))
    return int(at[start]), float(sums[first] / weight.sum())

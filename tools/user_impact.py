"""Did a user-visible series get worse? The upper tail is looked at: half of the requests being slow moves no median."""

from __future__ import annotations

import numpy as np

from tools.analysis.onset import MIN_SEGMENT, best_split
from tools.analysis.robust import Floats, floor_of, mad_scale, median
from tools.findings import Finding
from tools.indicators import Indicator
from tools.windows import Grid
from tools.wording import sig

TAIL = 0.9
SLOWER = 1.3
SETTLED_MS = 60_000
LEAST_FAILURES = 2


def impact_of(indicator: Indicator, axis: Grid) -> list[Finding]:
    """user_latency_up or user_errors_up of one series, or nothing."""
    if indicator.kind == "latency":
        return _slower(indicator, axis)
    return _failing(indicator, axis)


def _reference(values: Floats, axis: Grid) -> Floats:
    """Finite values before the onset guess, but of the first half at most: the guess may be late."""
    cut = min(axis.split, values.size // 2) if axis.split >= 2 * MIN_SEGMENT else values.size // 2
    return values[:cut][np.isfinite(values[:cut])]


def _slower(indicator: Indicator, axis: Grid) -> list[Finding]:
    values, reference = indicator.values, _reference(indicator.values, axis)
    index = np.flatnonzero(np.isfinite(values))
    if reference.size < MIN_SEGMENT or index.size < 2 * MIN_SEGMENT:
        return []
    floor = floor_of("latency").of(median(reference))
    limit = max(float(np.quantile(reference, 0.95)) * 1.1, median(reference) + 4 * max(mad_scale(reference), floor))
    slow = (values[index] > limit).astype(np.float64)
    span = _span(slow)
    if span is None:
        return []
    first, last = span
    inside = values[index][first:last]
    now, before = float(np.quantile(inside, TAIL)), float(np.quantile(reference, TAIL))
    ratio = now / max(before, 1e-9)
    if ratio < SLOWER:
        return []
    healed = int(axis.ms[index[last]]) if last < index.size and _long_since(axis, int(index[last])) else None
    strength = min(1.0, (ratio - 1) / 2) * (0.5 if healed else 1.0)
    extra = {"ratio": sig(ratio, 3), "share_slow": sig(float(slow[first:last].mean()), 3)}
    if healed:
        extra |= {"healed": True, "healed_ms": healed}
    return [
        Finding(
            "user_latency_up",
            indicator.subject,
            strength,
            sig(now),
            sig(before),
            "up",
            int(axis.ms[index[first]]),
            extra=extra,
        )
    ]


def _span(marks: Floats) -> tuple[int, int] | None:
    """[first, end) of the stretch where marks (0 or 1) are frequent; None where they are not. Shape (n,)."""
    if marks.sum() < MIN_SEGMENT:
        return None
    k, gain = best_split(marks)
    if gain < 10.0 and marks.mean() < 0.5:
        return None
    if marks[k:].mean() >= marks[:k].mean():
        start, end = k, marks.size
        tail_k, tail_gain = best_split(marks[start:])
        if tail_gain >= 10.0 and marks[start + tail_k :].mean() < 0.1:
            end = start + tail_k
    else:  # it began early and healed: look for its start before k
        start, _ = best_split(marks[:k]) if k >= 2 * MIN_SEGMENT else (0, 0.0)
        end = k
    hits = np.flatnonzero(marks[start:end])
    return (start + int(hits[0]), end) if hits.size >= MIN_SEGMENT else None


def _long_since(axis: Grid, index: int) -> bool:
    return axis.end_ms - int(axis.ms[index]) >= SETTLED_MS


def _failing(indicator: Indicator, axis: Grid) -> list[Finding]:
    """Success falls, or errors per second rise. The share of failures is 1 - mean success."""
    values = indicator.values
    finite = np.isfinite(values)
    failed = np.where(finite, 1.0 - values if indicator.kind == "success" else values, 0.0)
    reference = _reference(np.where(finite, failed, np.nan), axis)
    if reference.size < MIN_SEGMENT:
        return []
    usual, wobble = float(reference.mean()), floor_of("errors").of(float(reference.mean()))
    bad = (failed > usual + max(3 * mad_scale(reference), wobble)).astype(np.float64)
    hits = np.flatnonzero(bad)
    late = hits[hits >= reference.size]
    if late.size < LEAST_FAILURES:
        return []
    first, last = int(late[0]), int(late[-1])
    after = failed[first:][finite[first:]]
    share = float(after.mean())
    healed = axis.end_ms - int(axis.ms[last]) >= SETTLED_MS
    if share - usual < 0.02:
        return []
    extra: dict[str, object] = {"readings": int(late.size)}
    if healed:
        extra |= {"healed": True, "healed_ms": int(axis.ms[last])}
    strength = min(1.0, (share - usual) / 0.1) * (0.5 if healed else 1.0)
    return [
        Finding(
            "user_errors_up",
            indicator.subject,
            strength,
            sig(share),
            sig(usual),
            "up",
            int(axis.ms[first]),
            extra=extra,
        )
    ]

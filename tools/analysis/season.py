"""What is usual at this hour: a profile of hour of day x weekday or weekend for many series at once.

Bucket means are read by linear interpolation between bucket centres, so a slope within an hour is no surprise. A
bucket's first visit is a plain mean; later ones move it by clipped steps with a memory of `MEMORY` visits, so that one
bad day cannot teach it much. What peaks within its hour on two visits (a nightly job) is remembered as that hour's
usual peak, though it was no mean. Constant memory: 48 buckets x 5 columns of float32 per series.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

HOUR_MS = 3_600_000
BUCKETS = 48
MEMORY = 5.0  # visits
READY = 0.75  # of a visit, before a bucket is believed
CLIP = 3.0  # scales; Huber's bound for one step
MEAN_TO_SIGMA = 1.2533  # sqrt(pi / 2): mean absolute deviation -> sigma of a normal distribution


@dataclass(frozen=True)
class Usual:
    """Per series, shape (n,): level, spread (sigma), what this hour peaks at, and whether it is known at all."""

    level: Rows
    spread: Rows
    peak: Rows
    known: Mask


class Season:
    """`samples`: how many samples make one visit of a bucket (an hour's worth, at least one)."""

    def __init__(self, rows: int, *, samples: float, offset_ms: int = 0) -> None:
        self._samples, self._offset = max(samples, 1.0), offset_ms
        self.level = np.zeros((rows, BUCKETS), np.float32)
        self.spread = np.zeros((rows, BUCKETS), np.float32)
        self.visits = np.zeros((rows, BUCKETS), np.float32)
        self.last_peak = np.full((rows, BUCKETS), -np.inf, np.float32)
        self.usual_peak = np.full((rows, BUCKETS), -np.inf, np.float32)
        self._ready = np.zeros((rows, BUCKETS), np.bool_)
        self._peak = np.full(rows, -np.inf, np.float32)
        self._hour, self._bucket = -1, 0

    def bucket(self, at_ms: int) -> int:
        """Hour of day, plus 24 at weekends (days of the week count from Thursday 1970-01-01)."""
        hour = (at_ms + self._offset) // HOUR_MS
        weekend = (hour // 24 + 3) % 7 >= 5
        return int(hour % 24 + 24 * weekend)

    def read(self, at_ms: int) -> Usual:
        """Interpolated between the two nearest bucket centres; a neighbour not yet known is left out."""
        hour = (at_ms + self._offset) // HOUR_MS
        if hour != self._hour:  # what is being learned this hour is not believed this hour
            self._close_hour()
            self._hour, self._bucket, self._ready = int(hour), self.bucket(at_ms), self.visits >= READY
        own = self._bucket
        before = (at_ms - HOUR_MS // 2) // HOUR_MS * HOUR_MS
        weight = (at_ms - HOUR_MS // 2 - before) / HOUR_MS
        left, right = self.bucket(before), self.bucket(before + HOUR_MS)
        other, part = (left, 1 - weight) if own == right else (right, weight)
        both = np.where(self._ready[:, other], np.float32(part), np.float32(0))
        level = self.level[:, own] * (1 - both) + self.level[:, other] * both
        trust = 1 + 0.5 / np.maximum(self.visits[:, own], 1)
        peak = np.maximum(self.usual_peak[:, own], self.usual_peak[:, other])
        spread = (self.spread[:, own] * trust).astype(np.float32)
        return Usual(level.astype(np.float32), spread, peak, self._ready[:, own].copy())

    def _close_hour(self) -> None:
        """What this hour peaked at now and the last time is its usual peak."""
        seen, own = np.isfinite(self._peak), self._bucket
        both = np.minimum(self._peak, self.last_peak[:, own])
        self.usual_peak[seen, own] = both[seen]
        self.last_peak[seen, own] = self._peak[seen]
        self._peak[:] = -np.inf

    def note(self, values: Rows) -> None:
        """Every value counts for the peak of its hour, those that alarm too; nan does not."""
        self._peak = np.fmax(self._peak, values).astype(np.float32)

    def learn(self, at_ms: int, values: Rows, usual: Usual, scale: Rows, mask: Mask) -> None:
        """Move this hour's bucket of the masked series towards what was seen."""
        own = self.bucket(at_ms)
        gain = 1 / (self._samples * np.clip(self.visits[:, own] + 1 / self._samples, 1 / self._samples, MEMORY))
        bound = CLIP * np.maximum(scale, usual.spread)
        away = np.where(usual.known, np.clip(values - usual.level, -bound, bound), values - self.level[:, own])
        first = self.visits[:, own] == 0
        size = np.where(first, scale, MEAN_TO_SIGMA * np.abs(away))
        self.level[mask, own] += (gain * away)[mask]
        self.spread[mask, own] += (gain * (size - self.spread[:, own]))[mask]
        self.visits[mask, own] += np.float32(1 / self._samples)

    def doubt(self, mask: Mask) -> None:
        """The masked series found a new level: what was learned counts as one visit, and is soon replaced."""
        self.visits[mask] = np.minimum(self.visits[mask], 1.0)

    def grow(self, rows: int) -> None:
        """Make room for `rows` series."""
        more = rows - self.level.shape[0]
        if more > 0:
            for name in ("level", "spread", "visits"):
                setattr(self, name, np.vstack([getattr(self, name), np.zeros((more, BUCKETS), np.float32)]))
            for name in ("last_peak", "usual_peak"):
                fresh = np.full((more, BUCKETS), -np.inf, np.float32)
                setattr(self, name, np.vstack([getattr(self, name), fresh]))
            self._ready = np.vstack([self._ready, np.zeros((more, BUCKETS), np.bool_)])
            self._peak = np.concatenate([self._peak, np.full(more, -np.inf, np.float32)])

    def clear(self, row: int) -> None:
        """Forget one series."""
        for part in (self.level, self.spread, self.visits):
            part[row] = 0
        self.last_peak[row] = self.usual_peak[row] = self._peak[row] = -np.inf
        self._ready[row] = False

"""What is usual at this hour: a profile of hour of day x weekday or weekend for many series at once.

Bucket means are read by linear interpolation between bucket centres, so a slope within an hour is no surprise. A
bucket's first visit is a plain mean; later ones move it by clipped steps with a memory of `MEMORY` visits, so that one
bad day cannot teach it much. How high and how low an hour went on two visits running (a nightly job, a switch of
shifts) is remembered as its usual peak and trough, though it was no mean. Constant memory: 48 buckets x 7 columns of
float32 per series.
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
    """Per series, shape (n,): level, spread (sigma), this hour's peak and trough, and whether it is known at all."""

    level: Rows
    spread: Rows
    peak: Rows
    trough: Rows
    known: Mask


class Season:
    """`samples`: how many samples make one visit of a bucket (an hour's worth, at least one)."""

    def __init__(self, rows: int, *, samples: float, offset_ms: int = 0) -> None:
        self._samples, self._offset = max(samples, 1.0), offset_ms
        self.level = np.zeros((rows, BUCKETS), np.float32)
        self.spread = np.zeros((rows, BUCKETS), np.float32)
        self.visits = np.zeros((rows, BUCKETS), np.float32)
        self.last_peak, self.usual_peak = _unknown(rows), _unknown(rows)
        self.last_trough, self.usual_trough = _unknown(rows), _unknown(rows)
        self._ready = np.zeros((rows, BUCKETS), np.bool_)
        self._peak, self._trough = np.full(rows, np.nan, np.float32), np.full(rows, np.nan, np.float32)
        self._hour, self._bucket = -1, 0
        self.changed: set[int] = set()  # buckets that were written since somebody saved them

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
        spread = (self.spread[:, own] * trust).astype(np.float32)
        return Usual(level.astype(np.float32), spread, self._extreme(self.usual_peak, own, other, np.fmax),
                     self._extreme(self.usual_trough, own, other, np.fmin), self._ready[:, own].copy())

    def _extreme(self, kept: Rows, own: int, other: int, outer: np.ufunc) -> Rows:
        """This hour's and its neighbour's; where nothing is known of this day's kind, those of the other kind."""
        far = [(bucket + 24) % BUCKETS for bucket in (own, other)]
        same, else_ = outer(kept[:, own], kept[:, other]), outer(kept[:, far[0]], kept[:, far[1]])
        return np.asarray(np.where(np.isfinite(same), same, else_), np.float32)

    def _close_hour(self) -> None:
        """As far as this hour went now and the last time is as far as it usually goes."""
        seen, own = np.isfinite(self._peak), self._bucket
        self.changed.add(own)
        for now, last, usual, inner in ((self._peak, self.last_peak, self.usual_peak, np.minimum),
                                        (self._trough, self.last_trough, self.usual_trough, np.maximum)):
            usual[seen, own] = inner(now, last[:, own])[seen]
            last[seen, own] = now[seen]
            now[:] = np.nan

    def note(self, values: Rows) -> None:
        """Every value counts for the extremes of its hour, those that alarm too; nan does not."""
        self._peak = np.fmax(self._peak, values).astype(np.float32)
        self._trough = np.fmin(self._trough, values).astype(np.float32)

    def learn(self, at_ms: int, values: Rows, usual: Usual, scale: Rows, mask: Mask) -> None:
        """Move this hour's bucket of the masked series towards what was seen."""
        own = self.bucket(at_ms)
        self.changed.add(own)
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
        self.changed.update(range(BUCKETS))

    def grow(self, rows: int) -> None:
        """Make room for `rows` series."""
        more = rows - self.level.shape[0]
        if more > 0:
            for name in ("level", "spread", "visits"):
                setattr(self, name, np.vstack([getattr(self, name), np.zeros((more, BUCKETS), np.float32)]))
            for name in ("last_peak", "usual_peak", "last_trough", "usual_trough"):
                setattr(self, name, np.vstack([getattr(self, name), _unknown(more)]))
            self._ready = np.vstack([self._ready, np.zeros((more, BUCKETS), np.bool_)])
            fresh = np.full(more, np.nan, np.float32)
            self._peak, self._trough = np.concatenate([self._peak, fresh]), np.concatenate([self._trough, fresh])

    def clear(self, row: int) -> None:
        """Forget one series."""
        for part in (self.level, self.spread, self.visits):
            part[row] = 0
        for kept in (self.last_peak, self.usual_peak, self.last_trough, self.usual_trough, self._peak, self._trough):
            kept[row] = np.nan
        self._ready[row] = False
        self.changed.update(range(BUCKETS))


def _unknown(rows: int) -> Rows:
    return np.full((rows, BUCKETS), np.nan, np.float32)

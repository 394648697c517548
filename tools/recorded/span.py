"""What part of time a recording can speak about: from the start of its window to its `now`, never past it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from config.errors import NotCaptured
from tools.evidence import iso


class _Dated(Protocol):
    @property
    def at(self) -> int: ...


Dated = TypeVar("Dated", bound=_Dated)


@dataclass(frozen=True)
class Span:
    """`start_ms` is the first captured moment, `now_ms` the frozen present of the investigation."""

    start_ms: int
    now_ms: int

    def moment(self, at_ms: int, what: str) -> int:
        """The moment asked about, or `now` for a later one. Raises NotCaptured before the start."""
        if at_ms < self.start_ms:
            raise NotCaptured(f"{what}: asked about {iso(at_ms)}; captured from {iso(self.start_ms)}")
        return min(at_ms, self.now_ms)

    def window(self, start_ms: int, end_ms: int, what: str) -> tuple[int, int]:
        """The window asked about, its end clipped to `now`. Raises NotCaptured when it starts too early or too late."""
        if start_ms < self.start_ms:
            raise NotCaptured(f"{what}: asked from {iso(start_ms)}; captured from {iso(self.start_ms)}")
        if start_ms > self.now_ms:
            raise NotCaptured(f"{what}: asked from {iso(start_ms)}; nothing is known after {iso(self.now_ms)}")
        return start_ms, min(end_ms, self.now_ms)

    def within(self, at_ms: int, start_ms: int, end_ms: int) -> bool:
        """Whether a moment lies in [start, end) and not after `now`."""
        return start_ms <= at_ms < end_ms and at_ms <= self.now_ms

    def latest(self, observations: Sequence[Dated], at_ms: int, what: str) -> Dated:
        """The last observation at or before a moment. Raises NotCaptured where there is none yet."""
        moment = self.moment(at_ms, what)
        index = bisect_right(observations, moment, key=lambda o: o.at)
        if index == 0:
            first = f"the first reading is of {iso(observations[0].at)}" if observations else "there is no reading"
            raise NotCaptured(f"{what}: asked about {iso(moment)}; {first}")
        return observations[index - 1]


def require_ascending(observations: Sequence[_Dated], where: str) -> None:
    """Raises ValueError unless `at` never falls: the last one at or before a moment must be findable."""
    for index in range(1, len(observations)):
        if observations[index].at < observations[index - 1].at:
            raise ValueError(f"{where}[{index}]: earlier than the one before it")

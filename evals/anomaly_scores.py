"""Alarms against labelled events: precision, recall, F1, delay and false alarms a day, all counted in events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

TAIL = 5  # intervals after an event in which an alarm still belongs to it
AFTERMATH = 30  # intervals after an event in which an alarm is neither right nor wrong: the way back is a change too
JOIN = 30  # intervals: alarms nearer than that are one incident


@dataclass(frozen=True)
class Raised:
    """An alarm at an interval, and who raised it."""

    at: int
    detector: str = ""


@dataclass(frozen=True)
class Stretch:
    """A labelled event [start, end) in intervals.

    `caught_by`: detectors that count as catching it; `excuses`: those whose alarms in it are not false. Empty: any.
    """

    kind: str
    start: int
    end: int
    caught_by: frozenset[str] = frozenset()
    excuses: frozenset[str] = frozenset()

    def catches(self, alarm: Raised, tail: int) -> bool:
        """The alarm came in the event or its tail, from a detector meant for it."""
        return self.start <= alarm.at < self.end + tail and (not self.caught_by or alarm.detector in self.caught_by)

    def explains(self, alarm: Raised, aftermath: int) -> bool:
        """The alarm is a consequence of the event."""
        return self.start <= alarm.at < self.end + aftermath and (not self.excuses or alarm.detector in self.excuses)


@dataclass(frozen=True)
class Scores:
    """`delays` in intervals, one for each event caught; `by_kind`: (caught, all)."""

    events: int
    caught: int
    right: int
    wrong: int
    days: float
    delays: tuple[int, ...] = ()
    by_kind: dict[str, tuple[int, int]] = field(default_factory=dict)
    missed: tuple[Stretch, ...] = ()
    wrong_at: tuple[Raised, ...] = ()

    @property
    def precision(self) -> float:
        """Incidents that were raised rightly, of all raised; 1 where none was."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Events caught, of all; 1 where there was none."""
        return self.caught / self.events if self.events else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def delay(self) -> float:
        """Median delay in intervals; nan where nothing was caught."""
        return float(np.median(self.delays)) if self.delays else float("nan")

    @property
    def false_per_day(self) -> float:
        """False alarms (incidents) a day."""
        return self.wrong / self.days if self.days else 0.0

    def plus(self, other: Scores) -> Scores:
        """Counts of two stretches of time together."""
        none = (0, 0)
        kinds = {k: tuple(a + b for a, b in zip(self.by_kind.get(k, none), other.by_kind.get(k, none), strict=True))
                 for k in {**self.by_kind, **other.by_kind}}
        return Scores(self.events + other.events, self.caught + other.caught, self.right + other.right,
                      self.wrong + other.wrong, self.days + other.days, self.delays + other.delays,
                      {k: (v[0], v[1]) for k, v in kinds.items()}, self.missed + other.missed,
                      self.wrong_at + other.wrong_at)


def score(events: Sequence[Stretch], raised: Sequence[Raised], *, days: float, tail: int = TAIL,
          aftermath: int = AFTERMATH, join: int = JOIN) -> Scores:
    """An alarm within an event or its tail catches it; what belongs to no event and no aftermath is false."""
    delays: list[int] = []
    kinds: dict[str, tuple[int, int]] = {}
    missed: list[Stretch] = []
    for event in events:
        hits = [r.at - event.start for r in raised if event.catches(r, tail)]
        caught, whole = kinds.get(event.kind, (0, 0))
        kinds[event.kind] = (caught + bool(hits), whole + 1)
        if hits:
            delays.append(min(hits))
        else:
            missed.append(event)
    wrong = [r for r in raised if not any(e.explains(r, aftermath) for e in events)]
    false = incidents(wrong, join)
    return Scores(len(events), len(delays), len(delays), len(false), days, tuple(delays), kinds, tuple(missed),
                  tuple(false))


def incidents(raised: Sequence[Raised], join: int = JOIN) -> list[Raised]:
    """The first alarm of each incident: alarms nearer than `join` intervals are told together."""
    out: list[Raised] = []
    last = None
    for alarm in sorted(raised, key=lambda r: r.at):
        if last is None or alarm.at - last > join:
            out.append(alarm)
        last = alarm.at
    return out

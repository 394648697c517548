"""New, vanished and bursting kinds of lines of one stream group, from a bounded sample of lines each poll.

The state is small: for each known template a few example lines and a decayed mean of lines per poll. A line is new when
its template has nothing alike among the examples (`templates.compare`, both in one tree); nothing is new while the
group warms up or its service was just changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.analysis.templates import Template, compare, mine
from tools.severity import NORMAL, severity

MAX_LINES = 500
MAX_TEMPLATES = 400
EXAMPLES = 2
WARM_POLLS = 20
NEW_LINES = 3  # of one poll
RARE = 0.3  # lines a poll
BURST = 8
SETTLED = 5  # polls it was heard in: after them a burst teaches no more than that the kind was heard
EVIDENCE = 13.8  # exp(-13.8) = 1e-6
GAIN = 0.02


@dataclass
class Known:
    """A template that was seen: decayed mean lines a poll, polls it was heard in, lines due since it was last.

    `rate` is that mean when it was last heard: what is due while it is not.
    """

    examples: list[str]
    mean: float
    heard: int = 1
    due: float = 0.0
    longest: float = 0.0
    rate: float = 0.0


@dataclass(frozen=True)
class Novel:
    """`what`: new, burst or vanished."""

    what: str
    template: str
    example: str
    count: int
    usual: float
    bad: bool


@dataclass
class Novelty:
    """One group's memory. `polls` counts polls that had lines."""

    known: dict[str, Known] = field(default_factory=dict)
    polls: int = 0

    def look(self, lines: Sequence[str], *, learning: bool = False, factor: float = 1.0) -> list[Novel]:
        """What is remarkable about this poll's lines; `learning`: nothing is, everything is remembered."""
        if not lines:
            return []
        found = mine(list(lines[:MAX_LINES]))
        unknown = [t for t in found if t.text not in self.known]
        fresh = self._fresh(unknown, lines) if unknown else set()
        self.polls += 1
        settled = self.polls > WARM_POLLS * factor and not learning
        out = [self._heard(template, template.text in fresh) for template in found]
        gone = self._missed({t.text for t in found})
        self._thin()
        return [novel for novel in (*out, *gone) if novel is not None] if settled else []

    def _fresh(self, unknown: list[Template], lines: Sequence[str]) -> set[str]:
        """Of the templates not known by their text, those that nothing known is like."""
        examples = [line for known in self.known.values() for line in known.examples]
        if not examples:
            return {t.text for t in unknown}
        new = compare(examples, list(lines[:MAX_LINES]), seconds_before=1, seconds_after=1).new
        strange = {change.template.example for change in new if change.alike == 0}
        return {t.text for t in unknown if t.example in strange}

    def _heard(self, template: Template, fresh: bool) -> Novel | None:
        known, bad = self.known.get(template.text), severity(template.example) != NORMAL
        if known is None:
            self.known[template.text] = Known([template.example[:1_000]], template.count * GAIN)
            if fresh and template.count >= NEW_LINES:
                return Novel("new", template.text, template.example, template.count, 0.0, bad)
            return None
        usual = known.mean
        bursts = usual < RARE and template.count >= BURST and _unlikely(template.count, usual)
        taught = min(template.count, 1) if bursts and known.heard >= SETTLED else template.count
        known.mean += GAIN * (taught - known.mean)
        known.rate = known.mean
        known.longest, known.due = max(known.longest, known.due), 0.0
        known.heard += 1
        if len(known.examples) < EXAMPLES and template.example[:1_000] not in known.examples:
            known.examples.append(template.example[:1_000])
        if bursts:
            return Novel("burst", template.text, template.example, template.count, usual, bad)
        return None

    def _missed(self, heard: set[str]) -> list[Novel]:
        """Templates that always came and no longer do: their lines due exceed the evidence and any earlier pause."""
        gone = []
        for text, known in self.known.items():
            if text in heard:
                continue
            known.mean *= 1 - GAIN
            if known.due < 0:
                continue
            known.due += known.rate
            if known.heard >= 2 * WARM_POLLS and known.due >= max(2 * EVIDENCE, 3 * known.longest + EVIDENCE):
                gone.append(Novel("vanished", text, known.examples[0], 0, known.rate, False))
                known.due = -1.0  # told once; being heard again begins anew
        return gone

    def _thin(self) -> None:
        if len(self.known) > MAX_TEMPLATES:
            rarest = sorted(self.known, key=lambda text: (self.known[text].mean, text))
            for text in rarest[: len(self.known) - MAX_TEMPLATES]:
                del self.known[text]

    def as_dict(self) -> dict[str, Any]:
        """JSON shape, the inverse of `from_dict`."""
        return {"polls": self.polls, "known": {text: vars(known) for text, known in self.known.items()}}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Novelty:
        """Raises KeyError or TypeError on a wrong shape."""
        return Novelty({text: Known(**known) for text, known in data["known"].items()}, int(data["polls"]))


def _unlikely(count: int, usual: float) -> bool:
    """A Poisson count so far above its mean that chance is below 1e-6 (Chernoff's bound)."""
    mean = max(usual, 0.05)
    return count * math.log(count / mean) - count + mean > EVIDENCE

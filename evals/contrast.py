"""Contrast: how ordinary a fact is elsewhere, so that a card learns what is telling and not what is always there.

The background of a fact is counted over other verified incidents and over the innocent bystanders of the same one.
Before there are any, the cards already known stand in: a kind that many causes show, or that a healthy system shows,
tells little (Laplace's rule with `SEED` imagined incidents).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from agent.card import Card
from agent.codes import ComponentKind, Verdict
from agent.signature import names_it
from evals.example import CLEARLY, Example
from evals.manners import Manner, manners_of
from tools.findings import KINDS, Finding, Subject

SEED = 3.0
ORDINARY = 0.6  # a kind that healthy systems show, or that no card has a use for
# What says that something is as it should be: it may be expected, but no cause is recognised by it.
NORMAL = frozenset(("active_colour", "capacity_enough", "idle_as_declared", "no_change", "peers_alike", "user_healthy",
                    "views_agree", "work_normal"))
Relation = Literal["self", "sibling", "any"]


@dataclass(frozen=True)
class Fact:
    """A finding as a card can state it: kind, direction, in which manner, and about whom relative to the culprit."""

    kind: str
    direction: str = ""
    manner: Manner = ()
    about: Relation = "any"

    @staticmethod
    def of(finding: Finding, about: Relation) -> Fact:
        """With everything that is said of its manner."""
        return Fact(finding.kind, finding.direction, tuple(manners_of(finding))[-1], about)

    def overlaps(self, other: Fact) -> bool:
        """Whether one finding may be both: nothing that is said of its manner differs."""
        same = (self.kind, self.direction, self.about) == (other.kind, other.direction, other.about)
        mine = dict(self.manner)
        return same and all(mine.get(name, value) == value for name, value in other.manner)

    def order(self) -> tuple[str, ...]:
        """A fixed order among facts that weigh the same: what says more first."""
        return (f"{9 - len(self.manner)}", self.kind, self.direction, str(self.manner), self.about)


def facts_of(example: Example, culprit: Subject, kind: ComponentKind, name: str) -> dict[Fact, float]:
    """What was found about the culprit, its siblings and anybody else, in every manner, with the greatest strength."""
    out: dict[Fact, float] = {}
    for f in example.findings:
        if f.strength >= CLEARLY:
            about = relation(f.subject, culprit, kind, name)
            for manner in manners_of(f):
                fact = Fact(f.kind, f.direction, manner, about)
                out[fact] = max(out.get(fact, 0.0), f.strength)
    return out


def relation(subject: Subject, culprit: Subject, kind: ComponentKind, name: str) -> Relation:
    """`sibling`: another container of the culprit's service."""
    if names_it(subject, kind, name):
        return "self"
    if kind is ComponentKind.CONTAINER and subject.container and subject.service == culprit.service != "":
        return "sibling"
    return "any"


class Background:
    """How often a fact holds where the cause is another one."""

    def __init__(self, contrasts: Sequence[Example], known: Iterable[Card], own: Sequence[Example]) -> None:
        cards = list(known)
        self._contrasts, self._own = contrasts, own
        self._healthy = {k for c in cards if c.verdict is Verdict.NO_FAULT
                         for k in (*c.explains, *(e.finding for e in c.expects))}
        causes = [c for c in cards if c.verdict is Verdict.DIAGNOSED]
        self._of_use = {k for c in cards for k in c.looks_for()}
        self._shares = {k: sum(any(e.finding == k for e in c.expects) for c in causes) / max(1, len(causes))
                        for k in KINDS}

    def prior(self, kind: str) -> float:
        """What the cards known say before any incident is counted."""
        if kind in NORMAL or kind in self._healthy or kind not in self._of_use:
            return ORDINARY
        return min(ORDINARY, self._shares[kind])

    def rate(self, fact: Fact) -> float:
        """0..1: the share of other incidents (about anyone), or of bystanders (about one), that show it."""
        hits, chances = self._bystanders(fact) if fact.about != "any" else self._incidents(fact)
        return (SEED * self.prior(fact.kind) + hits) / (SEED + chances)

    def _incidents(self, fact: Fact) -> tuple[float, float]:
        shown = sum((fact.kind, fact.direction, fact.manner) in e.stated for e in self._contrasts)
        return float(shown), float(len(self._contrasts))

    def _bystanders(self, fact: Fact) -> tuple[float, float]:
        """Containers, of the own incidents and the others, that are not to blame; each incident counts once."""
        hits = chances = 0.0
        own = {e.id for e in self._own}
        for example in (*self._contrasts, *self._own):
            guilty = {c.component.name for c in example.label.causes} if example.id in own else set()
            names = example.containers - guilty
            if names:
                shown = example.stated.get((fact.kind, fact.direction, fact.manner), frozenset())
                hits += len(shown & names) / len(names)
                chances += 1.0
        return hits, chances

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
from agent.signature import change_of, names_it
from evals.example import CLEARLY, Example
from tools.findings import KINDS, Finding, Subject

SEED = 3.0
ORDINARY = 0.6  # a kind that healthy systems show, or that no card has a use for
# What says that something is as it should be: it may be expected, but no cause is recognised by it.
NORMAL = frozenset(("active_colour", "capacity_enough", "idle_as_declared", "no_change", "peers_alike", "user_healthy",
                    "views_agree", "work_normal"))
Relation = Literal["self", "sibling", "any"]


@dataclass(frozen=True, order=True)
class Fact:
    """A finding as a card can state it: kind, direction, which change, and about whom relative to the culprit."""

    kind: str
    direction: str = ""
    change: str = ""
    about: Relation = "any"

    @staticmethod
    def of(finding: Finding, about: Relation) -> Fact:
        return Fact(finding.kind, finding.direction, change_of(finding), about)


def facts_of(example: Example, culprit: Subject, kind: ComponentKind, name: str) -> dict[Fact, float]:
    """What was found about the culprit, its siblings and anybody else, with the greatest strength."""
    out: dict[Fact, float] = {}
    for f in example.findings:
        if f.strength >= CLEARLY:
            fact = Fact.of(f, relation(f.subject, culprit, kind, name))
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
        shown = sum((fact.kind, fact.direction, fact.change) in e.stated for e in self._contrasts)
        return float(shown), float(len(self._contrasts))

    def _bystanders(self, fact: Fact) -> tuple[float, float]:
        """Containers, of the own incidents and the others, that are not to blame; each incident counts once."""
        hits = chances = 0.0
        own = {e.id for e in self._own}
        for example in (*self._contrasts, *self._own):
            guilty = {c.component.name for c in example.label.causes} if example.id in own else set()
            names = example.containers - guilty
            if names:
                shown = example.stated.get((fact.kind, fact.direction, fact.change), frozenset())
                hits += len(shown & names) / len(names)
                chances += 1.0
        return hits, chances

"""A hypothesis: a card bound to subjects, with the ledger of what speaks for and against it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from agent.card import Card
from tools.findings import Finding, Subject

CONFIDENT = 0.7
NOT_CONCLUDED = 0.45  # ceiling of a hypothesis whose look-alikes were not told apart


@dataclass(frozen=True)
class Term:
    """One line of the ledger of odds. `about` is the subject of the finding it comes from."""

    finding: str
    of: str
    change: float
    evidence_id: str = ""
    note: str = ""
    about: Subject | None = None
    topic: str = ""


@dataclass(frozen=True)
class Candidate:
    """A card bound to subjects. `open` cards have no subject yet: they only attract questions.

    `callees` are the services that the culprit's own depends on: what they do wrong is passed on by it.
    """

    card: Card
    bound: Mapping[str, tuple[Subject, ...]]
    terms: tuple[Term, ...]
    log_odds: float
    used: tuple[tuple[str, Finding], ...] = ()
    against: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    open: bool = False
    callees: frozenset[str] = frozenset()

    @property
    def confidence(self) -> float:
        """Probability by the logistic function, capped when something needed is missing or look-alikes are untold."""
        ceiling = NOT_CONCLUDED if self.missing or self.untold or self.open else self.card.ceiling
        return min(ceiling, 1 / (1 + math.exp(-max(-30.0, min(30.0, self.log_odds)))))

    def explains(self, kind: str, topic: str = "") -> bool:
        """Whether a finding of that kind (and topic) about anyone is what this cause brings with it."""
        return kind in self.card.explains or (bool(topic) and f"{kind}:{topic}" in self.card.explains)

    @property
    def culprit(self) -> Subject:
        """The first variable's subject; an empty one for a control."""
        return next(iter(self.bound.get(self.card.culprit, ())), Subject())

    @property
    def supports(self) -> tuple[str, ...]:
        """Evidence ids that speak for it, in order."""
        return tuple(dict.fromkeys(e for e, _ in self.used))

    @property
    def since_ms(self) -> int | None:
        """When it began: the earliest moment of a finding that dates the onset, else of any used about the culprit."""
        dating = {e.finding for e in self.card.expects if e.dates_onset}
        moments = [f.since_ms for _, f in self.used if f.since_ms is not None and f.kind in dating]
        moments = moments or [f.since_ms for _, f in self.used if f.since_ms is not None]
        return min(moments, default=None)

    def order(self) -> tuple[float, float, int, str, str]:
        """Best first: confidence, log-odds, the earlier, then by name so that the order is always the same."""
        who = self.culprit.container or self.culprit.service
        return (-self.confidence, -self.log_odds, self.since_ms or 2**62, self.card.id, who)

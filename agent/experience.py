"""Experience: what earlier incidents lend to a new one. It raises questions and first odds; evidence decides.

Cards (shipped and learned) are recalled by what they expect, past incidents by what was found then, runbooks by words.
A recalled card starts with at most `MOST_CREDIT` more log-odds than it would have: less than one clear finding against
it takes away.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.card import Card
from agent.precedents import Precedents, Recalled
from agent.runbooks import Passage, Runbooks
from agent.signature import signature
from tools.findings import Finding

SHOWN = 3
MOST_CREDIT = 0.8
WORTH_TELLING = 0.25


@dataclass(frozen=True)
class Credit:
    """How often a learned card's answer was confirmed and how often it was wrong."""

    right: int = 0
    wrong: int = 0

    @property
    def log_odds(self) -> float:
        """log((right + 1) / (wrong + 1)) scaled to +-MOST_CREDIT: Laplace's rule, so one outcome moves little."""
        return max(-MOST_CREDIT, min(MOST_CREDIT, 0.4 * math.log((self.right + 1) / (self.wrong + 1))))


@dataclass(frozen=True)
class Recollection:
    """What was recalled for one incident. `priors` are log-odds by card id, within +-MOST_CREDIT."""

    cards: tuple[Card, ...] = ()
    priors: Mapping[str, float] = field(default_factory=dict)
    past: tuple[Recalled, ...] = ()
    passages: tuple[Passage, ...] = ()

    def note(self) -> str:
        """For a model: ids and categories only, so that no old prose can instruct it; "" when nothing was recalled."""
        parts = []
        if self.cards:
            parts.append("Seen before (reference only, evidence decides): " + "; ".join(_told(c) for c in self.cards))
        if self.past:
            parts.append("Past incidents most alike: " + "; ".join(
                f"{r.past.incident} ({r.past.category or 'no fault'}, {r.similarity:.0%})" for r in self.past))
        if self.passages:
            parts.append("Runbooks that may apply: " + "; ".join(p.cite for p in self.passages))
        return "\n".join(parts)


def _told(card: Card) -> str:
    seen = f", seen in {', '.join(card.provenance.incidents[:2])}" if card.provenance.incidents else ""
    return f"{card.id} ({card.category}{seen})"


@dataclass(frozen=True)
class Experience:
    """`cards` are the learned ones in use; `credits` their outcomes by id. Empty, it changes nothing at all."""

    cards: tuple[Card, ...] = ()
    credits: Mapping[str, Credit] = field(default_factory=dict)
    past: Precedents = field(default_factory=Precedents)
    runbooks: Runbooks = field(default_factory=Runbooks)

    def recall(self, known: Sequence[Card], findings: Sequence[Finding], *, looked_for: frozenset[str] | None = None,
               text: str = "", service: str = "", topology: str = "", now_ms: int = 0) -> Recollection:
        """`known` are all cards of the run, shipped and learned; `text` what the signals say."""
        cards = recall_cards(known, findings)
        alike = self.past.search(signature(findings), looked_for=looked_for, text=text, service=service,
                                 now_ms=now_ms, most=SHOWN)
        past = tuple(r for r in alike if r.similarity >= WORTH_TELLING)
        words = " ".join((text, *(f.detail for f in findings if f.detail)))[:2_000]
        return Recollection(cards, self._priors(past, topology), past, self.runbooks.search(words) if words else ())

    def _priors(self, past: Iterable[Recalled], topology: str) -> dict[str, float]:
        """Outcomes of each learned card, plus what the likeness of the incidents that taught it adds."""
        alike: dict[str, float] = {}
        for r in past:
            alike[r.past.card] = max(alike.get(r.past.card, 0.0), r.similarity)
        out = {}
        for card in self.cards:
            credit = self.credits.get(card.id, Credit()).log_odds + 0.5 * alike.get(card.id, 0.0)
            if topology and card.validity.topology and card.validity.topology != topology:
                credit -= 0.3  # learned on another kind of system
            out[card.id] = round(max(-MOST_CREDIT, min(MOST_CREDIT, credit)), 3)
        return {k: v for k, v in out.items() if v}


def with_priors(cards: tuple[Card, ...], priors: Mapping[str, Any]) -> tuple[Card, ...]:
    """Cards whose first odds are moved, never by more than MOST_CREDIT; without priors the very same cards."""
    if not priors:
        return cards
    return tuple(
        c.model_copy(update={"prior": c.prior + max(-MOST_CREDIT, min(MOST_CREDIT, float(priors[c.id])))})
        if c.learned and c.id in priors else c
        for c in cards
    )


def recall_cards(cards: Iterable[Card], findings: Sequence[Finding]) -> tuple[Card, ...]:
    """The cards whose expectations overlap most with the findings (weight x strength), at least one of them needed."""
    strongest: dict[str, float] = {}
    for f in findings:
        strongest[f.kind] = max(strongest.get(f.kind, 0.0), f.strength)
    scored = []
    for card in cards:
        if not any(e.needed and e.finding in strongest for e in card.expects):
            continue
        overlap = sum(e.weight * strongest.get(e.finding, 0.0) for e in card.expects)
        overlap -= sum(e.weight * strongest.get(e.finding, 0.0) for e in card.refutes)
        scored.append((overlap, card))
    scored.sort(key=lambda s: (-s[0], s[1].id))
    return tuple(card for overlap, card in scored[:SHOWN] if overlap > 0)

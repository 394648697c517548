"""Rehearsal: before a card counts, it is held against every verified incident, on what was found then.

It must find its own incidents again and must not change a right answer of any other. Nothing is asked anew: inference
runs on the stored findings, so a thousand incidents take seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.card import Card
from agent.codes import Verdict
from agent.conclusion import component
from agent.experience import MOST_CREDIT
from agent.odds import CONFIDENT, Candidate
from evals.example import Example


@dataclass(frozen=True)
class Rehearsal:
    """`found`: own incidents it finds. `taken`: others that were right and would not be any more.

    `gained`: others that were not right and would be.
    """

    found: tuple[str, ...]
    missed: tuple[str, ...]
    taken: tuple[Example, ...]
    gained: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether the card may count."""
        return bool(self.found) and not self.missed and not self.taken

    @property
    def why(self) -> str:
        """What speaks against it; "" when nothing does."""
        said = []
        if self.missed:
            said.append("does not find its own incident again: " + ", ".join(self.missed))
        if self.taken:
            said.append("would change a right answer: " + ", ".join(e.id for e in self.taken))
        return "; ".join(said)


def rehearse(card: Card, own: Sequence[Example], others: Sequence[Example], known: Sequence[Card]) -> Rehearsal:
    """`known` are the cards in use; one with the card's id is replaced by it.

    It must find its own without credit, and take nothing from others with the most credit that it may ever be lent.
    """
    before = tuple(c for c in known if c.id != card.id)
    after = (*before, card)
    found = tuple(e.id for e in own if answer_is_right(e, after))
    missed = tuple(e.id for e in own if e.id not in found)
    replaced = tuple(c for c in known if c.id == card.id)
    lent = card.model_copy(update={"prior": card.prior + MOST_CREDIT})
    taken, gained = [], []
    for example in others:
        if not example.confident(lent) and not any(example.confident(c) for c in replaced):
            continue  # it has no say there, so it changes nothing
        right = answer_is_right(example, (*before, lent))
        if not right and answer_is_right(example, (*before, *replaced)):
            taken.append(example)
        elif right and not answer_is_right(example, before):
            gained.append(example.id)
    return Rehearsal(found, missed, tuple(taken), tuple(gained))


def answer_is_right(example: Example, cards: Sequence[Card]) -> bool:
    """Whether inference over what was found then names the verified cause (or that there is none)."""
    causes = example.causes(cards)
    if example.label.verdict is not Verdict.DIAGNOSED:
        return not causes
    return bool(causes) and is_cause(causes[0], example)


def is_cause(candidate: Candidate, example: Example) -> bool:
    """Component and category of one of the label's causes, with confidence."""
    return candidate.confidence >= CONFIDENT and names_a_cause(candidate, example)


def names_a_cause(candidate: Candidate, example: Example) -> bool:
    """Component and category of one of the label's causes."""
    named = component(candidate)
    return example.label.verdict is Verdict.DIAGNOSED and any(
        named.kind is c.component.kind and named.name == c.component.name and candidate.card.category is c.category
        for c in example.label.causes)

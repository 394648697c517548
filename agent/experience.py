"""Experience: cards shipped with the product and learned from verified incidents, recalled by what was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.card import Card
from tools.findings import Finding

SHOWN = 3


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

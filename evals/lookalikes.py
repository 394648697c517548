"""What tells a cause from the ones it looks like: for each known card that shares its findings, the question to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.card import Card
from agent.odds import assess
from evals.example import FINDS, Example
from tools.toolbox import QUESTIONS

MOST = 2
COST = {q.name: q.cost_s for q in QUESTIONS}


@dataclass(frozen=True)
class Separator:
    """The look-alike `card` would show `kind`, which `ask` finds; here it was looked for and was not there."""

    card: str
    kind: str
    ask: str
    because: str


def separators(example: Example, needed: str, known: Sequence[Card]) -> tuple[Separator, ...]:
    """The closest look-alikes that a finding excludes, nearest first."""
    near = sorted(((_nearness(c, example), c) for c in known if not c.learned), key=lambda pair: (-pair[0], pair[1].id))
    out: dict[str, Separator] = {}
    seen = {f.kind for f in example.findings}
    for nearness, card in near:
        if nearness <= 0 or len(out) >= MOST:
            break
        for e in card.expects:
            asks = [q for q, finds in FINDS.items() if e.finding in finds and q in example.facts.answered]
            if e.needed and e.finding != needed and e.finding not in seen and asks and e.finding not in out:
                cheapest = min(asks, key=lambda q: (COST[q], q))
                out[e.finding] = Separator(card.id, e.finding, cheapest, f"{card.id} would show {e.finding}")
                break
    return tuple(out.values())


def _nearness(card: Card, example: Example) -> float:
    """How much of what the card expects was found, as a share of what it could add."""
    whole = sum(e.weight for e in card.expects)
    best = max((sum(t.change for t in c.terms if t.evidence_id and t.change > 0)
                for c in assess((card,), example.facts)), default=0.0)
    return best / whole if whole else 0.0

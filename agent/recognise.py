"""The fast path: an incident that is recognised is concluded at once, without a turn of the model.

A learned card must match by structure on the first answers (one whose incident looked the same is asked for what it
cannot be without), be confirmed by its own discriminating questions, asked
now, of this world, and lead clearly with nothing against it. Any doubt, and the full investigation goes on; what was
asked here is not asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agent.card import Card
from agent.choose import Ask, arguments_for
from agent.codes import Verdict
from agent.experience import Experience
from agent.odds import Candidate, Facts, assess, candidates_of
from tools.question import Question

ALIKE = 0.6  # of what the answered questions could find of the card, by weight
SURE = 0.9
RIVAL = 0.3
MOST_CARDS = 2
MOST_ASKS = 4
MOST_TURNS = 3
SAME_AGAIN = 0.75  # after the first answers, by rarity; look-alikes may come as near, so the card must still confirm


def proven(experience: Experience, recalled: Mapping[str, float]) -> tuple[Card, ...]:
    """The learned cards that may conclude without the full investigation. `recalled`: likeness by card, 0..1.

    More than one word stands behind them (an outcome, or a second incident), or the one incident that taught them
    looked so much like this one that what was verified then was said of the same.
    """
    return tuple(c for c in experience.cards if len(c.provenance.incidents) > 1
                 or (c.id in experience.credits and experience.credits[c.id].right > 0)
                 or recalled.get(c.id, 0.0) >= SAME_AGAIN)


def to_look_for(same: Sequence[Card], facts: Facts, questions: Iterable[Question], asked: frozenset[str]
                ) -> tuple[Ask, ...]:
    """What would find the findings that these cards cannot be without, while they are about nobody yet.

    `same`: cards whose incident looked like this one after the first answers. The cheapest question for each.
    """
    cheapest = sorted(questions, key=lambda q: (q.cost_s, q.name))
    out: dict[str, Ask] = {}
    for card in same:
        if any(not c.open for c in candidates_of(card, facts)):
            continue
        wanted = {e.finding for e in card.expects if e.needed or e.any_of} - facts.looked_for
        for question in cheapest:
            ask = arguments_for(question, None) if wanted & set(question.finds) else None
            if ask is not None and ask.key not in asked:
                out.setdefault(ask.key, ask)
                wanted -= set(question.finds)
    return tuple(out.values())[:MOST_CARDS]


def to_confirm(learned: Sequence[Card], facts: Facts, questions: Iterable[Question], asked: frozenset[str]
               ) -> tuple[Ask, ...]:
    """What the card that resembles the incident most would ask to be sure, then the next one; empty when none does."""
    available = {q.name: q for q in questions}
    alike = sorted(((_match(c), c) for c in assess(learned, facts)), key=lambda m: (-m[0][0], m[1].card.id))
    out: dict[str, Ask] = {}
    for (share, possible), c in alike[:MOST_CARDS]:
        if share < ALIKE or possible <= 0 or c.against:
            continue
        for name in (*c.card.asks, *(s.ask for s in c.card.separates)):
            if name in available and name not in facts.answered:
                ask = arguments_for(available[name], c)
                if ask is not None and ask.key not in asked:
                    out.setdefault(ask.key, ask)
        if out:
            break
    return tuple(out.values())[:MOST_ASKS]


def resembles(learned: Sequence[Card], facts: Facts) -> bool:
    """Whether any learned card matches the first answers well enough to be held against more."""
    return any(_match(c)[0] >= ALIKE and not c.against for c in assess(learned, facts))


def _match(c: Candidate) -> tuple[float, float]:
    """(share found, weight) of what the questions answered so far could find of the card."""
    found = {(t.finding, t.of) for t in c.terms if t.change > 0 and t.evidence_id}
    missed = {(t.finding, t.of) for t in c.terms if t.change < 0 and not t.evidence_id and t.finding}
    weights: dict[tuple[str, str], float] = {}
    for e in c.card.expects:
        weights[e.finding, e.of] = max(e.weight, weights.get((e.finding, e.of), 0.0))
    possible = sum(w for key, w in weights.items() if key in found or key in missed)
    return (sum(w for key, w in weights.items() if key in found) / possible if possible else 0.0), possible


def certain(ranked: Sequence[Candidate]) -> Candidate | None:
    """The learned card that is recognised beyond doubt; None where there is any."""
    closed = [c for c in ranked if not c.open]
    leader = closed[0] if closed else None
    if leader is None or not leader.card.learned or leader.card.verdict is not Verdict.DIAGNOSED:
        return None
    doubtful = leader.confidence < SURE or leader.against or leader.missing or leader.untold
    rivals = [c for c in closed[1:] if c.confidence >= RIVAL
              and (c.card.category is not leader.card.category or c.culprit != leader.culprit)]
    return None if doubtful or rivals else leader

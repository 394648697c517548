"""The next question: the one whose possible answers would change the ranking most per second it costs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.codes import ComponentKind
from agent.odds import CONFIDENT, Candidate, Facts
from tools.question import Question

WORTH_ASKING = 0.25  # log-odds per second of cost, below which no further question is worth its wait
WORTH_UNDECIDED = 0.02  # the same while nothing stands out: rather one question more than an abstention too early
CONTENDER = 0.2
CLEAR = 0.95
AT_ONCE = 3
MAY_BE_EMPTY = frozenset({"containers"})  # of a service as a whole: those that wait


@dataclass(frozen=True)
class Ask:
    """One question with its arguments."""

    question: Question
    arguments: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Identifies the same question asked with the same arguments."""
        return asked_key(self.question.name, self.arguments)


def asked_key(name: str, arguments: Mapping[str, Any]) -> str:
    """Name and arguments, canonical; unset arguments do not count."""
    return name + json.dumps({k: v for k, v in arguments.items() if v not in (None, "", [], ())}, sort_keys=True)


def next_questions(
    ranked: Sequence[Candidate], facts: Facts, questions: Iterable[Question], asked: frozenset[str]
) -> tuple[Ask, ...]:
    """What the leading hypotheses still owe first (their separating questions, then their own), else the best gain."""
    available = {q.name: q for q in questions}
    owed = _owed(ranked, available, asked)
    if owed:
        return tuple(owed[:AT_ONCE])
    if _clear(ranked, facts):
        return ()
    decided = any(not c.open and c.confidence >= CONFIDENT for c in ranked)
    worth = WORTH_ASKING if decided else WORTH_UNDECIDED
    scored = sorted(
        ((_gain(q, ranked, facts) / (0.5 + q.cost_s), q.name) for q in available.values()), key=lambda s: (-s[0], s[1])
    )
    out = []
    for score, name in scored:
        ask = arguments_for(available[name], ranked[0] if ranked else None)
        if score >= worth and ask is not None and ask.key not in asked:
            out.append(ask)
    return tuple(out[:AT_ONCE])


def _clear(ranked: Sequence[Candidate], facts: Facts) -> bool:
    """One hypothesis is all but certain, no other is in the running, and all that could refute it was looked for."""
    closed = [c for c in ranked if not c.open]
    if not closed or closed[0].confidence < CLEAR or any(c.confidence >= CONTENDER for c in closed[1:]):
        return False
    return all(e.finding in facts.looked_for for e in closed[0].card.refutes)


def _owed(ranked: Sequence[Candidate], available: Mapping[str, Question], asked: frozenset[str]) -> list[Ask]:
    out: dict[str, Ask] = {}
    for c in [c for c in ranked if not c.open and c.log_odds > -1.5][:3]:
        if c.confidence < CONTENDER:
            continue
        for name in (*(s.ask for s in c.card.separates), *c.card.asks):
            ask = arguments_for(available[name], c) if name in available else None
            if ask is not None and ask.key not in asked:
                out.setdefault(ask.key, ask)
    return list(out.values())


def _gain(question: Question, ranked: Sequence[Candidate], facts: Facts) -> float:
    """Sum over hypotheses of their uncertainty x the weights that this question could still add or take."""
    news = set(question.finds) - facts.looked_for
    total = 0.0
    for c in ranked:
        weights = sum(e.weight for e in (*c.card.expects, *c.card.refutes) if e.finding in news)
        total += weights * max(c.confidence * (1 - c.confidence), 0.05)
    return total


def _is_cluster(candidate: Candidate | None) -> bool:
    card = candidate.card if candidate else None
    return card is not None and bool(card.culprit) and card.binds[card.culprit].kind is ComponentKind.CLUSTER


def arguments_for(question: Question, candidate: Candidate | None) -> Ask | None:
    """Fill required arguments from the candidate's culprit; None where it has none to give."""
    culprit = candidate.culprit if candidate else None
    subjects = candidate.bound.get(candidate.card.culprit, ()) if candidate else ()
    containers = [s.container for s in subjects if s.container]
    known: dict[str, Any] = {
        "service": culprit.service if culprit else "", "container": culprit.container if culprit else "",
        "containers": containers, "leaving": containers, "host": culprit.host if culprit else "",
        "leaving_cluster": culprit.cluster if culprit and _is_cluster(candidate) else "",
    }
    arguments = {}
    for name, spec in question.arguments.model_fields.items():
        if spec.is_required():
            if not known.get(name) and not (name in MAY_BE_EMPTY and known["service"]):
                return None
            arguments[name] = known[name]
    return Ask(question, arguments)

"""Inference: cards bound to subjects, scored by findings as log-odds. Pure, deterministic, and able to explain itself.

log-odds(h) = prior + sum(weight x strength of findings for it) - sum(weight x strength of findings against it)
              - sum(absence of what was looked for and not found)
The naive-Bayes reading is the usual one (weights are log likelihood ratios at strength 1); findings that a better
hypothesis already explains count a quarter for the others (explaining-away).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.card import Binding, Card, Expectation
from agent.codes import ComponentKind, Verdict
from tools.evidence import Status
from tools.findings import Finding, Subject

EXPLAINED = 0.25  # what a finding is still worth to a hypothesis when a better one explains it
CONFIDENT = 0.7
NOT_CONCLUDED = 0.45  # ceiling of a hypothesis whose look-alikes were not told apart
CEILING = 0.97


@dataclass(frozen=True)
class Observation:
    """One answered question, as inference sees it."""

    evidence_id: str
    question: str
    status: Status
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Term:
    """One line of the ledger of odds."""

    finding: str
    of: str
    change: float
    evidence_id: str = ""
    note: str = ""


@dataclass(frozen=True)
class Candidate:
    """A card bound to subjects. `open` cards have no subject yet: they only attract questions."""

    card: Card
    bound: Mapping[str, tuple[Subject, ...]]
    terms: tuple[Term, ...]
    log_odds: float
    used: tuple[tuple[str, Finding], ...] = ()
    against: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    open: bool = False

    @property
    def confidence(self) -> float:
        """Probability by the logistic function, capped when something needed is missing or look-alikes are untold."""
        ceiling = NOT_CONCLUDED if self.missing or self.untold or self.open else CEILING
        return min(ceiling, 1 / (1 + math.exp(-max(-30.0, min(30.0, self.log_odds)))))

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


@dataclass(frozen=True)
class Facts:
    """What all observations say together: the findings, what was looked for, and who was seen."""

    observations: tuple[Observation, ...]
    looked_for: frozenset[str]
    answered: frozenset[str]
    seen: Mapping[str, Subject] = field(default_factory=dict)
    service_kinds: Mapping[str, str] = field(default_factory=dict)

    @property
    def findings(self) -> Iterable[tuple[str, Finding]]:
        """(evidence id, finding) of all observations, in order."""
        return ((o.evidence_id, f) for o in self.observations for f in o.findings)


def gather(
    observations: Sequence[Observation],
    finds: Mapping[str, Sequence[str]],
    service_kinds: Mapping[str, str] | None = None,
) -> Facts:
    """`finds` maps a question to the kinds it can emit; what an answered question did not emit was looked for in vain.

    A question answered `no_data` counts as answered for separation, but its silence is no evidence of absence.
    """
    looked_for: set[str] = set()
    seen: dict[str, Subject] = {}
    for o in observations:
        if o.status is Status.OK:
            looked_for.update(finds.get(o.question, ()))
        for f in o.findings:
            if f.subject.container:
                seen[f.subject.container] = _merge(seen.get(f.subject.container, Subject()), f.subject)
    answered = frozenset(o.question for o in observations if o.status is Status.OK)
    return Facts(tuple(observations), frozenset(looked_for), answered, seen, service_kinds or {})


def _merge(a: Subject, b: Subject) -> Subject:
    fields = {k: v for k, v in {**b.as_dict(), **a.as_dict()}.items() if k != "resource"}
    return Subject(**fields)


def assess(cards: Iterable[Card], facts: Facts) -> tuple[Candidate, ...]:
    """All candidates, best first, after explaining-away; open cards last."""
    candidates = [c for card in cards for c in _candidates(card, facts)]
    closed = _explain_away(sorted((c for c in candidates if not c.open), key=_order))
    return (*closed, *sorted((c for c in candidates if c.open), key=_order))


def _order(c: Candidate) -> tuple[float, float, int, str, str]:
    return (-c.confidence, -c.log_odds, c.since_ms or 2**62, c.card.id, c.culprit.container or c.culprit.service)


def _candidates(card: Card, facts: Facts) -> list[Candidate]:
    if not card.binds:
        return [_score(card, {}, facts)]
    culprits = _culprits(card, facts)
    if not culprits:
        return [replace(_score(card, {}, facts), open=True)]
    return [_score(card, _bind_rest(card, culprit, facts), facts) for culprit in culprits]


def _culprits(card: Card, facts: Facts) -> list[Subject]:
    """Subjects that a needed expectation of the culprit (any expectation, if none is needed) was found about."""
    mine = [e for e in card.expects if e.of == card.culprit]
    mine = [e for e in mine if e.needed] or mine
    binding = card.binds[card.culprit]
    found: dict[str, Subject] = {}
    for _, f in facts.findings:
        if any(_describes(e, f) for e in mine):
            subject = _subject_as(binding, f.subject, facts)
            if subject is not None and _admits(binding, subject, facts):
                found.setdefault(_key(binding, subject), subject)
    return [found[k] for k in sorted(found)]


def _subject_as(binding: Binding, subject: Subject, facts: Facts) -> Subject | None:
    if binding.kind is ComponentKind.CONTAINER:
        return facts.seen.get(subject.container) if subject.container else None
    if binding.kind in (ComponentKind.SERVICE, ComponentKind.PROVIDER):
        return Subject(service=subject.service, cluster=subject.cluster) if subject.service else None
    if binding.kind is ComponentKind.HOST:
        return Subject(host=subject.host, cluster=subject.cluster) if subject.host else None
    if binding.kind is ComponentKind.CLUSTER:
        return Subject(cluster=subject.cluster) if subject.cluster else None
    return subject


def _key(binding: Binding, subject: Subject) -> str:
    by_kind = {ComponentKind.CONTAINER: subject.container, ComponentKind.HOST: subject.host}
    by_kind[ComponentKind.CLUSTER] = subject.cluster
    return by_kind.get(binding.kind, subject.service)


def _admits(binding: Binding, subject: Subject, facts: Facts) -> bool:
    if binding.role and subject.role != binding.role:
        return False
    return not binding.service_kind or facts.service_kinds.get(subject.service, "") == binding.service_kind


def _bind_rest(card: Card, culprit: Subject, facts: Facts) -> dict[str, tuple[Subject, ...]]:
    bound: dict[str, tuple[Subject, ...]] = {card.culprit: (culprit,)}
    for name, binding in list(card.binds.items())[1:]:
        bound[name] = tuple(
            s for _, s in sorted(facts.seen.items())
            if _admits(binding, s, facts)
            and not (binding.other and s.container == culprit.container)
            and not (binding.same == "service" and s.service != culprit.service)
            and not (binding.same == "host" and s.host != culprit.host)
        )
    return bound


def _describes(e: Expectation, f: Finding) -> bool:
    """Whether a finding is of the expected kind, direction and circumstances (its subject aside)."""
    if f.kind != e.finding or (e.direction and f.direction != e.direction):
        return False
    for name, wanted in e.where.items():
        if name == "detail":
            if str(wanted).lower() not in f.detail.lower():
                return False
        elif f.subject.as_dict().get(name, f.extra.get(name)) != wanted:
            return False
    return True


def _about(card: Card, e: Expectation, f: Finding, bound: Mapping[str, tuple[Subject, ...]]) -> bool:
    if not e.of:
        return True
    kind = card.binds[e.of].kind
    for s in bound.get(e.of, ()):
        if kind is ComponentKind.CONTAINER and s.container == f.subject.container:
            return True
        if kind in (ComponentKind.SERVICE, ComponentKind.PROVIDER) and s.service == f.subject.service:
            return True
        if kind is ComponentKind.HOST and s.host == f.subject.host:
            return True
        if kind is ComponentKind.CLUSTER and s.cluster == f.subject.cluster:
            return True
    return False


def _score(card: Card, bound: Mapping[str, tuple[Subject, ...]], facts: Facts) -> Candidate:
    terms = [Term("prior", "", card.prior)]
    used: list[tuple[str, Finding]] = []
    missing: list[str] = []
    against: list[str] = []
    for e in card.expects:
        matches = [(i, f) for i, f in facts.findings if _describes(e, f) and _about(card, e, f, bound)]
        if matches:
            best_id, best = max(matches, key=lambda m: m[1].strength)
            used += matches
            terms.append(Term(e.finding, e.of, e.weight * best.strength, best_id))
        else:
            if e.needed:
                missing.append(e.finding)
            if e.finding in facts.looked_for and e.absence:
                terms.append(Term(e.finding, e.of, -e.absence, note="looked for, not found"))
    for e in card.refutes:
        matches = [(i, f) for i, f in facts.findings if _describes(e, f) and _about(card, e, f, bound)]
        if matches:
            best_id, best = max(matches, key=lambda m: m[1].strength)
            against.append(best_id)
            terms.append(Term(e.finding, e.of, -e.weight * best.strength, best_id, note="speaks against"))
    untold = tuple(f"{s.from_} ({s.ask}: {s.because})" for s in card.separates if s.ask not in facts.answered)
    return Candidate(card, bound, tuple(terms), sum(t.change for t in terms), tuple(used),
                     tuple(dict.fromkeys(against)), tuple(missing), untold)


def _explain_away(ranked: list[Candidate]) -> list[Candidate]:
    """Findings the leader explains count a quarter for the others, unless they are what the other needs."""
    if not ranked or ranked[0].confidence < CONFIDENT:
        return ranked
    leader = ranked[0]
    explained = set(leader.card.explains) | {e.finding for e in leader.card.expects}
    out = [leader]
    for c in ranked[1:]:
        terms = tuple(
            replace(t, change=t.change * EXPLAINED, note=f"explained by {leader.card.id}")
            if t.change > 0 and t.evidence_id and t.finding in explained else t
            for t in c.terms
        )
        out.append(replace(c, terms=terms, log_odds=sum(t.change for t in terms)))
    return [leader, *sorted(out[1:], key=_order)]


def roots(ranked: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The causes to name: the leader, and others that stand on findings it does not explain, about someone else."""
    named: list[Candidate] = []
    for c in ranked:
        if c.open or c.confidence < CONFIDENT or c.card.verdict is not Verdict.DIAGNOSED:
            continue
        explained = {k for n in named for k in (*n.card.explains, *(e.finding for e in n.card.expects))}
        own = [f for _, f in c.used if f.kind not in explained]
        if not named or (own and all(c.culprit != n.culprit for n in named)):
            named.append(c)
    return tuple(named)

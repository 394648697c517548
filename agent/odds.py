"""Inference: cards bound to subjects, scored by findings as log-odds. Pure, deterministic, and able to explain itself.

log-odds(h) = prior + sum(weight x strength of findings for it) - sum(weight x strength of findings against it)
              - sum(absence of what was looked for and not found)
The naive-Bayes reading is the usual one (weights are log likelihood ratios at strength 1); findings that a better
hypothesis already explains count a quarter for the others (`agent/explaining.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from agent.candidate import CONFIDENT, Candidate, Term
from agent.card import Binding, Card, Expectation
from agent.codes import ComponentKind
from agent.explaining import explain_away, roots
from agent.facts import Facts, Observation, gather
from agent.unexplained import unexplained
from tools.findings import Finding, Subject

__all__ = ["CONFIDENT", "Candidate", "Facts", "Observation", "Term", "against_each_other", "assess", "candidates_of",
           "gather", "roots"]

NEEDED_LEAST = 0.2  # a finding weaker than this is not what a cause needs: a change after the onset, a doubted gap
Matches = list[tuple[str, Finding]]


def assess(cards: Iterable[Card], facts: Facts) -> tuple[Candidate, ...]:
    """All candidates, best first, after explaining-away; open cards last."""
    return against_each_other(c for card in cards for c in candidates_of(card, facts))


def against_each_other(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The candidates of all cards, each scored alone, ranked as `assess` ranks them."""
    candidates = list(found)
    closed = explain_away(sorted((c for c in candidates if not c.open), key=Candidate.order))
    return (*closed, *sorted((c for c in candidates if c.open), key=Candidate.order))


def candidates_of(card: Card, facts: Facts) -> list[Candidate]:
    """One card bound to every subject it may be about, scored without regard to other cards."""
    if not card.binds:
        return [_score(card, {}, facts)]
    culprits = _culprits(card, facts)
    if not culprits:
        return [replace(_score(card, {}, facts), open=True)]
    return [replace(_score(card, _bind_rest(card, culprit, facts), facts), callees=facts.callees(culprit.service))
            for culprit in culprits]


def _culprits(card: Card, facts: Facts) -> list[Subject]:
    """Subjects that a needed expectation of the culprit (any expectation, if none is needed) was found about."""
    mine = [e for e in card.expects if e.of == card.culprit]
    mine = [e for e in mine if e.needed or e.any_of] or mine
    binding = card.binds[card.culprit]
    kinds = {e.finding for e in mine} & facts.by_kind.keys()
    if not kinds:
        return []
    found: dict[str, Subject] = {}
    for _, f in facts.findings:
        if f.kind in kinds and any(_describes(e, f) for e in mine):
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
    if binding.role == "working":
        if subject.role == "standby":
            return False
    elif binding.role and subject.role != binding.role:
        return False
    return not binding.service_kind or facts.service_kinds.get(subject.service, "") in binding.service_kind.split()


def _bind_rest(card: Card, culprit: Subject, facts: Facts) -> dict[str, tuple[Subject, ...]]:
    bound: dict[str, tuple[Subject, ...]] = {card.culprit: (culprit,)}
    for name, binding in list(card.binds.items())[1:]:
        bound[name] = tuple(
            s for _, s in sorted(facts.seen.items())
            if _admits(binding, s, facts)
            and not (binding.other and s.container == culprit.container)
            and not (binding.other_colour and culprit.colour and s.colour == culprit.colour)
            and not (binding.same == "service" and s.service != culprit.service)
            and not (binding.same == "host" and s.host != culprit.host)
        )
    return bound


def _describes(e: Expectation, f: Finding) -> bool:
    """Whether a finding is of the expected kind, direction and circumstances (its subject aside)."""
    if f.kind != e.finding or (e.direction and f.direction != e.direction):
        return False
    return all(_is_so(name, wanted, f) for name, wanted in e.where.items())


def _is_so(name: str, wanted: object, f: Finding) -> bool:
    if name == "detail":
        return str(wanted).lower() in f.detail.lower()
    given = f.subject.as_dict().get(name, f.extra.get(name))
    if wanted is False:
        return not given
    return given in wanted if isinstance(wanted, tuple) else given == wanted


def _about(card: Card, e: Expectation, f: Finding, bound: Mapping[str, tuple[Subject, ...]]) -> bool:
    if not e.of:
        return True
    kind = card.binds[e.of].kind
    for s in bound.get(e.of, ()):
        if kind is ComponentKind.CONTAINER and s.container == f.subject.container:
            return True
        of_service = kind in (ComponentKind.SERVICE, ComponentKind.PROVIDER) or (
            e.at == "service" and not f.subject.container)
        if of_service and s.service and s.service == f.subject.service:
            return True
        if kind is ComponentKind.HOST and s.host == f.subject.host:
            return True
        if kind is ComponentKind.CLUSTER and s.cluster == f.subject.cluster:
            return True
    return False


def _score(card: Card, bound: Mapping[str, tuple[Subject, ...]], facts: Facts) -> Candidate:
    terms = [Term("prior", "", card.prior)]
    used: Matches = []
    missing: list[str] = []
    against: list[str] = []
    found = [(e, _matches(card, e, facts, bound)) for e in card.expects]
    groups = {e.any_of for e, matches in found if e.any_of and _strongest(matches) >= NEEDED_LEAST}
    for e, matches in found:
        if matches:
            used += matches
            terms.append(_term(e, matches, 1))
        elif e.any_of not in groups and e.finding in facts.looked_for and e.absence:
            terms.append(Term(e.finding, e.of, -e.absence, note="looked for, not found"))
        if (e.needed and _strongest(matches) < NEEDED_LEAST) or (e.any_of and e.any_of not in groups):
            missing.append(e.finding)
    for e in card.refutes:
        matches = _matches(card, e, facts, bound)
        if matches:
            terms.append(replace(_term(e, matches, -1), note="speaks against"))
            against.append(terms[-1].evidence_id)
    left = unexplained(card, facts)
    terms += left
    against += [t.evidence_id for t in left]
    untold = tuple(f"{s.from_} ({s.ask}: {s.because})" for s in card.separates if s.ask not in facts.answered)
    return Candidate(card, bound, tuple(terms), sum(t.change for t in terms), tuple(used),
                     tuple(dict.fromkeys(against)), tuple(missing), untold)


def _matches(card: Card, e: Expectation, facts: Facts, bound: Mapping[str, tuple[Subject, ...]]) -> Matches:
    return [(i, f) for i, f in facts.by_kind.get(e.finding, ()) if _describes(e, f) and _about(card, e, f, bound)]


def _strongest(matches: Matches) -> float:
    return max((f.strength for _, f in matches), default=0.0)


def _term(e: Expectation, matches: Matches, sign: int) -> Term:
    best_id, best = max(matches, key=lambda m: m[1].strength)
    return Term(e.finding, e.of, sign * e.weight * best.strength, best_id, about=best.subject,
                topic=str(best.extra.get("topic", "")))

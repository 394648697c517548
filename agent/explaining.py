"""Hypotheses against each other: what a better one explains counts less, roots stand before their symptoms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.candidate import CONFIDENT, Candidate
from agent.codes import Verdict
from tools.findings import Finding

EXPLAINED = 0.25  # what a finding is still worth to a hypothesis when a better one explains it
CIRCUMSTANCES = frozenset(
    ("change_in_window", "config_changed", "image_changed", "image_differs", "config_differs", "limit_differs",
     "started_in_window"))
SLACK_MS = 20_000  # two moments nearer than this say nothing about which came first


def explain_away(ranked: list[Candidate]) -> list[Candidate]:
    """Findings the leader explains count a quarter for the others. `ranked` are closed candidates, best first."""
    leader = _leader(ranked)
    if leader is None:
        return ranked
    used = {(f.kind, f.subject) for _, f in leader.used}
    out = []
    for c in ranked:
        if c is leader:
            continue
        terms = tuple(
            replace(t, change=t.change * EXPLAINED, note=f"explained by {leader.card.id}")
            if t.change > 0 and t.evidence_id and (leader.explains(t.finding, t.topic) or (t.finding, t.about) in used)
            else t
            for t in c.terms
        )
        out.append(replace(c, terms=terms, log_odds=sum(t.change for t in terms)))
    return [leader, *sorted(out, key=Candidate.order)]


def _leader(ranked: Sequence[Candidate]) -> Candidate | None:
    """The best of the confident ones that no other confident one accounts for: the root, not its symptom."""
    confident = [c for c in ranked if c.confidence >= CONFIDENT and not _outdone(c, ranked)]
    causes = [c for c in confident if c.card.verdict is Verdict.DIAGNOSED] or confident
    roots = [c for c in causes if not any(accounts_for(o, c) for o in causes if o is not c)]
    return next(iter(roots or causes), None)


def _outdone(c: Candidate, ranked: Sequence[Candidate]) -> bool:
    """Whether a learned cause is less likely than that nothing is wrong: a lesson of a few words does not overrule a
    control that accounts for all that was found. Shipped causes and controls name each other's refuters instead."""
    return c.card.learned and any(o.card.verdict is Verdict.NO_FAULT and not o.open and o.confidence >= CONFIDENT
                                  and o.log_odds >= c.log_odds for o in ranked)


def accounts_for(one: Candidate, other: Candidate) -> bool:
    """Whether `one` explains all the trouble that `other` needs, began no later, and is not explained by it in turn.

    That something changed or differs is a circumstance: it needs no explanation, and is none by itself.
    """
    return _covers(one, other) and not _covers(other, one) and not _later(one, other)


def _covers(one: Candidate, other: Candidate) -> bool:
    if one.card.id == other.card.id:  # the same trouble is passed on by a caller, never by who is called
        return one.culprit.service in other.callees
    kinds = {e.finding for e in other.card.expects if e.needed or e.any_of}
    needed = [f for _, f in other.used if f.kind in kinds]
    needed = [f for f in needed if f.kind not in CIRCUMSTANCES] or needed
    return one.culprit != other.culprit and bool(needed) and all(_explained(one, f) for f in needed)


def _explained(by: Candidate, f: Finding) -> bool:
    return by.explains(f.kind, str(f.extra.get("topic", "")))


def _later(one: Candidate, other: Candidate) -> bool:
    return one.since_ms is not None and other.since_ms is not None and one.since_ms > other.since_ms + SLACK_MS


def roots(ranked: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The causes to name: the leader, and others that stand on findings it does not explain, about someone else."""
    named: list[Candidate] = []
    for c in ranked:
        if c.open or c.confidence < CONFIDENT or c.card.verdict is not Verdict.DIAGNOSED or _outdone(c, ranked):
            continue
        if not named or all(_stands_beside(c, n) for n in named):
            named.append(c)
    return tuple(named)


def _stands_beside(c: Candidate, named: Candidate) -> bool:
    """Another component, and trouble it needs that the named one neither explains nor used itself.

    What merely changed or differs is no trouble: a change beside an explained incident is a coincidence.
    """
    used = {(f.kind, f.subject) for _, f in named.used}
    needed = {e.finding for e in c.card.expects if e.needed or e.any_of}

    def own(f: Finding) -> bool:
        trouble = f.kind in needed and f.kind not in CIRCUMSTANCES
        return trouble and not _explained(named, f) and (f.kind, f.subject) not in used

    apart = c.culprit != named.culprit and not (c.culprit.service and c.culprit.service == named.culprit.service
                                                and c.card.category is named.card.category)
    return apart and any(own(f) for _, f in c.used)

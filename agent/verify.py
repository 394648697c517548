"""Verification in code: whoever drafted it, nothing is published that the evidence does not carry.

A claim that fails goes back with the complaint; what still fails is removed. Confidence may be lowered, never raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.codes import ActionKind, HypothesisStatus, Verdict
from agent.diagnosis import Claim, Hypothesis
from agent.draft import Draft, Proposal
from agent.grounding import ground, names_of, unsupported
from agent.odds import Candidate
from tools.evidence import Status, parse_iso
from tools.toolbox import QUESTIONS

ONSET_SLACK_MS = 60_000
NEEDS_TARGET = frozenset(ActionKind) - {ActionKind.NONE, ActionKind.COLLECT_MORE, ActionKind.FIX_MONITORING,
                                       ActionKind.SILENCE_ALERT}


HEALTH = frozenset(
    ("user_healthy", "user_errors_up", "user_latency_up", "work_normal", "work_failing", "completion_gap"))


@dataclass(frozen=True)
class Complaint:
    """`about` is the text of a claim, or the field the complaint is about."""

    about: str
    why: str


@dataclass(frozen=True)
class Checked:
    """`draft` holds only what passed; `complaints` say what did not and why."""

    draft: Draft
    complaints: tuple[Complaint, ...]

    @property
    def passed(self) -> bool:
        return not self.complaints


def check(draft: Draft, evidence: Mapping[str, Mapping[str, Any]], *, analyst: Iterable[Candidate] = ()) -> Checked:
    """`evidence` maps ids to `Evidence.as_dict` mappings; `analyst` are its own candidates, for refuting evidence."""
    complaints: list[Complaint] = []
    names = names_of(evidence.values())
    claims = tuple(c for c in draft.claims if _claim_stands(c, evidence, complaints))
    hypotheses = tuple(
        _with_refuters(h, analyst) for h in draft.hypotheses if _hypothesis_stands(h, evidence, names, complaints)
    )
    onset = draft.onset if _onset_stands(draft, evidence, complaints) else None
    actions = tuple(a for a in draft.actions if _action_stands(a, names, complaints))
    verdict = _verdict(draft.verdict, claims, hypotheses, complaints)
    if verdict is Verdict.NO_FAULT and not health_was_looked_at(evidence.values()):
        complaints.append(Complaint("verdict", "no_fault, but neither users nor work could be looked at"))
        verdict = Verdict.UNDETERMINED
    if verdict is Verdict.NO_FAULT:
        hypotheses, onset = (), None
    if verdict is Verdict.UNDETERMINED:
        hypotheses = tuple(_demoted(h) for h in hypotheses)
        actions = tuple(a for a in actions if a.kind is ActionKind.COLLECT_MORE) or (
            Proposal(kind=ActionKind.COLLECT_MORE),)
        onset = None
    clean = Draft(verdict=verdict, onset=onset, claims=claims, hypotheses=hypotheses, actions=actions)
    return Checked(clean, tuple(complaints))


def health_was_looked_at(evidence: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a question that would have seen users or work suffer was answered: unknown is never called healthy."""
    telling = {q.name for q in QUESTIONS if not HEALTH.isdisjoint(q.finds)}
    return any(e["status"] == Status.OK.value and e["question"] in telling for e in evidence)


def _claim_stands(claim: Claim, evidence: Mapping[str, Mapping[str, Any]], complaints: list[Complaint]) -> bool:
    unknown = [i for i in claim.evidence if i not in evidence]
    if unknown:
        complaints.append(Complaint(claim.text, f"there is no evidence {', '.join(unknown)}"))
        return False
    cited = [evidence[i] for i in claim.evidence]
    if not any(e["status"] in (Status.OK.value, Status.NO_DATA.value) for e in cited):
        complaints.append(Complaint(claim.text, "the cited questions were not answered"))
        return False
    reasons = unsupported(claim.text, ground(cited, evidence.values()))
    if reasons:
        complaints.append(Complaint(claim.text, "; ".join(reasons)))
        return False
    return True


def _hypothesis_stands(
    h: Hypothesis, evidence: Mapping[str, Mapping[str, Any]], names: frozenset[str], complaints: list[Complaint]
) -> bool:
    about = f"hypothesis {h.rank} ({h.category} of {h.component.name})"
    unknown = [i for i in (*h.supports, *h.refutes) if i not in evidence]
    if unknown:
        complaints.append(Complaint(about, f"there is no evidence {', '.join(unknown)}"))
        return False
    if h.component.name not in names:
        complaints.append(Complaint(about, f"{h.component.name} was not observed in this run"))
        return False
    if h.status is HypothesisStatus.ROOT and not h.supports:
        complaints.append(Complaint(about, "a root cause needs supporting evidence"))
        return False
    cited = {f["subject"].get(k) for i in h.supports for f in evidence[i]["findings"]
             for k in ("container", "service", "host", "cluster")}
    if h.status is HypothesisStatus.ROOT and h.component.name not in cited:
        complaints.append(Complaint(about, f"the cited evidence says nothing about {h.component.name}"))
        return False
    return True


def _onset_stands(draft: Draft, evidence: Mapping[str, Mapping[str, Any]], complaints: list[Complaint]) -> bool:
    if draft.onset is None:
        return True
    try:
        onset = parse_iso(draft.onset)
    except ValueError:
        complaints.append(Complaint("onset", f"{draft.onset!r} is not an ISO 8601 time"))
        return False
    moments = [f["since_ms"] for e in evidence.values() for f in e["findings"] if "since_ms" in f]
    if not any(abs(onset - m) <= ONSET_SLACK_MS for m in moments):
        complaints.append(Complaint("onset", f"no finding began at {draft.onset}"))
        return False
    return True


def _action_stands(action: Proposal, names: frozenset[str], complaints: list[Complaint]) -> bool:
    unseen = [t for t in action.targets if t not in names]
    if unseen:
        complaints.append(Complaint(f"action {action.kind}", f"{', '.join(unseen)} was not observed in this run"))
        return False
    if action.kind in NEEDS_TARGET and not action.targets:
        complaints.append(Complaint(f"action {action.kind}", "it names no target"))
        return False
    return True


def _verdict(
    verdict: Verdict, claims: Sequence[Claim], hypotheses: Sequence[Hypothesis], complaints: list[Complaint]
) -> Verdict:
    """A verdict that lost its ground becomes `undetermined`."""
    if verdict is Verdict.DIAGNOSED and not any(h.status is HypothesisStatus.ROOT for h in hypotheses):
        complaints.append(Complaint("verdict", "diagnosed, but no root cause stands"))
        return Verdict.UNDETERMINED
    if verdict is not Verdict.UNDETERMINED and not claims:
        complaints.append(Complaint("verdict", f"{verdict}, but no claim stands"))
        return Verdict.UNDETERMINED
    return verdict


def _with_refuters(h: Hypothesis, analyst: Iterable[Candidate]) -> Hypothesis:
    """Refuting evidence the draft left out is listed, and the confidence is at most what the analyst would give."""
    for c in analyst:
        culprit = c.culprit
        same = h.component.name in (culprit.container, culprit.service, culprit.host, culprit.cluster)
        if c.card.category is h.category and same and not c.open:
            refutes = tuple(dict.fromkeys((*h.refutes, *c.against)))
            cap = c.confidence if c.against else h.confidence
            return h.model_copy(update={"refutes": refutes, "confidence": min(h.confidence, round(cap, 2))})
    return h


def _demoted(h: Hypothesis) -> Hypothesis:
    if h.status is HypothesisStatus.ROOT:
        return h.model_copy(update={"status": HypothesisStatus.CONTRIBUTING, "confidence": min(h.confidence, 0.45)})
    return h

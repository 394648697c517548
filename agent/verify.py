"""Verification in code: whoever drafted it, nothing is published that the evidence does not carry.

A claim that fails goes back with the complaint; what still fails is removed. Confidence may be lowered, never raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agent.candidate import Candidate
from agent.codes import ActionKind, HypothesisStatus, Verdict
from agent.diagnosis import Claim, Hypothesis
from agent.draft import Draft, Proposal
from agent.grounding import ground, names_of, unsupported
from agent.standing import admitted, capped, carried, disagreement, healthy_enough
from agent.wording import instructions_of, unfit
from tools.evidence import Status, parse_iso
from tools.toolbox import QUESTIONS

ONSET_SLACK_MS = 60_000
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


class Check(Protocol):
    """`check` below. Evals hold it against one that lets everything pass, to measure what verification is worth."""

    def __call__(
        self, draft: Draft, evidence: Mapping[str, Mapping[str, Any]], *, analyst: Sequence[Candidate] | None = None
    ) -> Checked: ...


def check(
    draft: Draft, evidence: Mapping[str, Mapping[str, Any]], *, analyst: Sequence[Candidate] | None = None
) -> Checked:
    """`evidence` maps ids to `Evidence.as_dict` mappings; `analyst` are its candidates (None: not to be compared)."""
    complaints: list[Complaint] = []
    told = instructions_of(evidence.values())
    claims = tuple(c for c in draft.claims if _claim_stands(c, evidence, told, complaints))
    hypotheses = _standing(draft, evidence, told, analyst, complaints)
    onset = draft.onset if _onset_stands(draft, evidence, complaints) else None
    verdict = _verdict(draft.verdict, claims, hypotheses, complaints)
    if verdict is Verdict.NO_FAULT and not _no_fault_stands(evidence, analyst, complaints):
        verdict = Verdict.UNDETERMINED
    passed_over = disagreement(draft, analyst) if analyst is not None else ""
    if passed_over:
        complaints.append(Complaint("verdict", passed_over))
        verdict = Verdict.UNDETERMINED
    actions = _actions(draft, evidence, hypotheses, analyst, complaints)
    if verdict is Verdict.NO_FAULT:
        hypotheses, onset = (), None
    if verdict is Verdict.UNDETERMINED:
        hypotheses = tuple(_demoted(h) for h in hypotheses)
        actions = tuple(a for a in actions if a.kind is ActionKind.COLLECT_MORE) or (
            Proposal(kind=ActionKind.COLLECT_MORE),)
        onset = None
    clean = Draft(verdict=verdict, onset=onset, claims=claims, hypotheses=hypotheses, actions=actions)
    return Checked(clean, tuple(complaints))


def _standing(
    draft: Draft, evidence: Mapping[str, Mapping[str, Any]], told: Sequence[str], analyst: Sequence[Candidate] | None,
    complaints: list[Complaint],
) -> tuple[Hypothesis, ...]:
    """Hypotheses whose evidence, names and words hold; a root that the odds do not carry becomes a lead."""
    names, out = names_of(evidence.values()), []
    for h in draft.hypotheses:
        if not _hypothesis_stands(h, evidence, names, complaints):
            continue
        kept = _in_plain_words(h, evidence, told, complaints)
        if analyst is not None and kept.status is HypothesisStatus.ROOT and not carried(kept, analyst):
            complaints.append(Complaint(_title(h), "the findings of this run do not make it likely as a cause"))
            kept = _demoted(kept)
        out.append(kept if analyst is None else capped(kept, analyst))
    return tuple(out)


def _actions(
    draft: Draft, evidence: Mapping[str, Mapping[str, Any]], hypotheses: Sequence[Hypothesis],
    analyst: Sequence[Candidate] | None, complaints: list[Complaint],
) -> tuple[Proposal, ...]:
    names, out = names_of(evidence.values()), []
    for action in draft.actions:
        unseen = [t for t in action.targets if t not in names]
        kept = None if unseen else action if analyst is None else admitted(action, hypotheses, analyst)
        if kept is None:
            why = f"{', '.join(unseen)} was not observed in this run" if unseen else (
                "no standing root cause calls for it on these targets")
            complaints.append(Complaint(f"action {action.kind}", why))
        else:
            out.append(kept)
    return tuple(out)


def _no_fault_stands(
    evidence: Mapping[str, Mapping[str, Any]], analyst: Sequence[Candidate] | None, complaints: list[Complaint]
) -> bool:
    if not health_was_looked_at(evidence.values()):
        complaints.append(Complaint("verdict", "no_fault, but neither users nor work could be looked at"))
        return False
    if analyst is not None and not healthy_enough(analyst):
        complaints.append(Complaint("verdict", "no_fault, but no harmless course of events fits the findings"))
        return False
    return True


def health_was_looked_at(evidence: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a question that would have seen users or work suffer was answered: unknown is never called healthy."""
    telling = {q.name for q in QUESTIONS if not HEALTH.isdisjoint(q.finds)}
    return any(e["status"] == Status.OK.value and e["question"] in telling for e in evidence)


def _claim_stands(
    claim: Claim, evidence: Mapping[str, Mapping[str, Any]], told: Sequence[str], complaints: list[Complaint]
) -> bool:
    unknown = [i for i in claim.evidence if i not in evidence]
    if unknown:
        complaints.append(Complaint(claim.text, f"there is no evidence {', '.join(unknown)}"))
        return False
    cited = [evidence[i] for i in claim.evidence]
    if not any(e["status"] in (Status.OK.value, Status.NO_DATA.value) for e in cited):
        complaints.append(Complaint(claim.text, "the cited questions were not answered"))
        return False
    reasons = unsupported(claim.text, ground(cited, evidence.values()))
    reasons += [] if claim.key else [*unfit(claim.text, told), *_not_of_the_cited(claim.text, cited, evidence)]
    if reasons:
        complaints.append(Complaint(claim.text, "; ".join(reasons)))
        return False
    return True


def _hypothesis_stands(
    h: Hypothesis, evidence: Mapping[str, Mapping[str, Any]], names: frozenset[str], complaints: list[Complaint]
) -> bool:
    about = _title(h)
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


def _title(h: Hypothesis) -> str:
    return f"hypothesis {h.rank} ({h.category} of {h.component.name})"


def _not_of_the_cited(
    text: str, cited: Sequence[Mapping[str, Any]], evidence: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Both ends of a link need evidence: whoever a sentence names must stand in what it cites."""
    elsewhere = _subjects(evidence.values()) - _subjects(cited)
    texts = " ".join(str(e["text"]) for e in cited)
    return [f"the cited evidence says nothing about {n}" for n in sorted(elsewhere)
            if _says(text, n) and n not in texts]


def _subjects(evidence: Iterable[Mapping[str, Any]]) -> set[str]:
    fields = ("container", "host")
    return {f["subject"][k] for e in evidence for f in e["findings"] for k in fields if f["subject"].get(k)}


def _says(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text, re.ASCII) is not None


def _in_plain_words(
    h: Hypothesis, evidence: Mapping[str, Mapping[str, Any]], told: Sequence[str], complaints: list[Complaint]
) -> Hypothesis:
    """A mechanism that is not grounded, or not plain prose, gives way to the category's own words."""
    cited = [evidence[i] for i in (*h.supports, *h.refutes)] or list(evidence.values())
    reasons = unsupported(h.mechanism, ground(cited, evidence.values())) + ([] if h.card else unfit(h.mechanism, told))
    fields = {h.component.service, h.component.colour, h.component.cluster} - {""} - names_of(evidence.values())
    reasons += [f"{f} was not observed in this run" for f in sorted(fields)]
    if not reasons:
        return h
    complaints.append(Complaint(_title(h), "; ".join(reasons)))
    bare = h.component.model_copy(update={"service": "", "colour": "", "cluster": ""}) if fields else h.component
    return h.model_copy(update={"mechanism": h.category.value.replace("_", " "), "component": bare})


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


def _demoted(h: Hypothesis) -> Hypothesis:
    if h.status is HypothesisStatus.ROOT:
        return h.model_copy(update={"status": HypothesisStatus.CONTRIBUTING, "confidence": min(h.confidence, 0.45)})
    return h

"""Scorers: a diagnosis held against the hidden label. Each gives a value and the reason; a crash is its own outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.codes import ActionKind, HypothesisStatus, Verdict
from agent.diagnosis import Diagnosis, Hypothesis
from agent.grounding import ground, unsupported
from evals.label import Cause, Label
from tools.evidence import Status, parse_iso

ONSET_TOLERANCE_MS = 60_000


@dataclass(frozen=True)
class Score:
    """One scorer's verdict: `value` 1 right, 0 wrong, None does not apply."""

    value: float | None
    reason: str = ""


@dataclass(frozen=True)
class CaseScores:
    """All scores of one case. `crash` holds the error of a run that did not end; then all scores are 0."""

    case: str
    recording: str
    family: str
    scores: Mapping[str, Score]
    confidence: float | None = None
    verdict: str = ""
    said: str = ""
    crash: str = ""
    facts: Mapping[str, float] = field(default_factory=dict)


def score(diagnosis: Diagnosis, label: Label, *, dropped: str = "") -> dict[str, Score]:
    """Every headline score, by name. `dropped` is the modality an edit took away."""
    root = best_root(diagnosis)
    return {
        "verdict": _equal(diagnosis.verdict.value, label.verdict.value),
        "component": _component(root, label), "category": _category(root, label),
        "cause": _cause(root, diagnosis, label), "all_causes": _all_causes(diagnosis, label),
        "right_or_gap": _right_or_gap(root, diagnosis, label, dropped),
        "onset": _onset(diagnosis, label), "action": _action(diagnosis, label), "harmless": _harmless(diagnosis, label),
        "grounded": _grounded(diagnosis), "wrong_and_confident": _wrong_and_confident(root, diagnosis, label),
    }


def facts(diagnosis: Diagnosis) -> dict[str, float]:
    """Costs and rates that are reported but not judged."""
    asked = len(diagnosis.evidence)
    not_captured = sum(e["status"] == Status.NOT_CAPTURED.value for e in diagnosis.evidence)
    return {"questions": asked, "seconds": diagnosis.usage.seconds, "steps": diagnosis.usage.steps,
            "not_captured_rate": not_captured / asked if asked else 0.0}


def best_root(diagnosis: Diagnosis) -> Hypothesis | None:
    """The first-ranked root cause."""
    roots = [h for h in diagnosis.hypotheses if h.status is HypothesisStatus.ROOT]
    return min(roots, key=lambda h: h.rank, default=None)


def _equal(got: str, wanted: str) -> Score:
    return Score(float(got == wanted), f"{got}, should be {wanted}" if got != wanted else got)


def _same_component(root: Hypothesis, cause: Cause) -> bool:
    return root.component.kind is cause.component.kind and root.component.name == cause.component.name


def _component(root: Hypothesis | None, label: Label) -> Score:
    if label.verdict is not Verdict.DIAGNOSED:
        return Score(None)
    got = f"{root.component.kind.value} {root.component.name}" if root else "none"
    wanted = " or ".join(f"{c.component.kind.value} {c.component.name}" for c in label.causes)
    right = root is not None and any(_same_component(root, c) for c in label.causes)
    return Score(float(right), f"{got}; truth {wanted}")


def _category(root: Hypothesis | None, label: Label) -> Score:
    if label.verdict is not Verdict.DIAGNOSED:
        return Score(None)
    wanted = {c.category for c in label.causes}
    got = root.category.value if root else "none"
    return Score(float(root is not None and root.category in wanted), f"{got}; truth {', '.join(sorted(wanted))}")


def _cause(root: Hypothesis | None, diagnosis: Diagnosis, label: Label) -> Score:
    """Top-1: verdict, component and category of one and the same cause are right."""
    if label.verdict is not Verdict.DIAGNOSED:
        return _equal(diagnosis.verdict.value, label.verdict.value)
    right = root is not None and any(_same_component(root, c) and root.category is c.category for c in label.causes)
    return Score(float(right and diagnosis.verdict is Verdict.DIAGNOSED))


def _all_causes(diagnosis: Diagnosis, label: Label) -> Score:
    """The share of several simultaneous causes that stand as roots; does not apply to one cause."""
    if len(label.causes) < 2:
        return Score(None)
    roots = [h for h in diagnosis.hypotheses if h.status is HypothesisStatus.ROOT]
    found = [c for c in label.causes if any(_same_component(r, c) and r.category is c.category for r in roots)]
    return Score(len(found) / len(label.causes), ", ".join(f"{r.category.value} of {r.component.name}" for r in roots))


def _right_or_gap(root: Hypothesis | None, diagnosis: Diagnosis, label: Label, dropped: str) -> Score:
    """With a modality taken away: still right, or undetermined with what is missing named. Else does not apply."""
    if not dropped:
        return Score(None)
    if _cause(root, diagnosis, label).value:
        return Score(1.0, "still right")
    if diagnosis.verdict is not Verdict.UNDETERMINED:
        return Score(0.0, "wrong, without abstaining")
    named = any(dropped in f"{gap.what} {gap.why} {gap.cost}".lower() for gap in diagnosis.gaps)
    return Score(float(named), "abstained, the gap named" if named else "abstained without naming the gap")


def _onset(diagnosis: Diagnosis, label: Label) -> Score:
    if label.onset is None:
        return Score(None)
    if diagnosis.onset is None:
        return Score(0.0, "no onset given")
    off = parse_iso(diagnosis.onset) - label.onset
    return Score(float(abs(off) <= ONSET_TOLERANCE_MS), f"{off / 1000:+.0f} s")


def _action(diagnosis: Diagnosis, label: Label) -> Score:
    """One of the right (kind, target) pairs is recommended; a label without a target asks for the kind alone."""
    if not label.actions.right:
        return Score(None)
    for wanted in label.actions.right:
        for a in diagnosis.actions:
            if a.kind is wanted.kind and (not wanted.target or wanted.target in a.targets):
                return Score(1.0)
    got = ", ".join(f"{a.kind.value} {' '.join(a.targets)}".strip() for a in diagnosis.actions) or "nothing"
    return Score(0.0, f"{got}; right would be " + ", ".join(f"{w.kind.value} {w.target}" for w in label.actions.right))


def _harmless(diagnosis: Diagnosis, label: Label) -> Score:
    """No recommendation is on the label's harmful list, and nothing is stopped or cut where there is no fault."""
    bad = [f"{a.kind.value} {t}" for a in diagnosis.actions for h in label.actions.harmful for t in a.targets
           if a.kind is h.kind and h.target in ("", t)]
    if label.verdict is Verdict.NO_FAULT:
        bad += [a.kind.value for a in diagnosis.actions if a.kind not in (ActionKind.NONE, ActionKind.COLLECT_MORE)]
    return Score(float(not bad), ", ".join(bad))


def _grounded(diagnosis: Diagnosis) -> Score:
    """Every claim is checked again against the evidence as it was stored."""
    evidence = {e["id"]: e for e in diagnosis.evidence}
    for claim in diagnosis.claims:
        if any(i not in evidence for i in claim.evidence):
            return Score(0.0, f"cites what is not there: {claim.text}")
        reasons = unsupported(claim.text, ground([evidence[i] for i in claim.evidence], evidence.values()))
        if reasons:
            return Score(0.0, f"{claim.text}: {reasons[0]}")
    return Score(1.0)


def _wrong_and_confident(root: Hypothesis | None, diagnosis: Diagnosis, label: Label) -> Score:
    """1 when a wrong cause (or a wrong no_fault) was published: abstaining is never wrong-and-confident."""
    if diagnosis.verdict is Verdict.UNDETERMINED:
        return Score(0.0)
    return Score(1.0 - (_cause(root, diagnosis, label).value or 0.0))

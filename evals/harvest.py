"""Harvest: what engineers said about an investigated incident becomes a labelled case, and once verified, experience.

    case = draft(told)                     a case with its label, or with the conflict that keeps it from having one
    by = verifier(case, told, policy)      who vouches for the label by the team's rule; "" when nobody does yet
    changes = promote(library, case, by)   what the school makes of it, kept in the library

Verdicts that contradict each other are listed and never averaged: such a case has no label until a person chooses one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent.codes import ActionKind, Category, ComponentKind, HypothesisStatus, Verdict
from agent.diagnosis import Component, Diagnosis
from agent.ledger import standing
from agent.library import StoredCase
from agent.signature import findings_of, topology
from config.errors import BadInput
from config.redact import Redactor
from config.settings import Learning
from evals.label import Cause, Label, LabelAction, LabelActions, label_data, read_label_data
from tools.evidence import iso, parse_iso

MAX_NOTE = 2_000
SAID = ("right", "wrong", "partly")


@dataclass(frozen=True)
class Told:
    """An incident with its newest diagnosis and what was said: `feedback` rows of the ledger, the oldest first."""

    incident: str
    diagnosis: Diagnosis
    feedback: Sequence[Mapping[str, Any]]
    signals: Sequence[Mapping[str, Any]] = ()
    service_kinds: Mapping[str, str] = field(default_factory=dict)
    depends_on: Mapping[str, Sequence[str]] = field(default_factory=dict)
    onset_ms: int = 0
    resolved_ms: int | None = None
    folder: str = ""


def judging(feedback: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What counts of what was said and judges the cause."""
    return [row for row in standing(feedback) if row["cause"] in SAID]


def draft(told: Told) -> StoredCase | None:
    """A draft case; None while nobody has judged the cause. Raises nothing: what cannot be read is a conflict."""
    words = judging(told.feedback)
    if not words:
        return None
    labels: dict[str, list[str]] = {}
    kept: dict[str, Label] = {}
    conflicts: list[str] = []
    for row in words:
        try:
            label = label_of(told, row)
        except BadInput as error:
            conflicts.append(f"{row['author']}: {error}")
            continue
        key = cause_of(label)
        labels.setdefault(key, []).append(str(row["author"]))
        kept.setdefault(key, label)
    if len(labels) > 1:
        conflicts += [f"{', '.join(authors)}: {key}" for key, authors in sorted(labels.items())]
    agreed = next(iter(kept.values())) if len(kept) == 1 else None
    return _case(told, agreed, sorted({a for names in labels.values() for a in names}), conflicts)


def cause_of(label: Label) -> str:
    """The cause in one line, for comparing and for people."""
    if label.verdict is not Verdict.DIAGNOSED:
        return label.verdict.value
    return "; ".join(f"{c.category.value} of {c.component.kind.value} {c.component.name}" for c in label.causes)


def label_of(told: Told, row: Mapping[str, Any]) -> Label:
    """What one author says the truth is. Raises BadInput where the words do not amount to a label."""
    correction = {str(k): str(v).strip() for k, v in (row.get("correction") or {}).items()}
    if row["cause"] == "right" and not correction.get("component"):
        return _confirmed(told, row)
    if correction.get("verdict") == Verdict.NO_FAULT.value:
        return Label(format=1, verdict=Verdict.NO_FAULT)
    if not correction.get("component") or not correction.get("category"):
        raise BadInput("says it is wrong, and not yet what it was: a component and a category are needed")
    try:
        category = Category(correction["category"])
    except ValueError as error:
        raise BadInput(f"there is no category {correction['category'][:60]!r}") from error
    component = component_named(told, correction["component"], correction.get("kind", ""))
    right = _action(correction, component)
    return Label(format=1, verdict=Verdict.DIAGNOSED, onset=iso(_onset(told, correction)),  # type: ignore[arg-type]
                 causes=(Cause(component=component, category=category),), actions=LabelActions(right=right))


def _confirmed(told: Told, row: Mapping[str, Any]) -> Label:
    found = told.diagnosis
    if found.verdict is Verdict.NO_FAULT:
        return Label(format=1, verdict=Verdict.NO_FAULT)
    roots = [h for h in found.hypotheses if h.status is HypothesisStatus.ROOT]
    if not roots:
        raise BadInput("calls an undetermined diagnosis right: there is no cause to keep")
    worked = tuple(LabelAction(kind=a.kind, target=next(iter(a.targets), "")) for a in found.actions
                   if row.get("action") == "right" and a.kind not in (ActionKind.NONE, ActionKind.COLLECT_MORE))
    return Label(format=1, verdict=Verdict.DIAGNOSED, onset=iso(_onset(told, {})),  # type: ignore[arg-type]
                 causes=tuple(Cause(component=h.component, category=h.category) for h in roots),
                 actions=LabelActions(right=worked[:1]))


def component_named(told: Told, name: str, kind: str = "") -> Component:
    """The thing of that name as the evidence knows it. Raises BadInput where no finding is about it."""
    first, _, rest = name.partition(" ")
    kind, rest = (first, rest) if rest and first in set(ComponentKind) else (kind, name)
    for f in findings_of(told.diagnosis.evidence):
        s = f.subject
        if s.container == rest and kind in ("", ComponentKind.CONTAINER):
            return Component(kind=ComponentKind.CONTAINER, name=rest, service=s.service, colour=s.colour,
                             cluster=s.cluster)
    for f in findings_of(told.diagnosis.evidence):
        s = f.subject
        if s.service == rest and kind in ("", ComponentKind.SERVICE, ComponentKind.PROVIDER):
            is_provider = told.service_kinds.get(rest) == "provider" or kind == ComponentKind.PROVIDER
            return Component(kind=ComponentKind.PROVIDER if is_provider else ComponentKind.SERVICE, name=rest,
                             service=rest, cluster=s.cluster)
        if s.host == rest and kind in ("", ComponentKind.HOST):
            return Component(kind=ComponentKind.HOST, name=rest, cluster=s.cluster)
    raise BadInput(f"nothing was found about {rest[:80]!r} in this incident, so nothing can be learned about it")


def _action(correction: Mapping[str, str], component: Component) -> tuple[LabelAction, ...]:
    kind = correction.get("action", "")
    if kind not in set(ActionKind):
        return ()
    return (LabelAction(kind=ActionKind(kind), target=correction.get("target") or component.name),)


def _onset(told: Told, correction: Mapping[str, str]) -> int:
    for text in (correction.get("onset", ""), told.diagnosis.onset or ""):
        try:
            return parse_iso(text)
        except (ValueError, OverflowError):
            continue
    return told.onset_ms or parse_iso(told.diagnosis.asked_at)


def _case(told: Told, label: Label | None, authors: list[str], conflicts: list[str]) -> StoredCase:
    """Everything kept is redacted once more: what engineers type was never inside the first redaction."""
    hide = Redactor()
    notes = [str(row.get("comment") or "")[:MAX_NOTE] for row in judging(told.feedback)]
    said = [f"{s.get('title', '')} {s.get('text', '')}" for s in told.signals[:20]]
    builds = {str(f.extra.get("build", "")) for f in findings_of(told.diagnosis.evidence)} - {""}
    observations = [{"id": e["id"], "question": e["question"], "status": e["status"], "findings": e["findings"]}
                    for e in told.diagnosis.evidence]
    context = {"service_kinds": dict(told.service_kinds),
               "depends_on": {name: list(needed) for name, needed in told.depends_on.items()},
               "topology": topology(told.service_kinds.values()),
               "builds": sorted(builds)[:20], "diagnosis": _brief(told.diagnosis)}
    return StoredCase(
        id=f"case-{told.incident}", incident_id=told.incident, state="draft",
        label={} if label is None else label_data(label),
        observations=hide.redact_mapping({"all": observations})["all"],
        context=hide.redact_mapping(context), text=hide.redact(" ".join([*said, *notes]))[:4_000],
        folder=told.folder, conflicts=[hide.redact(c)[:300] for c in conflicts], authors=authors,
        at_ms=parse_iso(told.diagnosis.asked_at))


def _brief(found: Diagnosis) -> dict[str, Any]:
    root = next((h for h in found.hypotheses if h.status is HypothesisStatus.ROOT), None)
    return {"verdict": found.verdict.value, "card": root.card if root else "", "confidence": root.confidence if root
            else 0.0, "cause": f"{root.category.value} of {root.component.kind.value} {root.component.name}"
            if root else found.verdict.value}


def verifier(case: StoredCase, told: Told, policy: Learning) -> str:
    """Who vouches for the label by the rule; "" while nobody does. A conflict is never verified by a rule."""
    if not case.label or case.conflicts:
        return ""
    if policy.verify == "trusted":
        return next((a for a in case.authors if a in policy.trusted), "")
    if policy.verify == "two":
        return ", ".join(case.authors[:2]) if len(case.authors) >= 2 else ""
    worked = any(row.get("action") == "right" for row in judging(told.feedback))
    return "outcome" if told.resolved_ms is not None and worked else ""


def relabelled(case: StoredCase, changes: Mapping[str, Any]) -> StoredCase:
    """The case with parts of its label replaced by a reviewer, conflicts settled. Raises BadInput."""
    label = read_label_data({**case.label, "format": 1, **changes})
    return replace(case, label=label_data(label), conflicts=[])

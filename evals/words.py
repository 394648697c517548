"""What engineers say in a replay: that the diagnosis was right, what it was instead, or something false."""

from __future__ import annotations

import random
from dataclasses import replace

from agent.codes import Category, ComponentKind, Verdict
from agent.diagnosis import Component, Diagnosis
from agent.odds import CONFIDENT
from evals.example import Example
from evals.label import Cause, Label, LabelActions
from evals.school import School
from evals.scorers import best_root


def feedback(school: School, diagnosis: Diagnosis, example: Example, *, right: bool, told: Label) -> School:
    """What one engineer says: "right", or the cause as they see it. Both are verified by one trusted voice."""
    root = best_root(diagnosis)
    card = root.card if root else ""
    if right:
        said = example.label if told is example.label else _as_diagnosed(diagnosis, example.label)
        return school if said is None else school.taught(replace(example, label=said), led=card, right=True)
    confident = root is not None and diagnosis.verdict is Verdict.DIAGNOSED and root.confidence >= CONFIDENT
    shipped = diagnosis.verdict is Verdict.NO_FAULT or (confident and card not in school.cards)
    return school.taught(replace(example, label=told), led=card, right=False, confident_other=shipped)


def _as_diagnosed(diagnosis: Diagnosis, truth: Label) -> Label | None:
    """The label a person gives who calls a wrong diagnosis right."""
    root = best_root(diagnosis)
    if root is None:
        return None
    return truth.model_copy(update={"verdict": Verdict.DIAGNOSED, "causes": (
        Cause(component=root.component, category=root.category),), "onset": truth.onset or 0,
        "actions": LabelActions()})


def false_label(example: Example, rng: random.Random) -> Label:
    """Some other thing that was seen in the incident, with some other category."""
    truth = example.cause
    names = sorted({(f.subject.container, f.subject.service) for f in example.findings if f.subject.container})
    names = [n for n in names if truth is None or n[0] != truth.component.name] or [("nobody", "")]
    container, service = rng.choice(names)
    category = rng.choice([c for c in Category if c is not Category.UNKNOWN and (not truth or c is not truth.category)])
    component = Component(kind=ComponentKind.CONTAINER, name=container, service=service)
    return example.label.model_copy(update={
        "verdict": Verdict.DIAGNOSED, "onset": example.label.onset or 1, "actions": LabelActions(),
        "causes": (Cause(component=component, category=category),)})

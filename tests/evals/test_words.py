"""What engineers say in a replay, and what it changes: a false word about a right answer is the cheapest to resist."""

from __future__ import annotations

import random

from agent.codes import Category, ComponentKind, Verdict
from agent.diagnosis import Component, Diagnosis, Hypothesis, Usage
from evals.example import Example
from evals.school import School
from evals.words import false_label, feedback
from tests.evals.incidents_told import label, leak
from tests.evals.test_school import START, only

AT = "2026-03-01T10:05:00.000Z"


def diagnosis(card: str, name: str, category: Category, *, confidence: float = 0.95) -> Diagnosis:
    root = Hypothesis(rank=1, status="root", category=category, mechanism="", confidence=confidence, card=card,  # type: ignore[arg-type]
                      component=Component(kind=ComponentKind.CONTAINER, name=name, service="work"))
    return Diagnosis(incident="inc", run="r", asked_at=AT, verdict=Verdict.DIAGNOSED, hypotheses=(root,), onset=AT,
                     usage=Usage(model="analyst"))


def told(school: School, example: Example, seed: int) -> School:
    """A false word about the right answer of the only card there is."""
    name = only(school)
    right = diagnosis(name, example.label.causes[0].component.name, Category.RESOURCE_LEAK)
    return feedback(school, right, example, right=False, told=false_label(example, random.Random(seed)))


def test_no_false_word_about_a_right_answer_costs_the_card_anything() -> None:
    """Whatever is blamed, the card of one word stays as it was, nothing is learned, and the word is listed."""
    school = START.taught(leak())
    for seed in range(40):
        after = told(school, leak("box-b", 2), seed)
        assert (after.cards, after.credits, after.suspended) == (school.cards, school.credits, school.suspended)
        assert "case-leak-2" in [n.about for n in after.review()]


def test_a_right_word_is_an_outcome() -> None:
    """It counts for the card, and the same again is not stored again."""
    school = START.taught(leak())
    name = only(school)
    after = feedback(school, diagnosis(name, "box-b", Category.RESOURCE_LEAK), leak("box-b", 2), right=True,
                     told=leak("box-b", 2).label)
    assert after.credits[name].right == 1
    assert after.examples == school.examples


def test_calling_an_undetermined_diagnosis_right_teaches_nothing() -> None:
    """There is no cause to keep."""
    nothing = Diagnosis(incident="inc", run="r", asked_at=AT, verdict=Verdict.UNDETERMINED,
                        usage=Usage(model="analyst"))
    assert feedback(START, nothing, leak(), right=True, told=label("docs-1", Category.CRASH_LOOP)) is START


def test_correcting_a_confident_shipped_answer_waits() -> None:
    """One voice against a card that came with the product, or against "nothing is wrong"."""
    shipped = diagnosis("crash-loop", "docs-1", Category.CRASH_LOOP)
    assert not feedback(START, shipped, leak(), right=False, told=leak().label).cards
    unsure = diagnosis("crash-loop", "docs-1", Category.CRASH_LOOP, confidence=0.4)
    assert feedback(START, unsure, leak(), right=False, told=leak().label).cards

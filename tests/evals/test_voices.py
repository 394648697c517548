"""Voices: words about incidents that look alike bear each other out or contradict each other; others say nothing."""

from __future__ import annotations

from dataclasses import replace

from agent.codes import Category, ComponentKind
from agent.diagnosis import Component
from evals.example import Example
from evals.plausible import share_of_blame
from evals.voices import bears_out, contradicting, nearest, same_lesson
from tests.evals.incidents_told import drift, label, leak, quiet
from tests.evals.test_school import KNOWN


def blamed(example: Example, name: str, category: Category = Category.CRASH_LOOP) -> Example:
    return replace(example, label=label(name, category))


def test_another_incident_that_looks_alike_bears_a_word_out() -> None:
    """Same kind of cause, other names; never the incident itself, another cause, or one that looks different."""
    assert bears_out(leak("box-b", 2), leak())
    assert not bears_out(leak(), leak())
    assert not bears_out(blamed(leak("box-b", 2), "box-b"), leak())
    assert not bears_out(replace(drift(), label=label("pod-9", Category.RESOURCE_LEAK)), leak())


def test_that_nothing_is_wrong_is_borne_out_only_by_what_looks_the_same() -> None:
    """Half alike is enough for a cause and not for its absence."""
    assert bears_out(quiet(2), quiet(1))
    other = replace(quiet(2), observations=leak().observations)
    assert not bears_out(other, quiet(1))


def test_only_what_looks_the_same_contradicts() -> None:
    """Two causes for one look cannot both be right; two causes for two looks can."""
    other = blamed(leak("box-b", 2), "box-b")
    assert contradicting(other, (leak(), drift())) == (leak(),)
    assert contradicting(leak("box-b", 2), (leak(),)) == ()


def test_nobody_is_nearest_to_nothing() -> None:
    """Without others 0; itself does not count."""
    assert nearest(leak(), ()) == 0.0
    assert nearest(leak(), (leak(),)) == 0.0
    assert nearest(leak(), (leak("box-b", 2), drift())) > 0.9


def test_a_lesson_needs_a_culprit_somebody_saw() -> None:
    """A word about nobody, or about a service of another kind, is no lesson a card could state."""
    assert same_lesson(leak(), leak("box-b", 2))
    assert not same_lesson(leak(), blamed(leak("box-b", 2), "ghost", Category.RESOURCE_LEAK))
    assert not same_lesson(leak(), replace(leak("box-b", 2), service_kinds={"work": "cache"}))


def test_blame_is_shared_by_what_was_found() -> None:
    """The leaking container carries all of it, a bystander little; of one component or none each side has half."""
    culprit = Component(kind=ComponentKind.CONTAINER, name="box-a", service="work")
    assert share_of_blame(blamed(leak(), "docs-1"), culprit, KNOWN) < 0.3
    assert share_of_blame(leak(), Component(kind=ComponentKind.CONTAINER, name="docs-1"), KNOWN) > 0.7
    assert share_of_blame(blamed(leak(), "box-a"), culprit, KNOWN) == 0.5
    assert share_of_blame(quiet(), culprit, KNOWN) == 0.5

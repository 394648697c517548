"""Manners: the topic, layer or resource of a finding is part of what a lesson turns on; counts and names are not."""

from __future__ import annotations

import pytest

from agent.card import load_cards
from agent.codes import Category
from agent.learned_card import dump, parse_learned
from agent.odds import assess, roots
from evals.example import Example
from evals.learn import learn
from evals.manners import MANNERS, manners_of
from tests.evals.incidents_told import answers, found, label, quiet
from tools.findings import KINDS, Finding, Subject

KNOWN = tuple(c for c in load_cards() if c.category is not Category.RATE_LIMITED)


def rejected(name: str, *, passed_on: bool, status: int = 429, number: int = 1) -> Example:
    """A container answers 429, by its own decision or because the one behind it does."""
    extra = {"status": status, "lines": 40 + number} | ({"passed_on": True} if passed_on else {})
    findings = (
        Finding("status_rejected", Subject(service="work", container=name, role="active"), 1.0, extra=extra),
        found("errors_logged_up", name, service="work", role="active"), found("user_errors_up"),
        found("template_new", name, service="work", role="active"),
        found("started_in_window", "docs-1", 0.8, service="docs"))
    cause = label(name, Category.RATE_LIMITED if not passed_on else Category.PROVIDER_FAILURE)
    return Example(f"case-{name}-{number}", f"inc-{name}-{number}", cause, answers(*findings), {"work": "api"})


def test_every_manner_is_of_a_kind_there_is() -> None:
    """A kind that was renamed would silently lose its manners."""
    assert set(MANNERS) <= set(KINDS)


def test_a_finding_is_stated_from_general_to_particular() -> None:
    """Nothing said first, everything last; a field that is not set is false; counts are never part of it."""
    mine = rejected("box-a", passed_on=False).findings
    said = list(manners_of(next(f for f in mine if f.kind == "status_rejected")))
    assert said[0] == ()
    assert said[-1] == (("passed_on", False), ("status", 429))
    assert len(said) == 4
    assert list(manners_of(found("oom_killed", "box-a"))) == [()]


@pytest.mark.parametrize("odd", [["a"], {"b": 1}, "x" * 41, "", None, float("nan")])
def test_a_damaged_field_is_as_good_as_not_set(odd: object) -> None:
    """One stored finding that nobody of ours wrote keeps no other from being learned."""
    finding = Finding("complaint", Subject(container="box-a"), 1.0, extra={"topic": odd, "healed": True})
    assert list(manners_of(finding))[-1] == (("topic", False), ("healed", True))


def test_a_lesson_about_ones_own_refusals_does_not_take_those_passed_on() -> None:
    """One correction is enough: the manner is in the card before any look-alike was ever seen."""
    card = learn([rejected("box-a", passed_on=False)], contrasts=[quiet()], known=KNOWN).card
    assert card is not None
    same, other = rejected("quokka", passed_on=False, number=2), rejected("zebra", passed_on=True)
    assert roots(assess((*KNOWN, card), same.facts))[0].culprit.container == "quokka"
    assert not roots(assess((card,), other.facts))
    assert parse_learned(dump(card), name="x") == card


@pytest.mark.parametrize("passed_on", [False, True])
def test_what_differs_between_two_examples_is_not_asked_for(passed_on: bool) -> None:
    """502 once and 503 once: the status is no part of the lesson, that it is one's own is."""
    both = [rejected("box-a", passed_on=passed_on, status=502),
            rejected("box-b", passed_on=passed_on, status=503, number=2)]
    card = learn(both, contrasts=[quiet()], known=KNOWN).card
    assert card is not None
    assert [e.where for e in card.expects if e.finding == "status_rejected"] == [{"passed_on": passed_on}]

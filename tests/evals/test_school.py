"""The school: feedback can be wrong, so nothing is averaged, contradictions are listed and bad cards retire."""

from __future__ import annotations

from dataclasses import replace

from agent.card import load_cards
from agent.codes import Category
from agent.recognise import proven
from evals.example import Example
from evals.school import School
from tests.evals.incidents_told import drift, found, label, leak, quiet

KNOWN = tuple(c for c in load_cards() if c.category not in (Category.RESOURCE_LEAK, Category.CRASH_LOOP,
                                                            Category.CONFIG_DRIFT))
START = School(KNOWN).taught(quiet())


def only(school: School) -> str:
    assert len(school.cards) == 1
    return next(iter(school.cards))


def test_one_correction_makes_one_card() -> None:
    """And the second incident of the family is recalled with the first one's id."""
    school = START.taught(leak())
    assert school.cards[only(school)].provenance.incidents == ("inc-leak-1",)
    recalled = school.experience().recall((), leak("other", 2).findings)
    assert recalled.past[0].past.incident == "inc-leak-1"


def test_a_second_example_refines_the_card_and_keeps_its_id() -> None:
    """Both incidents stand in its provenance."""
    first = START.taught(leak())
    second = first.taught(leak("box-z", 2, extra=()))
    twin = leak("box-z", 3)
    third = second.taught(replace(twin, observations=twin.observations[:-1]))
    assert only(first) == only(third)


def test_a_nearly_identical_incident_is_not_learned_twice() -> None:
    """The same findings under another id change nothing."""
    school = START.taught(leak())
    assert school.taught(leak("box-a", 2)).cards == school.cards


def test_contradicting_a_confident_diagnosis_waits_for_a_second_voice() -> None:
    """One voice waits and is listed; the second one teaches."""
    one = START.taught(leak(), confident_other=True)
    assert not one.cards
    assert [n.kind for n in one.review()] == ["waiting"]
    two = one.taught(leak("box-b", 2), confident_other=True)
    assert len(two.cards) == 1
    assert two.waiting == ()


def test_a_card_never_confirmed_gives_way_to_a_contradiction() -> None:
    """The wrong lesson retires with notice, the right one replaces it."""
    wrong = START.taught(replace(leak(), label=label("box-a", Category.NOISY_NEIGHBOUR)), seconded=True)
    bad = only(wrong)
    right = wrong.taught(leak("box-c", 2))
    assert bad in right.retired
    assert {n.kind for n in right.review()} >= {"conflict", "retired"}
    assert [c.category for c in right.cards.values()] == [Category.RESOURCE_LEAK]


def test_a_confirmed_card_survives_one_contradiction() -> None:
    """Confirmed twice, it is not overturned by one voice, but the voice is listed."""
    school = START.taught(leak())
    name = only(school)
    school = school.outcome(name, right=True).outcome(name, right=True)
    after = school.taught(replace(leak("box-d", 2), label=label("box-d", Category.NOISY_NEIGHBOUR)), seconded=True)
    assert name in after.cards
    assert any(n.kind == "conflict" and name in n.about for n in after.review())


def test_a_card_that_is_wrong_more_than_right_retires_with_notice() -> None:
    """Wrong twice is enough where it was never right; twice right it stays."""
    school = START.taught(leak())
    name = only(school)
    assert name in school.outcome(name, right=False).cards
    gone = school.outcome(name, right=False).outcome(name, right=False)
    assert "wrong 2 times" in gone.retired[name]
    proven = school.outcome(name, right=True).outcome(name, right=True)
    assert name in proven.outcome(name, right=False).outcome(name, right=False).cards


def test_a_card_that_stops_matching_its_own_cause_retires() -> None:
    """Three misses in a row; a hit between them starts the count anew."""
    school = START.taught(leak())
    name = only(school)
    assert name in school.missed(name).missed(name).outcome(name, right=True).missed(name).cards
    assert name not in school.missed(name).missed(name).missed(name).cards


def test_different_causes_make_different_cards() -> None:
    """A leak and a drift do not share a card, and neither takes the other's incident."""
    school = START.taught(leak()).taught(drift())
    assert {c.category for c in school.cards.values()} == {Category.RESOURCE_LEAK, Category.CONFIG_DRIFT}


def blamed(example: Example, name: str, category: Category = Category.CRASH_LOOP) -> Example:
    return replace(example, label=label(name, category))


def test_a_word_the_evidence_speaks_against_is_not_learned() -> None:
    """A bystander that merely started is blamed for what the leaking container shows: it waits and is listed."""
    school = START.taught(blamed(leak(), "docs-1"))
    assert not school.cards
    assert [n.kind for n in school.review()] == ["implausible"]
    assert "box-a" in school.review()[0].text


def test_a_doubted_word_is_learned_once_it_is_borne_out() -> None:
    """A second incident that looks alike and is given the same kind of cause, or a verifier; never the word itself."""
    one = START.taught(blamed(leak(), "docs-1"))
    assert not one.taught(blamed(leak(), "docs-1")).cards
    assert one.doubted(blamed(leak("box-z", 2), "docs-1", Category.CONFIG_DRIFT))
    assert not one.doubted(blamed(leak("box-z", 2), "docs-1"))
    assert not [n for n in START.taught(blamed(leak(), "docs-1"), seconded=True).review() if n.kind == "implausible"]


def test_an_answer_that_is_contradicted_suspends_its_card_at_once() -> None:
    """However often it was right before; the next verified incident of its cause brings it back under its id."""
    school = START.taught(leak())
    name = only(school)
    for _ in range(5):
        school = school.outcome(name, right=True)
    other = blamed(leak("box-d", 2), "box-d", Category.CRASH_LOOP)
    after = school.taught(other, led=name, confident_other=True)
    assert name in after.suspended
    assert not after.experience().cards
    assert "suspended" in {n.kind for n in after.review()}
    again = after.taught(leak("box-e", 3, extra=(found("user_errors_up", service="docs"),)))
    assert list(again.cards) == [name]
    assert not again.suspended


def test_a_card_of_one_word_gets_no_fast_path() -> None:
    """It is lent and asks its questions; it concludes alone only after an outcome or a second incident."""
    school = START.taught(leak())
    assert proven(school.experience()) == ()
    assert proven(school.outcome(only(school), right=True).experience()) == school.experience().cards
    assert proven(school.outcome(only(school), right=False).experience()) == ()

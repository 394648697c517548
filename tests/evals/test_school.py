"""The school: feedback can be wrong, so nothing is averaged, contradictions are listed and bad cards retire."""

from __future__ import annotations

from dataclasses import replace

from agent.card import load_cards
from agent.codes import Category
from agent.recognise import proven
from evals.example import Example
from evals.school import School
from evals.voices import SAME_AGAIN, SECOND_VOICE, alike, neighbours
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


def contradicted(name: str = "box-d", number: int = 2) -> Example:
    """What looks like a leak once more, and is called something else."""
    return blamed(leak(name, number), name)


def test_of_two_words_about_the_same_the_older_stands_until_a_third() -> None:
    """Neither averaged nor replaced by the newest: the newer waits, listed, and counts against no card."""
    school = START.taught(leak())
    after = school.taught(contradicted(), led=only(school), right=False)
    assert (after.cards, after.credits) == (school.cards, {})
    assert [e.id for e in after.waiting] == ["case-leak-2"]
    assert [n.kind for n in after.review()] == ["conflict"]


def test_a_third_word_outweighs_a_card_and_opens_its_incident_again() -> None:
    """The card is suspended, the word that taught it waits, and the cause that two people name is learned."""
    school = START.taught(leak())
    bad = only(school)
    after = school.taught(contradicted(), led=bad, right=False).taught(contradicted("box-f", 3), led=bad, right=False)
    assert bad in after.suspended
    assert [e.id for e in after.waiting] == ["case-leak-1"]
    assert {n.kind for n in after.review()} >= {"conflict", "suspended", "reopened"}
    assert [c.category for c in after.cards.values()] == [Category.CRASH_LOOP]


def test_a_suspended_card_returns_under_its_id_when_its_cause_is_verified_again() -> None:
    """Two against two decide nothing; the third that says so does."""
    school = START.taught(leak())
    bad = only(school)
    after = school.taught(contradicted(), led=bad, right=False).taught(contradicted("box-f", 3), led=bad, right=False)
    false = only(after)
    tied = after.taught(leak("box-e", 4), led=false, right=False)
    assert list(tied.cards) == [false]
    assert "case-leak-4" in {n.about for n in tied.review()}
    again = tied.taught(leak("box-g", 5), led=false, right=False)
    assert list(again.cards) == [bad]
    assert false in again.suspended


def test_a_card_often_confirmed_is_not_overturned_by_one_voice() -> None:
    """Nor by two that agree: each confirmation is a word, though it teaches nothing new; the voices are listed."""
    school = START.taught(leak())
    name = only(school)
    for number in (4, 5):
        school = school.taught(leak("box-e", number), led=name, right=True)
    assert [e.id for e in school.echoes] == ["case-leak-4", "case-leak-5"]
    after = school.taught(contradicted(), led=name, right=False).taught(contradicted("box-f", 3), led=name, right=False)
    assert list(after.cards) == [name]
    assert {n.about for n in after.review()} == {"case-leak-2", "case-leak-3"}


def test_a_false_confirmation_does_not_silence_those_who_contradicted() -> None:
    """Two say it was a crash loop; who then calls the card right waits with them, and the next voice decides."""
    school = START.taught(leak())
    name = only(school)
    two = school.taught(contradicted(), led=name, right=False)
    held = replace(two, waiting=(*two.waiting, contradicted("box-f", 3)))
    after = held.taught(leak("box-e", 4), led=name, right=True)
    assert "case-leak-4" in {e.id for e in after.waiting}
    assert after.credits == {}


def test_a_confirmation_that_its_nearest_incident_contradicts_is_listed() -> None:
    """Right was said of a crash loop where the most alike verified incident was a leak: it counts, and is looked at."""
    more = (found("exited", "box-f"), found("throttling", "box-f"), found("queue_growth"))
    somewhat = blamed(leak("box-f", 3, extra=more), "box-f")
    school = START.taught(leak())
    assert SECOND_VOICE < alike(somewhat, leak()) < SAME_AGAIN
    after = school.taught(somewhat, right=True)
    assert [(n.kind, n.about) for n in after.review()] == [("doubtful", "case-leak-3")]
    assert "case-leak-1" in after.review()[0].text
    assert somewhat in after.examples
    assert not school.taught(somewhat, right=True, seconded=True).review()


def test_what_a_neighbouring_kind_of_incident_says_does_not_count() -> None:
    """Only words about incidents about as like as the nearest are weighed, however many resemble it a little."""
    near, far = leak("box-b", 2), drift()
    assert neighbours(leak(), (near, far)) == [near]
    assert neighbours(leak(), (far,)) == [far]
    assert neighbours(leak(), (far,), among=(near,)) == []


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
    assert one.borne_out(blamed(leak("box-z", 2), "docs-1"))
    assert not one.borne_out(blamed(leak("box-z", 2), "docs-1", Category.CONFIG_DRIFT))
    assert not one.borne_out(blamed(leak(), "docs-1"))
    assert not [n for n in START.taught(blamed(leak(), "docs-1"), seconded=True).review() if n.kind == "implausible"]


def test_a_card_of_one_word_gets_the_fast_path_only_where_the_same_comes_again() -> None:
    """Elsewhere it is lent and asks its questions; it concludes alone after an outcome or a second incident."""
    school = START.taught(leak())
    name = only(school)
    lent = school.experience()
    assert proven(lent, {}) == ()
    assert proven(lent, {name: 0.6}) == ()
    assert proven(lent, {name: 0.9}) == lent.cards
    assert proven(school.outcome(name, right=True).experience(), {}) == lent.cards
    assert proven(school.outcome(name, right=False).experience(), {}) == ()

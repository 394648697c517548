"""The fast path: a card whose incident looked the same is asked for what it cannot be without, and nothing else is."""

from __future__ import annotations

from agent.candidate import Candidate
from agent.card import Card, Expectation, Provenance
from agent.codes import Category, Verdict
from agent.odds import Facts, Observation, assess, gather, roots
from agent.recognise import certain, resembles, to_confirm, to_look_for
from evals.example import FINDS
from evals.learn import learn
from tests.evals.incidents_told import drift, leak, quiet
from tests.evals.test_school import KNOWN
from tools.toolbox import QUESTIONS

CARD = learn([leak()], contrasts=[quiet(), drift()], known=KNOWN).card
assert CARD is not None
NEEDED = {e.finding for e in CARD.expects if e.needed}


def seen(*, until_needed: bool) -> Facts:
    """The leak as far as it was looked into: everything, or all but the questions that find what the card needs."""
    told = [o for o in leak("box-b", 2).observations if not (until_needed and NEEDED & set(FINDS[o.question]))]
    return gather([Observation(o.evidence_id, o.question, o.status, o.findings) for o in told], FINDS,
                  {"work": "worker"})


def test_what_a_card_needs_is_looked_for_while_it_is_about_nobody() -> None:
    """The question can find it; once asked, it is not asked again; a card that is about somebody asks its own."""
    before = seen(until_needed=True)
    asks = to_look_for((CARD,), before, QUESTIONS, frozenset())
    assert asks
    assert NEEDED & {kind for a in asks for kind in a.question.finds}
    assert not {a.key for a in asks} & {
        a.key for a in to_look_for((CARD,), before, QUESTIONS, frozenset(a.key for a in asks))}
    assert to_look_for((CARD,), seen(until_needed=False), QUESTIONS, frozenset()) == ()
    assert to_look_for((), before, QUESTIONS, frozenset()) == ()


def test_a_card_that_is_about_nobody_resembles_nothing() -> None:
    """It is held against nothing and concludes nothing."""
    before = seen(until_needed=True)
    assert certain(assess((CARD,), before)) is None
    assert not [c for c in assess((CARD,), before) if not c.open]


def test_one_card_after_the_other_is_confirmed() -> None:
    """The questions of the most alike come first; those of a second one wait until the first has been answered."""
    facts = seen(until_needed=False)
    assert resembles((CARD,), facts)
    one = CARD.model_copy(update={"id": "learned-one", "asks": ("metrics.host",), "separates": ()})
    two = CARD.model_copy(update={"id": "learned-two", "asks": ("queues.state",), "separates": ()})
    few = Facts(facts.observations, facts.looked_for, facts.answered - {"metrics.host", "queues.state"}, facts.seen,
                facts.service_kinds)
    first = to_confirm((one, two), few, QUESTIONS, frozenset())
    assert [a.question.name for a in first] == ["metrics.host"]
    second = to_confirm((one, two), few, QUESTIONS, frozenset(a.key for a in first))
    assert [a.question.name for a in second] == ["queues.state"]


def test_only_a_learned_card_is_recognised() -> None:
    """A shipped one is concluded by the investigation, whatever its confidence."""
    facts = seen(until_needed=False)
    assert isinstance(certain(assess((CARD,), facts)), Candidate)
    shipped = CARD.model_copy(update={"provenance": CARD.provenance.model_copy(update={"shipped": True})})
    assert certain(assess((shipped,), facts)) is None


def harmless(weight: float) -> Card:
    """A control that accounts for all that a leak shows and is that sure of it, in log-odds above its prior."""
    text = {"en": "{x}", "ko": "{x}"}
    return Card(id="harmless-here", title=text, mechanism=text, category=Category.UNKNOWN, verdict=Verdict.NO_FAULT,
                prior=-3, binds={}, expects=(Expectation(finding="user_errors_up", weight=weight, needed=True),),
                explains=tuple(sorted({f.kind for f in leak().findings})), provenance=Provenance(shipped=True))


def test_a_learned_cause_yields_to_a_likelier_control() -> None:
    """One lesson does not call an incident what a control is surer of; it stands where the control is less sure."""
    facts = seen(until_needed=False)
    (alone,) = roots(assess((CARD,), facts))
    sure, unsure = alone.log_odds + 3.5, alone.log_odds + 2.5
    assert roots(assess((CARD, harmless(sure)), facts)) == ()
    assert certain(assess((CARD, harmless(sure)), facts)) is None
    assert [c.card.id for c in roots(assess((CARD, harmless(unsure)), facts))] == [CARD.id]


def test_a_control_that_may_not_be_surer_is_likelier_all_the_same() -> None:
    """A ceiling on its confidence ranks it below the lesson; the odds decide who leads, and nothing is explained away.
    """
    facts = seen(until_needed=False)
    (alone,) = roots(assess((CARD,), facts))
    capped = harmless(alone.log_odds + 3.5).model_copy(update={"ceiling": 0.75})
    assert roots(assess((CARD, capped), facts)) == ()


def test_a_shipped_cause_is_held_back_by_its_refuters_only() -> None:
    """What ships is written to tell causes and controls apart; odds alone do not silence it."""
    shipped = CARD.model_copy(update={"provenance": Provenance(shipped=True)})
    facts = seen(until_needed=False)
    (alone,) = roots(assess((shipped,), facts))
    assert roots(assess((shipped, harmless(alone.log_odds + 3.5)), facts))

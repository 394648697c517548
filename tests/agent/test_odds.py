"""Inference: cards bound to findings, by log-odds."""

from dataclasses import replace

import pytest

from agent.card import load_cards
from agent.codes import Verdict
from agent.conclusion import conclude
from agent.odds import assess, gather, roots
from tests.agent.told import BUSY, FINDS, STRAY, STRAY_STORY, T0, answer, observe, waiting_role_works
from tools.evidence import Status
from tools.findings import Finding, Subject

CARDS = load_cards()


def ranked(*evidence):
    return assess(CARDS, gather(observe(*evidence), FINDS))


def test_a_working_standby_is_the_root_and_its_name_comes_from_the_findings() -> None:
    """The stray is named as observed, dated by its work, and confident."""
    (root,) = roots(ranked(*STRAY_STORY))
    assert root.culprit.container == "crunch-left"
    assert root.card.category == "role_violation"
    assert root.since_ms == T0
    assert root.confidence >= 0.7
    assert "E2" in root.supports


@pytest.mark.parametrize("kind", ["both_colours_declared", "drain_decaying"])
def test_what_refutes_the_stray_keeps_it_from_being_concluded(kind: str) -> None:
    """A declared mode or a decaying drain takes the accusation back."""
    refuter = Finding(kind, STRAY, 1.0, detail="declared")
    story = [replace(e, findings=(*e.findings, refuter)) if e.id == "E2" else e for e in STRAY_STORY]
    assert roots(ranked(*story)) == ()


def test_without_the_needed_finding_no_cause_is_named() -> None:
    """Circumstance alone (a deploy, slow users) convicts nobody."""
    story = [e for e in STRAY_STORY if e.id != "E2"]
    assert roots(ranked(*story)) == ()
    assert conclude(ranked(*story), gather(observe(*story), FINDS)).verdict is Verdict.UNDETERMINED


def test_a_look_alike_that_was_not_told_apart_caps_the_confidence() -> None:
    """The views were not read, so a declared mode is still possible: nothing is concluded, and the reason is kept."""
    story = [replace(e, status=Status.FAILED, findings=()) if e.id == "E3" else e for e in STRAY_STORY]
    best = next(c for c in ranked(*story) if c.card.category == "role_violation" and not c.open)
    assert best.confidence < 0.5
    assert any("declared-both-colours" in u for u in best.untold)
    assert roots(ranked(*story)) == ()


def test_the_ledger_of_odds_adds_up() -> None:
    """The log-odds are exactly the sum of the terms shown, of which each finding's cites its evidence."""
    for c in ranked(*STRAY_STORY):
        assert c.log_odds == pytest.approx(sum(t.change for t in c.terms))
        assert all(t.evidence_id for t in c.terms if t.change > 0)


def test_weaker_findings_give_lower_odds() -> None:
    """Strength counts: half the strength never raises the confidence."""
    strong = ranked(answer("E1", "logs.activity", waiting_role_works(strength=1.0)))
    weak = ranked(answer("E1", "logs.activity", waiting_role_works(strength=0.5)))
    by_id = lambda cs: {c.card.id: c.log_odds for c in cs if not c.open}  # noqa: E731
    assert by_id(weak)["stray-standby-consumer"] < by_id(strong)["stray-standby-consumer"]


def test_a_declared_mode_with_healthy_users_is_no_fault() -> None:
    """Both colours work because it was declared: nothing to diagnose, no onset, no hypotheses."""
    story = (
        answer("E1", "metrics.onset", Finding("user_healthy", Subject(service="front"), 1.0, 1.0, 1.0)),
        answer("E2", "logs.activity", Finding("share_of_work", BUSY, 0.9, 0.5, 1.0, "down", T0)),
        answer("E3", "bluegreen.views", Finding("both_colours_declared", Subject(service="front"), 1.0, since_ms=T0)),
    )
    draft = conclude(ranked(*story), gather(observe(*story), FINDS))
    assert draft.verdict is Verdict.NO_FAULT
    assert draft.hypotheses == ()
    assert draft.onset is None
    assert draft.claims


def test_removing_the_card_removes_the_skill() -> None:
    """Knowledge is data: without its card the stray is undetermined."""
    cards = [c for c in CARDS if c.category != "role_violation"]
    facts = gather(observe(*STRAY_STORY), FINDS)
    assert conclude(assess(cards, facts), facts).verdict is not Verdict.DIAGNOSED


def test_the_same_findings_give_the_same_draft() -> None:
    """Deterministic, whatever the order in which evidence of a batch came in."""
    facts = gather(observe(*STRAY_STORY), FINDS)
    shuffled = gather(observe(*reversed(STRAY_STORY)), FINDS)
    one, two = conclude(assess(CARDS, facts), facts), conclude(assess(reversed(CARDS), shuffled), shuffled)
    assert one.hypotheses[0] .component == two.hypotheses[0].component
    assert one.verdict == two.verdict
    assert one.model_dump() == conclude(assess(CARDS, facts), facts).model_dump()

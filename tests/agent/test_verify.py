"""Verification: nothing is published that the evidence does not carry."""

from agent.card import load_cards
from agent.codes import ActionKind, Category, ComponentKind, HypothesisStatus, Verdict
from agent.conclusion import conclude
from agent.diagnosis import Claim, Component, Hypothesis
from agent.draft import Draft, Proposal
from agent.odds import assess, gather
from agent.verify import check
from tests.agent.told import FINDS, STRAY, STRAY_STORY, as_dicts, observe
from tools.findings import Finding

EVIDENCE = as_dicts(*STRAY_STORY)
FACTS = gather(observe(*STRAY_STORY), FINDS)
RANKED = assess(load_cards(), FACTS)
HONEST = conclude(RANKED, FACTS)


def test_the_analysts_own_draft_passes() -> None:
    """An honest draft is accepted as it is."""
    checked = check(HONEST, EVIDENCE, analyst=RANKED)
    assert checked.passed, checked.complaints
    assert checked.draft.verdict is Verdict.DIAGNOSED


def test_a_planted_number_is_rejected() -> None:
    """One invented number in one claim: that claim goes, the complaint names it, the rest stays."""
    lie = Claim(text="crunch-left did 73 % of the work.", evidence=("E2",))
    checked = check(HONEST.model_copy(update={"claims": (*HONEST.claims, lie)}), EVIDENCE, analyst=RANKED)
    assert [c.about for c in checked.complaints] == [lie.text]
    assert "73" in checked.complaints[0].why
    assert checked.draft.claims == HONEST.claims


def test_evidence_that_does_not_exist_cannot_be_cited() -> None:
    """An unknown id is refused in claims and in hypotheses."""
    lie = Claim(text="crunch-left is at fault.", evidence=("E99",))
    made_up = HONEST.hypotheses[0].model_copy(update={"supports": ("E77",)})
    checked = check(HONEST.model_copy(update={"claims": (lie,), "hypotheses": (made_up,)}), EVIDENCE, analyst=RANKED)
    assert checked.draft.verdict is Verdict.UNDETERMINED
    assert {"E99", "E77"} <= {w.split()[-1] for w in (c.why for c in checked.complaints)}


def test_a_component_nobody_observed_cannot_be_the_cause() -> None:
    """A hallucinated container is refused; with no root left the verdict becomes undetermined, with nothing to stop."""
    ghost = Hypothesis(
        rank=1, status=HypothesisStatus.ROOT, category=Category.CRASH_LOOP, mechanism="x", confidence=0.9,
        component=Component(kind=ComponentKind.CONTAINER, name="ghost-1"), supports=("E2",),
    )
    draft = Draft(verdict=Verdict.DIAGNOSED, claims=HONEST.claims, hypotheses=(ghost,),
                  actions=(Proposal(kind=ActionKind.STOP_CONTAINER, targets=("ghost-1",)),))
    checked = check(draft, EVIDENCE, analyst=RANKED)
    assert checked.draft.verdict is Verdict.UNDETERMINED
    assert [a.kind for a in checked.draft.actions] == [ActionKind.COLLECT_MORE]


def test_a_root_must_be_spoken_of_by_the_evidence_it_cites() -> None:
    """Citing evidence about someone else proves nothing."""
    wrong = HONEST.hypotheses[0].model_copy(update={"supports": ("E1",)})
    checked = check(HONEST.model_copy(update={"hypotheses": (wrong,)}), EVIDENCE, analyst=RANKED)
    assert any("says nothing about crunch-left" in c.why for c in checked.complaints)


def test_an_onset_no_finding_dates_is_refused() -> None:
    """The onset is one of the moments the findings give, within a minute."""
    checked = check(HONEST.model_copy(update={"onset": "2026-11-18T09:00:00Z"}), EVIDENCE, analyst=RANKED)
    assert any(c.about == "onset" for c in checked.complaints)


def test_refuting_evidence_is_listed_and_lowers_confidence() -> None:
    """A model that keeps silent about what speaks against its cause has it listed and its confidence capped."""
    drain = Finding("drain_decaying", STRAY, 1.0)
    story = [*STRAY_STORY[:1], STRAY_STORY[1].__class__(**{**STRAY_STORY[1].__dict__, "findings": (
        *STRAY_STORY[1].findings, drain)}), *STRAY_STORY[2:]]
    ranked = assess(load_cards(), gather(observe(*story), FINDS))
    bold = HONEST.hypotheses[0].model_copy(update={"confidence": 0.99, "refutes": ()})
    checked = check(HONEST.model_copy(update={"hypotheses": (bold,)}), as_dicts(*story), analyst=ranked)
    kept = checked.draft.hypotheses[0]
    assert "E2" in kept.refutes
    assert kept.confidence < 0.5


def test_no_fault_carries_no_hypotheses() -> None:
    """A draft that says no fault and accuses someone is made consistent."""
    checked = check(HONEST.model_copy(update={"verdict": Verdict.NO_FAULT}), EVIDENCE)
    assert checked.draft.hypotheses == ()
    assert checked.draft.onset is None


def test_unknown_is_never_called_healthy() -> None:
    """`no_fault` needs an answer of a question that would have seen users or work suffer; else it is undetermined."""
    healthy = HONEST.model_copy(update={"verdict": Verdict.NO_FAULT})
    blind = {i: {**e, "status": "failed"} if e["question"] in ("metrics.onset", "logs.activity") else e
             for i, e in EVIDENCE.items()}
    assert check(healthy, EVIDENCE).draft.verdict is Verdict.NO_FAULT
    told = check(healthy, blind)
    assert told.draft.verdict is Verdict.UNDETERMINED
    assert any("neither users nor work" in c.why for c in told.complaints)

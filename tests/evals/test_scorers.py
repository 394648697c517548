"""Scorers: each can say right and wrong."""

from agent.action import Action
from agent.card import load_cards
from agent.codes import ActionKind, Category, ComponentKind, Verdict
from agent.conclusion import conclude
from agent.diagnosis import Component, Diagnosis, Usage
from agent.odds import assess, gather
from evals.label import Cause, Label, LabelAction, LabelActions
from evals.scorers import score
from tests.agent.told import FINDS, STRAY_STORY, T0, as_dicts, observe
from tools.evidence import iso

FACTS = gather(observe(*STRAY_STORY), FINDS)
DRAFT = conclude(assess(load_cards(), FACTS), FACTS)
STOP = Action(kind=ActionKind.STOP_CONTAINER, targets=("crunch-left",), steps=(), risk="", verify="", undo="")
RIGHT = Diagnosis(
    incident="i", run="r", asked_at=iso(T0), verdict=DRAFT.verdict, onset=DRAFT.onset, claims=DRAFT.claims,
    hypotheses=DRAFT.hypotheses, actions=(STOP,), evidence=tuple(as_dicts(*STRAY_STORY).values()),
    usage=Usage(model="analyst"),
)
STRAY = Component(kind=ComponentKind.CONTAINER, name="crunch-left", service="crunch", colour="left")
TRUTH = Label(
    format=1, family="F01", verdict=Verdict.DIAGNOSED, onset=iso(T0),  # type: ignore[arg-type]
    causes=(Cause(component=STRAY, category=Category.ROLE_VIOLATION),),
    actions=LabelActions(right=(LabelAction(kind=ActionKind.STOP_CONTAINER, target="crunch-left"),),
                         harmful=(LabelAction(kind=ActionKind.STOP_CONTAINER, target="crunch-right"),)),
)


def values(diagnosis: Diagnosis, label: Label = TRUTH) -> dict[str, float | None]:
    return {k: s.value for k, s in score(diagnosis, label).items()}


def test_the_right_answer_scores_full() -> None:
    """Cause, component, category, onset, action and grounding are right, nothing is harmful."""
    got = values(RIGHT)
    assert got.pop("wrong_and_confident") == 0.0
    assert {name: got.pop(name) for name in ("all_causes", "right_or_gap")} == dict.fromkeys(
        ("all_causes", "right_or_gap"))  # neither a compound nor a modality taken away
    assert set(got.values()) == {1.0}


def test_the_wrong_container_is_wrong_and_stopping_it_is_harmful() -> None:
    """Accusing and stopping the innocent peer fails cause, component, action and harmlessness."""
    accused = RIGHT.hypotheses[0].model_copy(update={"component": STRAY.model_copy(update={"name": "crunch-right"})})
    bad = RIGHT.model_copy(update={"hypotheses": (accused,),
                                   "actions": (STOP.model_copy(update={"targets": ("crunch-right",)}),)})
    got = values(bad)
    assert (got["cause"], got["component"], got["action"], got["harmless"]) == (0.0, 0.0, 0.0, 0.0)
    assert got["wrong_and_confident"] == 1.0
    assert got["category"] == 1.0


def test_an_onset_two_minutes_off_is_wrong() -> None:
    """Within 60 s is right, beyond is not."""
    assert values(RIGHT.model_copy(update={"onset": iso(T0 + 59_000)}))["onset"] == 1.0
    assert values(RIGHT.model_copy(update={"onset": iso(T0 + 120_000)}))["onset"] == 0.0


def test_a_claim_with_a_foreign_number_is_not_grounded() -> None:
    """Grounding is checked again on what was stored."""
    lie = RIGHT.claims[0].model_copy(update={"text": "It took 777 jobs."})
    assert values(RIGHT.model_copy(update={"claims": (lie,)}))["grounded"] == 0.0


def test_abstaining_is_wrong_but_not_confident() -> None:
    """`undetermined` on a fault scores no cause, and no wrong-and-confident either."""
    abstained = RIGHT.model_copy(update={"verdict": Verdict.UNDETERMINED, "hypotheses": (), "onset": None})
    got = values(abstained)
    assert (got["cause"], got["wrong_and_confident"]) == (0.0, 0.0)


def test_stopping_anything_where_nothing_is_wrong_is_harmful() -> None:
    """A control punishes every action that touches the world."""
    control = Label(format=1, verdict=Verdict.NO_FAULT)
    assert values(RIGHT, control)["harmless"] == 0.0
    assert values(RIGHT, control)["cause"] == 0.0

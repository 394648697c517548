"""Cards and details: five lines that are enough, within Slack's limits for the largest case, in both languages."""

from __future__ import annotations

import json
import re

import pytest

from agent.action import Action, Step
from agent.codes import ActionKind, Category, ComponentKind, HypothesisStatus, Verdict
from agent.conversation import Answer, PastIncident
from agent.diagnosis import Claim, Component, Diagnosis, Gap, Hypothesis, Moment, Usage
from agent.prose import LANGUAGES
from config.slack_settings import Links
from tests.triggers.slack.sample import AT, diagnosis, evidence
from tools.evidence import iso
from triggers.links import EvidenceLinks
from triggers.slack.answers import answer_blocks
from triggers.slack.card import card, five_lines
from triggers.slack.details import details
from triggers.slack.fake.workspace import check_blocks, texts_of
from triggers.slack.modal import Components, Judging, modal
from triggers.slack.phrases import phrases
from triggers.slack.story import Mark, Story

HOSTILE = "<!channel> *x* `y` <https://evil.example|ok> 가나다 👩‍👩‍👧‍👦 " * 40


def story(found: Diagnosis | None, **more: object) -> Story:
    incident = {"id": "inc_1", "title": "Slow answers", "state": "done", "severity": "critical", "onset_ms": AT,
                "resolved_ms": None, "linked_to": None, "error": None, "revision": 1, **more}
    return Story(incident=incident, version="v", signal_count=3, folded=2, diagnosis=found, newer=4,
                 acknowledged=Mark("U1", AT), snoozed=Mark("U2", AT, AT + 60_000),
                 past=(PastIncident("inc_0", AT - 9_000_000, "worker-green consumes work", "right"),))


def largest() -> Diagnosis:
    """Everything as long and as many as it may come, and hostile."""
    claims = tuple(Claim(text=HOSTILE, evidence=tuple(f"E{n}" for n in range(1, 30))) for _ in range(30))
    component = Component(kind=ComponentKind.CONTAINER, name=HOSTILE[:900])
    hypotheses = tuple(Hypothesis(rank=n, status=HypothesisStatus.ROOT if n < 3 else HypothesisStatus.EXCLUDED,
                                  component=component, category=Category.UNKNOWN, mechanism=HOSTILE, confidence=0.5,
                                  refutes=("E1", "E2")) for n in range(1, 12))
    step = Step(command=HOSTILE, why=HOSTILE)
    action = Action(kind=ActionKind.STOP_CONTAINER, targets=("a",), steps=(step,) * 12, risk=HOSTILE, verify=HOSTILE,
                    undo=HOSTILE)
    return Diagnosis(
        incident="inc_1", run="run_1", asked_at=iso(AT), verdict=Verdict.DIAGNOSED, onset=iso(AT), claims=claims,
        hypotheses=hypotheses, timeline=tuple(Moment(at=iso(AT), text=HOSTILE, evidence=("E1",)) for _ in range(40)),
        gaps=tuple(Gap(what=HOSTILE, why=HOSTILE, cost=HOSTILE) for _ in range(30)), actions=(action,) * 6,
        evidence=tuple(evidence(n, text=HOSTILE).as_dict() for n in range(1, 60)), usage=Usage(model=HOSTILE))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("found", [None, diagnosis(), largest()], ids=["before the report", "usual", "largest"])
def test_messages_keep_slacks_limits(found: Diagnosis | None, lang: str) -> None:
    """The largest, most hostile case too; the buttons and the cost are never what is left out."""
    links = EvidenceLinks(Links(prometheus="https://p/?q={query}", loki="https://g/?q={containers}&f={from_ms}"))
    _, blocks = card(story(found), lang, links=links)
    check_blocks(blocks)
    assert "operate_acknowledge" in str(blocks)
    if found is not None:
        assert "feedback_wrong" in str(blocks)
        text, below = details(story(found), found, lang, links=links)
        check_blocks(below)
        assert below[-1]["type"] == "context"
        for said in (*texts_of(blocks), *texts_of(below), text):
            assert "<!channel>" not in said
            assert "<https://evil" not in said


@pytest.mark.parametrize("lang", LANGUAGES)
def test_five_lines_are_enough_to_act_on(lang: str) -> None:
    """What broke, since when, why with evidence, what to do with its undo, and what was not seen: in that order."""
    found = diagnosis()
    what, since, why, do, unseen = five_lines(story(found), found, lang, EvidenceLinks())
    assert "worker-green consumes work although its role is to wait" in what
    assert f"<!date^{AT // 1000}^" in since
    assert "[E1]" in why
    assert "`docker stats --no-stream worker-blue` → `docker stop --time 60 worker-green`" in do
    assert "`docker start worker-green`" in do
    assert "containers.stats" in unseen


@pytest.mark.parametrize(("found", "word"), [
    (diagnosis(verdict=Verdict.NO_FAULT, hypotheses=(), onset=None, actions=()), "nothing to do"),
    (diagnosis(verdict=Verdict.UNDETERMINED, onset=None, actions=(
        Action(kind=ActionKind.COLLECT_MORE, targets=(), steps=(), risk="", verify="", undo=""),)), "look again")])
def test_other_verdicts_say_what_to_do_too(found: Diagnosis, word: str) -> None:
    """No fault: nothing; undetermined: what to bring in, never an invented cause."""
    said = "\n".join(five_lines(story(found), found, "en", EvidenceLinks()))
    assert word in said
    check_blocks(card(story(found), "en")[1])


def test_every_mrkdwn_text_is_verbatim() -> None:
    """Slack looks for no names or links of its own in any text."""
    def texts(value: object) -> list[dict[str, object]]:
        if isinstance(value, dict):
            return ([value] if value.get("type") == "mrkdwn" else []) + [t for v in value.values() for t in texts(v)]
        return [t for v in value for t in texts(v)] if isinstance(value, list) else []

    found = texts([*card(story(diagnosis()), "en")[1], *details(story(diagnosis()), diagnosis(), "ko")[1]])
    assert found
    assert all(t["verbatim"] is True for t in found)


def test_evidence_leads_to_the_users_own_pages() -> None:
    """Templates are filled with the encoded query and window; a link that would be too long is none."""
    links = EvidenceLinks(Links(loki="https://g.example/explore?c={containers}&from={from_ms}&to={to_ms}",
                                incident="https://wiki/{incident}"))
    assert links.of(evidence().as_dict()) == (
        f"https://g.example/explore?c=worker-green&from={AT - 900_000}&to={AT + 300_000}")
    assert "<https://g.example/explore?c=worker-green" in json.dumps(card(story(diagnosis()), "en", links=links)[1])
    assert "<https://wiki/inc_1|" in json.dumps(card(story(diagnosis()), "en", links=links)[1])
    assert EvidenceLinks(Links(loki="https://g/" + "x" * 3_000)).of(evidence().as_dict()) == ""


def test_the_largest_inventory_is_picked_by_typing() -> None:
    """Up to 100 names are a menu; more are found while typing; the diagnosis' own names come first."""
    judging = Judging("inc_1", "wrong", "C1", "1.0", "ko")
    few = Components(tuple(f"svc-{n}" for n in range(100)))
    many = Components(tuple(f"svc-{n}" for n in range(900)), ("svc-7",))
    for components, kind in ((few, "static_select"), (many, "external_select")):
        view = modal(judging, components, {"comment": "x" * 9_000, "correction": {"category": "unknown"}, "action": ""})
        check_blocks(view["blocks"], most=100)
        assert view["blocks"][0]["element"]["type"] == kind
        assert Judging.from_text(view["private_metadata"]) == judging
    assert many.like("SVC-89")[:2] == ["svc-89", "svc-890"]
    assert len(many.like("svc")) == 100


def test_answers_keep_slacks_limits() -> None:
    """Claims, commands, gaps and choices as many and as long as may come."""
    answer = Answer(intent="x", lang="ko", say=(HOSTILE,) * 9, claims=largest().claims, gaps=largest().gaps,
                    choices=tuple(f"{n} {HOSTILE}" for n in range(30)), copy=(HOSTILE,) * 9,
                    evidence=tuple(evidence(n).as_dict() for n in range(1, 40)))
    _, blocks = answer_blocks(answer, ["extra"])
    check_blocks(blocks)
    assert "<!channel>" not in json.dumps(blocks)


def test_both_languages_say_the_same_things() -> None:
    """Every fixed sentence exists in English and Korean, with the same names."""
    en, ko = phrases("en"), phrases("ko")
    assert set(en) == set(ko)
    for key in en:
        assert set(re.findall(r"\{(\w+)\}", en[key])) == set(re.findall(r"\{(\w+)\}", ko[key])), key
    assert {f"category.{c.value}" for c in Category} | {f"kind.{k.value}" for k in ActionKind} <= set(en)

"""Whole answers in recorded worlds: right, cited, grounded, and the same in Korean and English."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest

from agent.assemble import assemble
from agent.conversation import Answer, Conversation, PastIncident, Turn
from agent.diagnosis import Diagnosis
from agent.grounding import ground, numbers_in, unsupported
from evals.case import load_case
from tools.recorded.world import open_world
from tools.world import World

CASES = Path(__file__).parents[3] / "evals" / "cases"
PAIRS = [
    ("지금 활성 색이 뭐야?", "which colour is active?"),
    ("worker-blue가 왜 도는거야?", "why is worker-blue running?"),
    ("최근 한시간 동안 뭐 바뀌었어?", "what changed in the last hour?"),
    ("worker-blue 꺼도 돼?", "is it safe to stop worker-blue?"),
    ("그린 꺼도 돼?", "is it safe to stop green?"),
    ("redis 꺼도 돼?", "is it safe to stop redis?"),
    ("무슨 일이야?", "what is going on here?"),
    ("왜 그렇게 생각해?", "why do you think so?"),
    ("언제부터 이랬어?", "since when is it like this?"),
    ("확인 못한 건 뭐야?", "what could you not see?"),
    ("worker 담당이 누구야?", "who owns worker?"),
    ("worker-blue 어느 호스트에서 돌아?", "which host is worker-blue on?"),
    ("한 대 빠져도 버텨?", "can we survive losing one instance?"),
    ("worker 에러율 얼마야?", "what is the error rate of worker?"),
    ("응답시간 어때?", "how is the latency?"),
    ("큐 얼마나 쌓였어?", "how long is the queue?"),
    ("누가 작업 가져가고 있어?", "who is consuming the jobs?"),
    ("cpu 사용량 어때?", "how is the cpu usage?"),
    ("worker-blue 로그 보여줘", "show me the logs of worker-blue"),
    ("블루랑 그린 비교해줘", "compare blue and green"),
    ("worker 버전 뭐야?", "which version is worker?"),
    ("재시작된 컨테이너 있나요?", "did any container restart?"),
    ("이제 복구됐어?", "is it over now?"),
    ("사용자 영향 있어?", "are users affected?"),
    ("어떻게 조치해야 돼?", "what should I do?"),
    ("redis에 누가 의존해?", "what depends on redis?"),
    ("worker-blue 꺼줘", "please stop worker-blue"),
]


@lru_cache
def world_of(case: str) -> tuple[World, int]:
    """The recorded world and its now."""
    return open_world(CASES / case), load_case(CASES / case).now_ms


_DIAGNOSES: dict[str, Diagnosis] = {}


async def diagnosis_of(case: str) -> Diagnosis:
    """The analyst's diagnosis of a case, once."""
    if case not in _DIAGNOSES:
        world, now = world_of(case)
        _DIAGNOSES[case] = await assemble(world).investigate(load_case(CASES / case).incident(), run_id=case,
                                                             asked_at_ms=now)
    return _DIAGNOSES[case]


async def ask(
    text: str, *, case: str = "f01-a", lang: str | None = None, diagnosis: Diagnosis | None = None,
    thread: tuple[Turn, ...] = (), zone: str = "Asia/Seoul", past: tuple[PastIncident, ...] = (),
) -> Answer:
    """One reply in a recorded world."""
    world, now = world_of(case)
    conversation = Conversation(world=world, investigation=assemble(world), diagnosis_of=lambda _id: diagnosis,
                                similar_to=lambda _id: past)
    return await conversation.reply(text, at_ms=now, zone=zone, lang=lang, thread=thread,
                                    incident_id="i-1" if diagnosis or past else None)


def told(answer: Answer) -> str:
    """Everything it says, in one text."""
    return " ".join((*answer.say, *(c.text for c in answer.claims)))


def check_grounded(answer: Answer) -> None:
    """Every claim cites evidence of the answer, and all its numbers, times and names are found there."""
    by_id = {e["id"]: e for e in answer.evidence}
    for claim in answer.claims:
        cited = [by_id[i] for i in claim.evidence]
        assert not unsupported(claim.text, ground(cited, by_id.values())), claim


@pytest.mark.parametrize("case", ["f01-a", "f22-b"])
@pytest.mark.parametrize(("ko", "en"), PAIRS)
async def test_both_languages_say_the_same_and_only_what_is_found(case: str, ko: str, en: str) -> None:
    """The same intent, the same claims by key, numbers and evidence, each grounded; text to copy alike."""
    diagnosis = await diagnosis_of(case)
    a, b = await ask(ko, case=case, diagnosis=diagnosis), await ask(en, case=case, diagnosis=diagnosis)
    assert a.intent == b.intent
    assert (a.lang, b.lang) == ("ko", "en")
    assert [(c.key, c.evidence) for c in a.claims] == [(c.key, c.evidence) for c in b.claims]
    for x, y in zip(a.claims, b.claims, strict=True):
        assert sorted(n for n, _, _ in numbers_in(x.text)) == sorted(n for n, _, _ in numbers_in(y.text)), (x, y)
    assert a.copy == b.copy
    assert a.choices == b.choices
    check_grounded(a)
    check_grounded(b)
    assert a.claims or a.say
    assert not any(g.why.startswith("a sentence was left out") for g in b.gaps), b.gaps


async def test_the_active_colour_and_who_works_against_it() -> None:
    """Three views are told, and that the standby does the work all the same."""
    answer = await ask("지금 활성 색이 뭐야?")
    assert "green" in answer.claims[0].text
    assert answer.claims[0].key == "colour.active"
    assert any(c.key == "work_by_waiting_role" and "worker-blue" in c.text for c in answer.claims)


async def test_a_wrong_belief_is_corrected() -> None:
    """Asked whether blue is active, the answer says no, and which is."""
    answer = await ask("blue 지금 active 맞아?")
    assert answer.claims[0].key == "colour.no"
    assert "green" in answer.claims[0].text


async def test_why_it_runs_names_the_change_that_started_it() -> None:
    """The deploy next to the container's start is cited."""
    answer = await ask("why is worker-blue running?")
    started = next(c for c in answer.claims if c.key == "started_by")
    assert "deploy worker blue build 41" in started.text
    assert len(started.evidence) == 2


@pytest.mark.parametrize(("text", "verdict"), [
    ("worker-blue 꺼도 돼?", "결론: 한가한"), ("is it safe to stop green?", "Short answer: no"),
    ("nginx 꺼도 돼?", "결론: 지금은 안"), ("is it ok to switch traffic to blue?", "Short answer: no"),
])
async def test_stopping_is_judged_by_role_capacity_and_need(text: str, verdict: str) -> None:
    """The stray may go, the active colour may not, what others need may not."""
    answer = await ask(text)
    assert answer.intent == "safe_to_stop"
    assert any(verdict in s for s in answer.say), told(answer)


async def test_a_command_is_refused_with_text_to_copy() -> None:
    """Nothing is executed: the answer says so and gives the careful steps."""
    answer = await ask("worker-blue 당장 꺼줘")
    assert answer.intent == "command"
    assert "실행하지 않았습니다" in answer.say[0]
    assert "docker stop --time 60 worker-blue" in answer.copy
    assert answer.as_dict()["answer"]["executed"] is False


@pytest.mark.parametrize("text", ["stop $(rm -rf /)", "restart worker-blue; rm -rf /", "docker stop `id`"])
async def test_a_hostile_command_gives_no_hostile_text(text: str) -> None:
    """Only observed names reach a command."""
    answer = await ask(text)
    assert not any("rm" in c.split() or "`" in c or "$(" in c for c in answer.copy)


async def test_changes_before_a_clock_in_the_persons_zone() -> None:
    """10:42 in Seoul is 01:42 UTC: the docs deploy was before it, the worker's after."""
    answer = await ask("10:42 전에 뭐 바뀌었어?")
    assert [c.text for c in answer.claims if "docs" in c.text]
    assert "worker" not in told(answer)
    assert "2026-11-21 10:40:39+09:00" in told(answer)


async def test_no_change_is_said_plainly() -> None:
    """An empty stretch is told as empty, with the stretch that was really looked at."""
    answer = await ask("10:41에서 10:43 사이에 뭐 바뀌었어?")
    assert [c.key for c in answer.claims] == ["change.none"]


async def test_what_was_not_captured_is_a_gap() -> None:
    """Before the recording nothing can be known, and that is not "nothing happened"."""
    answer = await ask("어제 오후 3시에 뭐 바뀌었어?")
    assert not answer.claims
    assert answer.gaps


async def test_the_future_is_said() -> None:
    """Nobody knows tomorrow."""
    answer = await ask("what changes tomorrow?")
    assert not answer.claims
    assert "future" in answer.say[0]


async def test_a_follow_up_takes_its_subject_from_the_thread() -> None:
    """그거 is what was spoken of last."""
    _, now = world_of("f01-a")
    thread = (Turn("kim", "worker-blue가 왜 도는거야?", now - 60_000),
              Turn("culprit", "…", now - 50_000, by_culprit=True))
    answer = await ask("그거 꺼도 돼?", thread=thread)
    assert answer.intent == "safe_to_stop"
    assert "docker stop --time 60 worker-blue" in answer.copy


async def test_an_elided_question_repeats_the_last_one() -> None:
    """"and nginx?" after an owner question asks for the owner."""
    _, now = world_of("f01-a")
    answer = await ask("and nginx?", thread=(Turn("kim", "who owns worker?", now - 60_000),))
    assert answer.intent == "owner"
    assert "platform" in told(answer)


async def test_an_ambiguous_name_is_asked_back_and_the_choice_understood() -> None:
    """The choice, sent alone, is answered as the question it belongs to."""
    _, now = world_of("f01-a")
    first = await ask("fastapi-blue가 왜 도는거야?")
    assert "api-blue" in first.choices
    assert not first.claims
    second = await ask("api-blue", thread=(Turn("kim", "fastapi-blue가 왜 도는거야?", now - 60_000),))
    assert second.intent == "what_runs"
    assert any("api-blue" in c.text for c in second.claims)


async def test_the_incident_is_explained_from_its_diagnosis() -> None:
    """Status, why, since and advice speak from the diagnosis' own evidence."""
    diagnosis = await diagnosis_of("f01-a")
    status = await ask("무슨 일이야?", diagnosis=diagnosis)
    assert "worker-blue" in status.say[0]
    assert not status.wants_investigation
    why = await ask("why do you think so?", diagnosis=diagnosis)
    assert {i for c in why.claims for i in c.evidence} <= {e["id"] for e in diagnosis.evidence}
    assert why.claims
    since = await ask("언제부터야?", diagnosis=diagnosis)
    assert [c.key for c in since.claims] == ["onset.is"]
    advice = await ask("그럼 어떻게 해야 돼?", diagnosis=diagnosis)
    assert any("docker stop" in c for c in advice.copy)


async def test_without_a_diagnosis_an_investigation_is_wished_for() -> None:
    """What is wrong is glanced at, and the door is told to investigate."""
    answer = await ask("왜 이렇게 느려?")
    assert answer.intent == "status"
    assert answer.wants_investigation
    assert answer.claims


async def test_not_over_while_it_is_still_found() -> None:
    """Recovery is looked for again, not believed."""
    answer = await ask("복구됐나요?", diagnosis=await diagnosis_of("f01-a"))
    assert "아직 끝나지 않았습니다" in told(answer)


async def test_feedback_in_words_is_heard() -> None:
    """No, it was redis: wrong, with the component and the words."""
    answer = await ask("그거 아니야, 원인은 redis였어", diagnosis=await diagnosis_of("f01-a"))
    assert answer.feedback is not None
    assert (answer.feedback.verdict, answer.feedback.component) == ("wrong", "redis")
    right = await ask("ㅇㅇ 맞아 그게 원인이었음", diagnosis=await diagnosis_of("f01-a"))
    assert right.feedback is not None
    assert right.feedback.verdict == "right"


async def test_earlier_incidents_are_told() -> None:
    """The store's own lines, and plainly none where there are none."""
    past = (PastIncident("i-0", world_of("f01-a")[1] - 86_400_000, "stray standby worker", "stopped it"),)
    assert "stray standby worker" in told(await ask("have we seen this before?", past=past))
    assert "No similar incident" in told(await ask("have we seen this before?"))


@pytest.mark.parametrize("text", ["<!channel> 무슨 일이야 @here", "what is going on <@U123> <https://evil.example|x>",
                                  "\u202e무슨 일이야", "password=hunter2 무슨 일이야?"])
async def test_nothing_hostile_comes_back(text: str) -> None:
    """No mention, link, direction mark or secret of the text is in the answer."""
    shown = str((await ask(text)).as_dict()["answer"])
    assert not re.search(r"<[!@#h]|@here|\u202e|hunter2|evil\.example", shown)


@pytest.mark.parametrize("text", ["", " ", "?", "가" * 4000, "a" * 100_000, "🤷", "\ud83d", "((((", "\x00\x01"])
async def test_anything_may_be_typed(text: str) -> None:
    """Every text has an answer, and none raises."""
    answer = await ask(text)
    assert answer.say or answer.claims


async def test_out_of_scope_says_so() -> None:
    """Without a model, what is not understood is told as such, with what can be asked."""
    answer = await ask("양자역학의 코펜하겐 해석에 대한 견해를 들려줄래")
    assert answer.intent == "out_of_scope"
    assert not answer.claims

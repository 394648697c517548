"""Conversations in Slack: where we answer, where we stay silent, and the real conversation behind the door."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.assemble import assemble
from agent.conversation import Answer, HeardFeedback
from evals.case import load_case
from tests.tools.recorded.tiny_case import write_tiny_case
from tests.triggers.parts import signal
from tests.triggers.slack.sample import AT
from tests.triggers.slack.stage import Stage, stage
from tools.recorded.world import open_world
from triggers.slack.conversing import plain_question
from triggers.slack.running import slack_conversation


async def card_of(s: Stage) -> str:
    """The ts of an announced card."""
    await s.take_in(signal("slow", starts_ms=AT, service="worker"))
    report = await s.until(lambda: next((m for m in s.slack.workspace.by_bot() if "Report is ready" in m.text), None))
    return str(report.thread_ts)


@pytest.mark.parametrize(("text", "expected"), [
    ("which colour is live?", "api: blue is active"), ("지금 활성 색이 뭐야?", "api: 활성 색상은 blue입니다")])
async def test_the_real_conversation_answers_with_evidence(tmp_path: Path, text: str, expected: str) -> None:
    """On a recorded world, through the app: an answer with evidence and its time, in the language of the question."""
    folder = write_tiny_case(tmp_path / "tiny").folder
    async with stage(tmp_path, worker=False) as s:
        world = open_world(folder)
        talk = slack_conversation(s.culprit, {world.cluster: assemble(world)})
        s.door._conversing._conversation = talk
        s.door._conversing._now_ms = lambda: load_case(folder).now_ms
        said, _ = await s.slack.mention(text)
        answer = await s.until(lambda: next((r for r in s.slack.workspace.replies(said.ts) if expected in r.said),
                                            None), seconds=15)
        assert "E1" in answer.said
        assert "UTC" in answer.said


async def test_direct_messages_and_the_pane(tmp_path: Path) -> None:
    """A direct message is answered in its thread; the pane is greeted, shows that we look, and is answered."""
    async with stage(tmp_path, worker=False) as s:
        said, _ = await s.slack.write("which colour is live?", channel="D1")
        await s.until(lambda: "blue is active" in "".join(r.said for r in s.slack.workspace.replies(said.ts)))
        started = {"type": "assistant_thread_started", "assistant_thread": {
            "user_id": "U1", "channel_id": "D1", "thread_ts": "1795000900.000000", "context": {}}}
        await s.slack.event(started)
        await s.until(lambda: any(a.get("prompts") for a in s.slack.workspace.statuses))
        await s.slack.write("which colour is live?", channel="D1", thread_ts="1795000900.000000")
        await s.until(lambda: any("blue is active" in r.said for r in s.slack.workspace.replies("1795000900.000000")))
        assert any(a.get("status") for a in s.slack.workspace.statuses)


async def test_people_may_talk_to_each_other_below_a_card(tmp_path: Path) -> None:
    """Small talk, words for somebody else and talk elsewhere stay unanswered; a question below our card is answered."""
    async with stage(tmp_path, pictures=False) as s:
        card = await card_of(s)
        before = len(s.slack.workspace.replies(card))
        s.talking.answer = Answer(intent="out_of_scope", lang="en", say=("I cannot answer that.",))
        await s.slack.write("lunch?", thread_ts=card)
        await s.slack.write("<@U9> can you look?", thread_ts=card)
        await s.slack.write("which colour is live?")
        await s.until(lambda: len(s.talking.asked) == 1)
        await asyncio.sleep(0.1)
        assert len([m for m in s.slack.workspace.replies(card) if m.user == "UBOT00001"]) == before
        s.talking.answer = Answer(intent="since", lang="en", say=("Since 02:10.",))
        await s.slack.write("since when?", thread_ts=card)
        await s.until(lambda: any("Since 02:10" in m.said for m in s.slack.workspace.replies(card)))


async def test_what_was_said_before_is_passed_on(tmp_path: Path) -> None:
    """The thread's earlier turns, ours among them, come with the next question; other threads' do not."""
    async with stage(tmp_path, worker=False) as s:
        said, _ = await s.slack.mention("which colour is live?")
        await s.until(lambda: any("blue is active" in r.said for r in s.slack.workspace.replies(said.ts)))
        await s.slack.mention("and the worker?", thread_ts=said.ts)
        await s.slack.mention("another matter")
        await s.until(lambda: len(s.talking.asked) == 3)
        second = next(a for a in s.talking.asked if a["text"] == "and the worker?")
        assert [(t.by_culprit, t.text) for t in second["thread"]] == [
            (False, "which colour is live?"), (True, "blue is active.")]
        assert next(a for a in s.talking.asked if a["text"] == "another matter")["thread"] == ()


async def test_a_question_back_is_answered_by_a_button(tmp_path: Path) -> None:
    """Choices are buttons; pressing one asks again with it."""
    async with stage(tmp_path, worker=False) as s:
        s.talking.answer = Answer(intent="owner", lang="en", choices=("owner of api", "owner of worker"))
        said, _ = await s.slack.mention("whose is it?")
        answer = await s.until(lambda: next((r for r in s.slack.workspace.replies(said.ts)
                                             if "choose_1" in str(r.blocks)), None))
        s.talking.answer = Answer(intent="owner", lang="en", say=("team payments",))
        await s.slack.press(answer, "choose_1")
        await s.until(lambda: any("team payments" in r.said for r in s.slack.workspace.replies(said.ts)))
        assert s.talking.asked[-1]["text"] == "owner of worker"


async def test_a_verdict_in_words_is_feedback(tmp_path: Path) -> None:
    """“no, it was the api” below a card is stored with its correction, and thanked for."""
    async with stage(tmp_path, pictures=False) as s:
        card = await card_of(s)
        s.talking.answer = Answer(intent="feedback", lang="en", feedback=HeardFeedback("wrong", component="api-1"))
        await s.slack.write("no, it was api-1", thread_ts=card)
        await s.until(s.feedback)
        assert [(r["cause"], r["correction"]) for r in s.feedback()] == [("wrong", {"component": "api-1"})]
        await s.until(lambda: any("evaluation case" in r.said for r in s.slack.workspace.replies(card)))


@pytest.mark.parametrize(("text", "expected"), [
    ("<@UBOT> what changed?", "what changed?"), ("<@U2|kim> said &lt;x&gt; &amp; y", "@kim said <x> & y"),
    ("<!channel> <#C1|ops> <https://a.b/c|page>", "@channel #ops page"), ("<!subteam^S1|@sre> hi", "@@sre hi"),
    ("<@UBOT>", "")])
def test_slacks_markup_is_read_as_people_read_it(text: str, expected: str) -> None:
    """The mention of ourselves goes; names, links and entities become words."""
    assert plain_question(text, bot="UBOT") == expected

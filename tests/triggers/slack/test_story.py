"""Whole stories against the real app: an alert, its thread, a question, feedback; by Socket Mode and by HTTP."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa

from agent.conversation import Answer
from config.tables import slack_events
from tests.triggers.parts import signal
from tests.triggers.slack.sample import AT
from tests.triggers.slack.stage import stage
from triggers.audit import Audit
from triggers.slack.marks import Marks
from triggers.verdicts import Verdicts


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_from_alert_to_stored_feedback(tmp_path: Path, http: bool) -> None:
    """Alert, card, report, picture, question below it, wrong, modal, stored: each once, each acknowledged in time."""
    async with stage(tmp_path, http=http) as s:
        card, replies = await s.reported()
        assert "worker-green consumes work" in card.said
        assert "docker stop --time 60 worker-green" in card.said
        assert any("docker start worker-green" in r.said for r in replies)
        assert sum(bool(r.files) for r in replies) == 1
        assert next(iter(s.slack.workspace.files.values()))["content"].startswith(b"\x89PNG")
        _, ack = await s.slack.mention("지금 활성 색이 뭐야?", thread_ts=card.ts)
        assert ack.seconds < 1
        answer = await s.until(lambda: next((r for r in s.slack.workspace.replies(card.ts)
                                             if "blue is active" in r.said), None))
        assert "E1" in answer.said
        assert s.talking.asked[0] | {"thread": ()} == {
            "text": "지금 활성 색이 뭐야?", "at_ms": s.talking.asked[0]["at_ms"], "zone": "Asia/Seoul",
            "incident": s.incident, "thread": ()}
        assert (await s.slack.press(card, "feedback_wrong")).seconds < 1
        view = await s.until(lambda: s.slack.workspace.views[-1] if s.slack.workspace.views else None)
        done = await s.slack.submit(view, {
            "component": {"component": {"selected_option": {"value": "api-1"}}},
            "category": {"category": {"selected_option": {"value": "crash_loop"}}},
            "note": {"note": {"value": "it was the api"}}})
        assert done.seconds < 1
        assert done.payload == {}
        rows = s.feedback()
        assert [(r["cause"], r["author"], r["correction"], r["comment"]) for r in rows] == [
            ("wrong", "U1", {}, ""),
            ("wrong", "U1", {"component": "api-1", "category": "crash_loop"}, "it was the api")]
        await s.until(lambda: "api-1" in str(s.slack.workspace.ephemerals))
        assert len(s.slack.workspace.roots()) == 1


async def test_pressing_twice_stores_once_and_changing_ones_mind_keeps_the_history(tmp_path: Path) -> None:
    """A double click is one row; another verdict is another row, and the newest counts."""
    async with stage(tmp_path, pictures=False) as s:
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        card = await s.until(lambda: next((m for m in s.slack.workspace.roots() if "feedback_right" in str(m.blocks)),
                                          None))
        await asyncio.gather(s.slack.press(card, "feedback_right"), s.slack.press(card, "feedback_right"))
        await s.until(lambda: len(s.slack.workspace.ephemerals) == 2)
        assert [r["cause"] for r in s.feedback()] == ["right"]
        await s.slack.press(card, "feedback_partly")
        await s.until(lambda: len(s.feedback()) == 2)
        await s.slack.press(card, "feedback_right")
        await s.until(lambda: len(s.feedback()) == 3)
        await s.slack.press(card, "feedback_right", user="U2")
        await s.until(lambda: len(s.feedback()) == 4)
        standing = Verdicts(s.culprit.ledger).standing(s.incident)
        assert [(r["author"], r["cause"]) for r in standing] == [("U1", "right"), ("U2", "right")]


async def test_a_modal_that_says_nothing_or_something_unknown_stays_open(tmp_path: Path) -> None:
    """Errors come back at their field; nothing is stored beyond the press."""
    async with stage(tmp_path, pictures=False) as s:
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        card = await s.until(lambda: next((m for m in s.slack.workspace.roots() if "feedback_wrong" in str(m.blocks)),
                                          None))
        await s.slack.press(card, "feedback_wrong")
        view = await s.until(lambda: s.slack.workspace.views[-1] if s.slack.workspace.views else None)
        nothing = await s.slack.submit(view, {"note": {"note": {"value": "  "}}})
        assert nothing.payload["response_action"] == "errors"
        strange = await s.slack.submit(view, {
            "component": {"component": {"selected_option": {"value": "$(rm -rf /)"}}}})
        assert "component" in strange.payload["errors"]
        assert len(s.feedback()) == 1


async def test_nothing_was_wrong_can_be_said_in_the_modal(tmp_path: Path) -> None:
    """Chosen as a kind of cause, it is stored as the verdict a watch learns from (triggers/anomalies/store.py)."""
    async with stage(tmp_path, pictures=False) as s:
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        card = await s.until(lambda: next((m for m in s.slack.workspace.roots() if "feedback_wrong" in str(m.blocks)),
                                          None))
        await s.slack.press(card, "feedback_wrong")
        view = await s.until(lambda: s.slack.workspace.views[-1] if s.slack.workspace.views else None)
        assert "not an anomaly" in str(view)
        await s.slack.submit(view, {"category": {"category": {"selected_option": {"value": "no_fault"}}}})
        assert s.feedback()[-1]["correction"] == {"verdict": "no_fault"}


async def test_buttons_of_the_card(tmp_path: Path) -> None:
    """Acknowledge and quiet show on the card, look again queues it, export puts a draft below it; all audited."""
    async with stage(tmp_path, pictures=False) as s:
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        card = await s.until(lambda: next((m for m in s.slack.workspace.roots() if "operate_export" in str(m.blocks)),
                                          None))
        await s.slack.press(card, "operate_acknowledge", user="U7")
        await s.until(lambda: "<@U7> took this on" in card.said)
        await s.slack.press(card, "operate_snooze")
        await s.until(lambda: "quiet until" in card.said)
        await s.slack.press(card, "operate_export")
        draft = await s.until(lambda: next((f["content"].decode() for f in s.slack.workspace.files.values()
                                            if f["content"]), None))
        assert "## Timeline" in draft
        assert "U7: acknowledge" in draft
        await s.slack.press(card, "operate_again")
        await s.until(lambda: len(s.culprit.ledger.diagnoses(s.incident)) == 2)
        what = [row["what"] for row in Audit(s.culprit.database).read(subject=s.incident)]
        assert what == ["acknowledge", "snooze", "export", "again"]


async def test_reactions_are_weak_signals_only(tmp_path: Path) -> None:
    """A thumb on the card is remembered beside the feedback, never as feedback."""
    async with stage(tmp_path, pictures=False) as s:
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        card = await s.until(lambda: next(iter(s.slack.workspace.roots()), None))
        await s.slack.react(card, "+1")
        await s.slack.react(card, "tada")
        marks = Marks(s.culprit.database)
        assert await s.until(lambda: marks.reactions(s.incident)) == [("U1", "+1", "right")]
        await s.slack.react(card, "+1", removed=True)
        await s.until(lambda: not marks.reactions(s.incident))
        assert s.feedback() == []


async def test_forged_and_old_requests_are_refused(tmp_path: Path) -> None:
    """HTTP mode: a wrong signature and one that is older than five minutes are 401, and nothing is kept."""
    async with stage(tmp_path, http=True, worker=False) as s, aiohttp.ClientSession() as session:
        body = json.dumps({"type": "event_callback", "event_id": "EvX", "event": {"type": "app_mention"}})
        for headers in ({}, {**s.slack.signature(body), "X-Slack-Signature": "v0=0"},
                        s.slack.signature(body, age_seconds=600)):
            async with session.post(s.slack.door, data=body,
                                    headers={"Content-Type": "application/json", **headers}) as answer:
                assert answer.status == 401
        with s.culprit.database.read() as connection:
            assert connection.execute(sa.select(slack_events)).all() == []


async def test_a_question_that_needs_an_investigation_gets_its_report_in_its_thread(tmp_path: Path) -> None:
    """The question becomes a signal; card and report are told below it."""
    async with stage(tmp_path, pictures=False) as s:
        s.talking.answer = Answer(intent="status", lang="en", say=("Let me look.",), wants_investigation=True)
        said, _ = await s.slack.mention("why is checkout slow?", channel="C2")
        card = await s.until(lambda: next((m for m in s.slack.workspace.replies(said.ts)
                                           if "feedback_right" in str(m.blocks)), None))
        assert card.channel == "C2"
        assert s.culprit.incidents.show(s.incident)["signals"][0]["kind"] == "question"
        assert s.slack.workspace.roots("C1") == []


async def test_shadow_mode_is_silent_everywhere_else(tmp_path: Path) -> None:
    """Whatever the routes say, only the test channel is written to, and questions elsewhere stay unanswered."""
    route = {"match": {"service": "worker"}, "channel": "C2"}
    async with stage(tmp_path, pictures=False, shadow_channel="CTEST", routes=[route]) as s:
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        await s.until(lambda: any("feedback_right" in str(m.blocks) for m in s.slack.workspace.roots("CTEST")))
        await s.slack.mention("which colour is live?", channel="C1")
        await asyncio.sleep(0.2)
        assert {m.channel for m in s.slack.workspace.by_bot()} == {"CTEST"}
        assert s.slack.workspace.ephemerals == []


async def test_who_may_is_decided_by_user_group_and_channel(tmp_path: Path) -> None:
    """Others are told, in private, who may; both are in the audit."""
    allowed = {"ask": {"groups": ["S1"]}, "feedback": {"users": ["U5"]}}
    async with stage(tmp_path, pictures=False, permissions=allowed) as s:
        s.slack.workspace.groups["S1"] = ["U1"]
        said, _ = await s.slack.mention("which colour?", user="U1")
        await s.until(lambda: "blue is active" in "".join(r.said for r in s.slack.workspace.replies(said.ts)))
        other, _ = await s.slack.mention("which colour?", user="U2")
        await s.until(lambda: "<!subteam^S1>" in str(s.slack.workspace.ephemerals))
        assert s.slack.workspace.replies(other.ts) == []
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        card = await s.until(lambda: next((m for m in s.slack.workspace.roots() if "feedback_right" in str(m.blocks)),
                                          None))
        await s.slack.press(card, "feedback_right", user="U1")
        await s.until(lambda: "<@U5>" in str(s.slack.workspace.ephemerals))
        assert s.feedback() == []
        await s.slack.press(card, "feedback_right", user="U5")
        await s.until(s.feedback)
        noted = {("U2", "ask", False), ("U1", "ask", True), ("U1", "feedback", False), ("U5", "feedback", True)}
        await s.until(lambda: {(r["actor"], r["what"], r["allowed"])
                               for r in Audit(s.culprit.database).read()} >= noted)

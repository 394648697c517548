"""Slack's own troubles: nothing is lost and nothing is said twice, whatever it does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa

from agent.incident import Severity
from config.tables import outbox, slack_events
from tests.triggers.parts import signal
from tests.triggers.slack.sample import AT
from tests.triggers.slack.stage import Stage, stage
from triggers.grouping import apply_merge
from triggers.slack.fake import FakeSlack, Posted
from triggers.wiring import build_correlator, build_outbox


async def settled(s: Stage) -> None:
    """Everything that was to be sent has been sent."""
    def waiting() -> int:
        with s.culprit.database.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).where(outbox.c.state != "sent")).scalar_one())

    await s.until(lambda: waiting() == 0)


async def test_a_slack_that_is_away_blocks_no_diagnosis(tmp_path: Path) -> None:
    """The incident is diagnosed while Slack answers 503; afterwards card and report come, in order, once."""
    async with stage(tmp_path, pictures=False) as s:
        s.slack.away = True
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        await s.until(lambda: s.culprit.incidents.list() and s.culprit.ledger.diagnosis(s.incident))
        assert s.slack.workspace.messages == []
        s.slack.away = False
        await settled(s)
        card, report = s.slack.workspace.by_bot()
        assert (card.thread_ts, report.thread_ts) == ("", card.ts)
        assert "feedback_right" in str(card.blocks)


async def test_rate_limits_are_waited_for(tmp_path: Path) -> None:
    """429 with Retry-After delays a message; it is sent once."""
    async with stage(tmp_path, pictures=False) as s:
        s.slack.fail("chat.postMessage", "ratelimited", retry_after=1)
        s.slack.fail("chat.update", "ratelimited", retry_after=1)
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        await settled_after_report(s)
        assert len(s.slack.workspace.by_bot()) == 2


async def settled_after_report(s: Stage) -> None:
    """Card with its conclusion, and nothing left to send."""
    await s.until(lambda: any("feedback_right" in str(m.blocks) for m in s.slack.workspace.roots()))
    await settled(s)


async def test_a_long_retry_after_is_left_to_the_outbox(tmp_path: Path) -> None:
    """A wait longer than five seconds blocks no connection: the row says when it is due."""
    async with stage(tmp_path, worker=False, connect=False) as s:
        s.slack.fail("chat.postMessage", "ratelimited", retry_after=60)
        await announced_only(s)
        with s.culprit.database.read() as connection:
            row = connection.execute(sa.select(outbox)).one()
        assert row.state == "waiting"
        assert row.ready_ms - row.created_ms > 50_000
        assert len(s.slack.called("chat.postMessage")) == 1


async def announced_only(s: Stage) -> None:
    """An incident is opened and its announcement sent once by hand."""
    await s.take_in(signal("slow", starts_ms=AT, service="worker"))
    await asyncio.to_thread(build_correlator(s.culprit).tick)
    await build_outbox(s.culprit).send_one()


async def test_a_post_whose_answer_was_lost_is_found_again(tmp_path: Path) -> None:
    """The message arrived, the reference did not: the marker in its metadata prevents a second one."""
    async with stage(tmp_path, pictures=False) as s:
        s.slack.lose_answer("chat.postMessage")
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        await settled_after_report(s)
        assert len(s.slack.workspace.roots()) == 1
        assert len(s.slack.workspace.replies(s.slack.workspace.roots()[0].ts)) == 1


async def test_a_revoked_token_loses_nothing(tmp_path: Path) -> None:
    """Messages wait until the token works again, and then come once."""
    async with stage(tmp_path, pictures=False) as s:
        s.slack.revoked = True
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        await s.until(lambda: s.culprit.incidents.list() and s.culprit.ledger.diagnosis(s.incident))
        await s.until(lambda: len(s.slack.called("conversations.history")) >= 1)  # looked for, and refused again
        s.slack.revoked = False
        await settled_after_report(s)
        assert len(s.slack.workspace.by_bot()) == 2


async def test_an_archived_channel_falls_back_to_the_default(tmp_path: Path) -> None:
    """A route into an archived channel is told in the default one."""
    route = {"match": {"service": "worker"}, "channel": "C2"}
    async with stage(tmp_path, pictures=False, routes=[route]) as s:
        s.slack.workspace.channels["C2"] = True
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        await settled_after_report(s)
        assert [m.channel for m in s.slack.workspace.roots("")] == ["C1"]


async def test_a_deleted_card_is_posted_again(tmp_path: Path) -> None:
    """Somebody deletes the first message: what comes next opens a new one and goes below that."""
    async with stage(tmp_path, pictures=False) as s:
        card, _ = await first_report(s)
        s.slack.workspace.delete("C1", card.ts)
        await s.take_in(signal("slow", starts_ms=AT, status="resolved", service="worker"))
        again = await s.until(lambda: next(iter(s.slack.workspace.roots()), None))
        note = await s.until(lambda: next(iter(s.slack.workspace.replies(again.ts)), None))
        assert again.ts != card.ts
        assert "Resolved" in note.said


async def first_report(s: Stage) -> tuple[Posted, list[Posted]]:
    """The card once it holds the conclusion, and the report below it."""
    await s.take_in(signal("slow", starts_ms=AT, service="worker"))
    await settled_after_report(s)
    card = s.slack.workspace.roots()[0]
    return card, s.slack.workspace.replies(card.ts)


async def test_a_storm_is_one_message(tmp_path: Path) -> None:
    """Incidents merged into another leave no card of their own; the survivor says how many were folded in."""
    async with stage(tmp_path, pictures=False) as s:
        await s.take_in(signal("a", starts_ms=AT, service="worker", cluster="x"),
                        signal("b", starts_ms=AT, service="api", cluster="y"))
        await s.until(lambda: len(s.slack.workspace.roots()) == 2)
        await settled(s)
        loser, survivor = sorted(i["id"] for i in s.culprit.incidents.list())
        for card in list(s.slack.workspace.roots()):  # as if nobody had been told anything yet
            for reply in s.slack.workspace.replies(card.ts):
                s.slack.workspace.messages.remove(reply)
        now = AT
        await asyncio.to_thread(lambda: s.culprit.database.transact(lambda connection: apply_merge(
            connection, loser=loser, survivor=survivor, now=now, publishers=s.culprit.publisher_names)))
        s.culprit.wake.ring("outbox")
        await s.until(lambda: len(s.slack.workspace.roots()) == 1)
        await s.until(lambda: "folded in: 1" in s.slack.workspace.roots()[0].said)


async def test_events_are_dealt_with_once(tmp_path: Path) -> None:
    """The same event again, and the same words as a second event, give one answer."""
    async with stage(tmp_path, worker=False) as s:
        said, _ = await s.slack.mention("which colour is live?", event_id="Ev1")
        event = {"type": "app_mention", "user": "U1", "text": said.text, "ts": said.ts, "channel": "C1"}
        ack = await s.slack.event(event, event_id="Ev1")
        assert ack.status == 200
        await s.until(lambda: "blue is active" in "".join(r.said for r in s.slack.workspace.replies(said.ts)))
        await s.slack.event(event, event_id="Ev2")
        await asyncio.sleep(0.3)
        assert len(s.slack.workspace.replies(said.ts)) == 1
        with s.culprit.database.read() as connection:
            rows = connection.execute(sa.select(slack_events.c.event_id, slack_events.c.done_ms)).all()
        assert {r.event_id for r in rows} >= {"Ev1", "Ev2"}


async def test_a_question_is_answered_after_the_process_died_with_it(tmp_path: Path) -> None:
    """An event that was kept and never finished is taken up by the next process; the answer comes once."""
    async with FakeSlack() as slack:
        async with stage(tmp_path, worker=False, slack=slack) as s:
            said = slack.workspace.add("C1", "U1", "<@UBOT00001> which colour is live?")
            event = {"type": "app_mention", "user": "U1", "text": said.text, "ts": said.ts, "channel": "C1"}
            body = {"type": "event_callback", "event_id": "Ev9", "event": event}
            await asyncio.to_thread(s.door._events.take, "Ev9", body)
            with s.culprit.database.begin() as connection:
                connection.execute(slack_events.update().values(taken_ms=0))
        async with stage(tmp_path, worker=False, slack=slack):
            async with asyncio.timeout(5):
                while not slack.workspace.replies(said.ts):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
            assert len(slack.workspace.replies(said.ts)) == 1


async def test_unhandled_envelopes_are_acknowledged(tmp_path: Path) -> None:
    """What nobody listens to (an unknown event, button, modal, menu) is acknowledged, or Slack would bring it again."""
    async with stage(tmp_path, worker=False) as s:
        assert (await s.slack.event({"type": "channel_rename", "channel": {"id": "C1"}})).status == 200
        assert (await s.slack.event({"type": "message", "subtype": "message_deleted", "channel": "C1",
                                     "ts": "1.0"})).status == 200
        press = {"type": "block_actions", "user": {"id": "U1"}, "team": {"id": "T1"}, "trigger_id": "t",
                 "actions": [{"action_id": "strange", "type": "button", "value": ""}]}
        assert (await s.slack.deliver("interactive", press)).status == 200
        view = {"type": "view_submission", "user": {"id": "U1"}, "team": {"id": "T1"},
                "view": {"callback_id": "strange", "state": {"values": {}}, "id": "V1", "type": "modal"}}
        assert (await s.slack.deliver("interactive", view)).status == 200


async def test_a_connection_that_ends_is_replaced(tmp_path: Path) -> None:
    """After a disconnect, with warning or without, questions are heard again; nothing has to be restarted."""
    async with stage(tmp_path, worker=False) as s:
        for politely in (True, False):
            before = s.slack.connections
            await s.slack.disconnect(politely=politely)
            await s.until(lambda before=before: s.slack.connections > before)
            said, ack = await s.slack.mention("which colour is live?")
            assert ack.status == 200
            await s.until(lambda said=said: s.slack.workspace.replies(said.ts))


async def test_a_critical_signal_after_the_report_is_told(tmp_path: Path) -> None:
    """New signals change the card at once and are told in the thread; while it is quiet, only critical ones are."""
    async with stage(tmp_path, pictures=False) as s:
        s.out.news._settled_ms = 0
        card, _ = await first_report(s)
        s.investigating.seconds = 0
        await s.take_in(signal("other", starts_ms=AT, severity=Severity.WARNING, service="worker"))
        await s.until(lambda: "signals: 2" in card.said)
        await s.until(lambda: any("More signals joined: 1" in r.said for r in s.slack.workspace.replies(card.ts)))


async def test_quiet_holds_back_all_but_critical_news(tmp_path: Path) -> None:
    """While an incident is quiet, new signals change only its card; one that is critical is told."""
    async with stage(tmp_path, pictures=False) as s:
        s.out.news._settled_ms = 0
        card, _ = await first_report(s)
        await s.slack.press(card, "operate_snooze")
        await s.until(lambda: "quiet until" in card.said)
        await s.take_in(signal("other", starts_ms=AT, service="worker"))
        await s.until(lambda: "signals: 2" in card.said)
        await asyncio.sleep(0.3)
        assert not any("joined" in r.said for r in s.slack.workspace.replies(card.ts))
        await s.take_in(signal("worst", starts_ms=AT, severity=Severity.CRITICAL, service="worker"))
        await s.until(lambda: "🔴" in card.said and "signals: 3" in card.said)


async def test_a_picture_is_not_sent_twice(tmp_path: Path) -> None:
    """The upload arrived and its answer was lost: the report is whole, the picture there once."""
    async with stage(tmp_path) as s:
        s.slack.lose_answer("files.completeUploadExternal")
        card, _ = await first_report(s)
        assert sum(bool(r.files) for r in s.slack.workspace.replies(card.ts)) == 1


async def test_a_missing_scope_costs_the_picture_and_not_the_report(tmp_path: Path) -> None:
    """Without files:write the thread has the report, and the outbox holds nothing back."""
    async with stage(tmp_path) as s:
        s.slack.workspace.scopes = tuple(x for x in s.slack.workspace.scopes if x != "files:write")
        card, replies = await first_report(s)
        assert "feedback_right" in str(card.blocks)
        assert [bool(r.files) for r in replies] == [False]


async def test_progress_is_throttled_and_never_outlives_the_investigation(tmp_path: Path) -> None:
    """Many answers in a moment are few edits; once the report is there, no line of progress stands on the card."""
    async with stage(tmp_path, pictures=False, progress_seconds=0.2) as s:
        async def slowly() -> None:
            await asyncio.sleep(0.7)

        s.investigating.pause, s.investigating.answers = slowly, 200
        await s.take_in(signal("slow", starts_ms=AT, service="worker"))
        await s.until(lambda: any("questions answered" in m.said for m in s.slack.workspace.roots()))
        card, _ = await first_report_of_running(s)
        assert len(s.slack.called("chat.update")) < 12
        await s.until(lambda: "questions answered" not in card.said)


async def first_report_of_running(s: Stage) -> tuple[Posted, list[Posted]]:
    """As `first_report`, for an incident that was opened already."""
    await settled_after_report(s)
    card = s.slack.workspace.roots()[0]
    return card, s.slack.workspace.replies(card.ts)

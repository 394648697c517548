"""Slack with the real parts around it: a PostgreSQL as the store, and `culprit serve` as a process of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.incident import Severity
from evals.case import bundled_demo
from tests.bench.slack import FINAL_SECONDS, FIRST_SECONDS, measure, percentile
from tests.live.engines import postgres  # noqa: F401  (a fixture)
from tests.live.postgres import Postgres
from tests.triggers.parts import signal
from tests.triggers.slack.sample import AT
from tests.triggers.slack.stage import stage
from triggers.audit import Audit
from triggers.slack.marks import Marks

pytestmark = pytest.mark.live


async def test_the_story_on_postgresql(tmp_path: Path, postgres: Postgres) -> None:  # noqa: F811
    """Card, report, question, feedback, buttons, reaction, new signals: the same on PostgreSQL as on SQLite."""
    async with stage(tmp_path, url=postgres.new_database()) as s:
        s.out.news._settled_ms = 0
        card, _ = await s.reported()
        await s.slack.mention("which colour is live?", thread_ts=card.ts)
        await s.until(lambda: any("blue is active" in r.said for r in s.slack.workspace.replies(card.ts)))
        await asyncio.gather(s.slack.press(card, "feedback_right"), s.slack.press(card, "feedback_right"))
        await s.until(lambda: len(s.slack.workspace.ephemerals) == 2)
        assert sum("Thank you" in e["text"] for e in s.slack.workspace.ephemerals) == 1
        assert [r["cause"] for r in s.feedback()] == ["right"]
        await s.slack.press(card, "operate_acknowledge")
        await s.until(lambda: "took this on" in card.said)
        await s.slack.react(card, "-1")
        await s.until(lambda: Marks(s.culprit.database).reactions(s.incident))
        await s.take_in(signal("other", starts_ms=AT, severity=Severity.WARNING, service="worker"))
        await s.until(lambda: any("More signals joined: 1" in r.said for r in s.slack.workspace.replies(card.ts)))
        assert {r["what"] for r in Audit(s.culprit.database).read()} == {"ask", "feedback", "acknowledge"}


async def test_an_alert_is_told_in_time() -> None:
    """First message within 3 s of the webhook, conclusion within 20 s, at the 95th percentile of ten."""
    found = await measure(bundled_demo().resolve(), 10)
    assert percentile([first for first, _ in found], 0.95) <= FIRST_SECONDS
    assert percentile([final for _, final in found], 0.95) <= FINAL_SECONDS

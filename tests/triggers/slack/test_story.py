"""Whole stories against the real app: an alert, its thread, a question, feedback; by Socket Mode and by HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.triggers.slack.stage import stage


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

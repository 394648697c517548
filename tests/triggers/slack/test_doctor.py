"""`culprit doctor` on Slack: what is wrong is named, with what it costs and how to mend it."""

from __future__ import annotations

import pytest

from config.slack_settings import Slack
from tools.checkup.check import State
from triggers.slack.checkup import check_slack
from triggers.slack.fake import FakeSlack
from triggers.slack.fake.workspace import ALL_SCOPES


def settings(slack: FakeSlack, **more: object) -> Slack:
    given = {"bot_token": "xoxb-1", "app_token": "xapp-1", "channel": "C1", "api_url": slack.api_url, **more}
    return Slack.model_validate(given)


async def test_a_sound_workspace_has_nothing_to_mend() -> None:
    """Token, scopes, channel and Socket Mode are ok; without Slack in the settings there is nothing to say."""
    async with FakeSlack() as slack:
        checks = await check_slack(settings(slack))
    assert [c for c in checks if c.state is not State.OK] == []
    assert {c.what for c in checks} == {"bot token", "scopes", "channel C1", "Socket Mode"}
    assert await check_slack(Slack()) == []


@pytest.mark.parametrize("scope", ALL_SCOPES)
async def test_each_missing_scope_is_named(scope: str) -> None:
    """With what is lost without it; only posting is vital."""
    async with FakeSlack() as slack:
        slack.workspace.scopes = tuple(s for s in ALL_SCOPES if s != scope)
        found = await check_slack(settings(slack, permissions={"ask": {"groups": ["S1"]}}))
    (check,) = [c for c in found if c.what == f"scope {scope}"]
    assert check.state is (State.FAIL if scope == "chat:write" else State.WARN)
    assert check.detail != "missing: "
    assert "manifest" in check.fix


async def test_tokens_and_channels() -> None:
    """A revoked token, a wrong app token, a channel that is archived and one that is not there; Slack down."""
    async with FakeSlack() as slack:
        slack.workspace.channels["C1"] = True
        route = {"match": {"service": "x"}, "channel": "C404"}
        found = {c.what: c for c in await check_slack(settings(slack, routes=[route], app_token="xoxb-wrong"))}
        assert found["channel C1"].detail == "is archived"
        assert found["channel C404"].detail == "channel_not_found"
        assert found["Socket Mode"].state is State.FAIL
        slack.revoked = True
        assert (await check_slack(settings(slack)))[0].detail == "token_revoked"
        slack.away = True
        assert (await check_slack(settings(slack)))[0].what == "reachable"

"""What `culprit doctor` looks at in Slack: tokens, scopes by name with what each is for, channels."""

from __future__ import annotations

from config.errors import CulpritError
from config.slack_settings import Slack
from tools.checkup.check import Check, Patient
from triggers.slack.client import SlackApi, build_client

SCOPES = {  # what is lost without each; those that stop everything come first
    "chat:write": "nothing can be posted",
    "channels:history": "a message posted before a crash cannot be found again, and replies in threads are not seen",
    "groups:history": "the same in private channels",
    "app_mentions:read": "mentions are not heard",
    "im:history": "direct messages are not heard",
    "channels:read": "channels cannot be checked",
    "users:read": "times in questions are read as UTC",
    "files:write": "reports come without a picture, and post-mortem drafts cannot be sent",
    "reactions:read": "reactions are not seen",
    "assistant:write": "the assistant's pane shows no progress and no suggestions",
}
VITAL = ("chat:write",)


async def check_slack(settings: Slack) -> list[Check]:
    """Nothing where Slack is not configured. Only reads."""
    if not settings.configured:
        return []
    patient, web = Patient("", "slack"), build_client(settings)
    api = SlackApi(web)
    try:
        found, granted = await _token(api, patient)
        checks = [found]
        if granted is not None:
            checks += _scopes(settings, granted, patient)
            checks += [await _channel(api, name, patient) for name in _channels(settings)]
        if settings.mode == "socket" and settings.app_token is not None:
            checks.append(await _socket(api, settings.app_token.get_secret_value(), patient))
        return checks
    except CulpritError as error:
        return [patient.failed("reachable", error)]


async def _token(api: SlackApi, patient: Patient) -> tuple[Check, frozenset[str] | None]:
    reply = await api.ask("auth.test")
    if reply.error:
        fix = "Install the app again and set slack.bot_token to its Bot User OAuth Token (xoxb-…)."
        return patient.fail("bot token", reply.error, fix), None
    who = f"{reply.data.get('user')} in {reply.data.get('team')}"
    return patient.ok("bot token", who), reply.scopes


def _scopes(settings: Slack, granted: frozenset[str], patient: Patient) -> list[Check]:
    """One line for each that is missing."""
    wanted = dict(SCOPES)
    permissions = settings.permissions
    if any(a.groups for a in (permissions.ask, permissions.feedback, permissions.operate, permissions.verify)):
        wanted["usergroups:read"] = "user groups in slack.permissions admit nobody"
    fix = "Add it under OAuth & Permissions and install the app again (the manifest lists all)."
    missing = [(name, cost) for name, cost in wanted.items() if name not in granted]
    if not missing:
        return [patient.ok("scopes", f"all {len(wanted)} granted")]
    return [(patient.fail if name in VITAL else patient.warn)(f"scope {name}", f"missing: {cost}", fix)
            for name, cost in missing]


def _channels(settings: Slack) -> list[str]:
    if settings.shadow_channel:
        return [settings.shadow_channel]
    return list(dict.fromkeys(c for c in (settings.channel, *(r.channel for r in settings.routes)) if c))


async def _channel(api: SlackApi, name: str, patient: Patient) -> Check:
    reply = await api.ask("conversations.info", channel=name)
    if reply.error == "missing_scope":
        return patient.warn(f"channel {name}", "cannot be checked without channels:read", "Add the scope.")
    if reply.error:
        return patient.fail(f"channel {name}", reply.error, "Use the channel's id (C…), and invite the app to it.")
    channel = reply.data.get("channel") or {}
    if channel.get("is_archived"):
        return patient.fail(f"channel {name}", "is archived", "Unarchive it, or name another channel.")
    if not channel.get("is_member"):
        return patient.fail(f"channel {name}", "the app is not a member", f"/invite the app in #{channel.get('name')}.")
    return patient.ok(f"channel {name}", f"#{channel.get('name')}")


async def _socket(api: SlackApi, token: str, patient: Patient) -> Check:
    reply = await api.ask("apps.connections.open", token=token)
    if reply.error:
        fix = "Create an app-level token with connections:write, set slack.app_token, and enable Socket Mode."
        return patient.fail("Socket Mode", reply.error, fix)
    return patient.ok("Socket Mode", "may connect")

"""Who may ask, give feedback, operate and verify: by user, user group and channel; every decision can be audited."""

from __future__ import annotations

import time
from typing import Literal

import structlog

from config.errors import SourceUnavailable
from config.slack_settings import SlackAdmission, SlackPermissions
from triggers.slack.client import SlackApi
from triggers.slack.phrases import say

Doing = Literal["ask", "feedback", "operate", "verify"]
GROUP_SECONDS = 300.0
_log = structlog.get_logger(__name__)


class Permissions:
    """Members of a group are asked for once in five minutes. A group that cannot be read admits nobody."""

    def __init__(self, settings: SlackPermissions, api: SlackApi, *, team: str = "") -> None:
        self._settings, self._api = settings, api
        self._members: dict[str, tuple[float, frozenset[str]]] = {}

    async def allow(self, doing: Doing, *, user: str, channel: str) -> bool:
        """Never raises."""
        wanted = self._of(doing)
        if wanted.channels and channel not in wanted.channels:
            return False
        if not wanted.users and not wanted.groups:
            return True
        if user in wanted.users:
            return True
        for group in wanted.groups:
            if user in await self._group(group):
                return True
        return False

    def refusal(self, doing: Doing, *, channel: str, lang: str) -> str:
        """Why not, naming who may."""
        wanted = self._of(doing)
        if wanted.channels and channel not in wanted.channels:
            return say("refused.channel", lang)
        return say(f"refused.{doing}", lang, who=self.who(doing, lang))

    def who(self, doing: Doing, lang: str) -> str:
        """The groups and users that may, as mentions Slack shows without notifying (in ephemeral messages)."""
        wanted = self._of(doing)
        named = [f"<!subteam^{g}>" for g in wanted.groups] + [f"<@{u}>" for u in wanted.users]
        return ", ".join(named) if named else say("refused.nobody", lang)

    def limited(self, doing: Doing) -> bool:
        """Whether not everybody may."""
        wanted = self._of(doing)
        return bool(wanted.users or wanted.groups)

    def _of(self, doing: Doing) -> SlackAdmission:
        chosen: SlackAdmission = getattr(self._settings, doing)
        return chosen

    async def _group(self, group: str) -> frozenset[str]:
        at, known = self._members.get(group, (0.0, frozenset()))
        if at and time.monotonic() - at < GROUP_SECONDS:
            return known
        try:
            reply = await self._api.ask("usergroups.users.list", usergroup=group)
        except SourceUnavailable as error:
            _log.warning("a user group could not be read", group=group, reason=str(error))
            return known
        if reply.error:
            _log.warning("a user group could not be read", group=group, reason=reply.error)
            return frozenset()
        self._members[group] = (time.monotonic(), frozenset(reply.data.get("users", ())))
        return self._members[group][1]

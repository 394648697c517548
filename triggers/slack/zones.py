"""The time zone a person lives in, as Slack knows it."""

from __future__ import annotations

from config.errors import SourceUnavailable
from triggers.slack.client import SlackApi

DEFAULT = "UTC"


class Zones:
    """Asked for once a person. Never raises."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._known: dict[str, str] = {}

    async def of(self, user: str) -> str:
        """An IANA name; UTC where Slack does not say."""
        if user not in self._known:
            try:
                reply = await self._api.ask("users.info", user=user)
            except SourceUnavailable:
                return DEFAULT
            if reply.error:
                return DEFAULT
            self._known[user] = str((reply.data.get("user") or {}).get("tz") or DEFAULT)
        return self._known[user]

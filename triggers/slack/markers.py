"""Markers in message metadata: how a message that was posted before a crash is found again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from triggers.slack.client import LOST_CHANNEL, LOST_MESSAGE, SlackApi, trouble

EVENT_TYPE = "culprit_message"
PAGE = 200
MOST_PAGES = 10


def marked(marker: str) -> dict[str, Any]:
    """Metadata that carries a marker."""
    return {"event_type": EVENT_TYPE, "event_payload": {"marker": marker}}


class Markers:
    """Looks back at most 2000 messages. Raises SourceUnavailable and SourceRefused as `SlackApi.tell` does."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    async def find(self, marker: str, *, channel: str, thread_ts: str = "") -> str | None:
        """The ts of the message with this marker, in the channel or in one of its threads."""
        async for message in self._messages(channel, thread_ts):
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("marker") == marker:
                return str(message["ts"])
        return None

    async def has_file(self, name: str, *, channel: str, ts: str) -> bool:
        """Whether a file of that name was already put into the thread."""
        async for message in self._messages(channel, ts):
            if any(f.get("name") == name for f in message.get("files") or ()):
                return True
        return False

    async def talked_about(self, *, channel: str, ts: str, card: str) -> bool:
        """Whether anything but the card itself stands in its thread."""
        async for message in self._messages(channel, ts):
            if message["ts"] != card:
                return True
        return False

    async def _messages(self, channel: str, thread_ts: str) -> AsyncIterator[dict[str, Any]]:
        method = "conversations.replies" if thread_ts else "conversations.history"
        cursor = ""
        for _ in range(MOST_PAGES):
            reply = await self._api.ask(method, channel=channel, ts=thread_ts or None, limit=PAGE,
                                        cursor=cursor or None, include_all_metadata="true")
            if reply.error in LOST_MESSAGE | LOST_CHANNEL:
                return
            if reply.error:
                raise trouble(method, reply)
            for message in reply.data.get("messages", ()):
                yield message
            cursor = (reply.data.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

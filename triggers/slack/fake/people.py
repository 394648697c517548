"""What people do in a fake Slack: write, mention, press buttons, send modals, react."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal, Protocol

from triggers.slack.fake.workspace import BOT, TEAM, Posted, Workspace

if TYPE_CHECKING:
    from triggers.slack.fake.server import Ack

_numbers = itertools.count(1)


class _Delivering(Protocol):
    workspace: Workspace

    async def deliver(
        self, kind: Literal["events_api", "interactive", "slash_commands"], payload: dict[str, Any]
    ) -> Ack: ...


class People:
    """Mixed into FakeSlack. Each returns how the app acknowledged."""

    async def event(self: _Delivering, event: dict[str, Any], *, event_id: str = "", user: str = "U1") -> Ack:
        """Any event; the same `event_id` again is a repeated delivery."""
        return await self.deliver("events_api", {
            "type": "event_callback", "event_id": event_id or f"Ev{next(_numbers):08d}", "event_time": 1,
            "team_id": TEAM, "api_app_id": "A1", "event": event,
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}]})

    async def mention(
        self: Any, text: str, *, user: str = "U1", channel: str = "C1", thread_ts: str = "", event_id: str = "",
        **more: Any,
    ) -> tuple[Posted, Ack]:
        """`@culprit text`; Slack delivers it as app_mention and as message."""
        said = self.workspace.add(channel, user, f"<@{BOT}> {text}", thread_ts=thread_ts)
        event = {"type": "app_mention", "user": user, "text": said.text, "ts": said.ts, "channel": channel, **more,
                 **({"thread_ts": thread_ts} if thread_ts else {})}
        ack: Ack = await self.event(event, event_id=event_id)
        await self.event({**event, "type": "message", "channel_type": "channel"})
        return said, ack

    async def write(
        self: Any, text: str, *, user: str = "U1", channel: str = "C1", thread_ts: str = "", event_id: str = "",
        **more: Any,
    ) -> tuple[Posted, Ack]:
        """A message without a mention: a direct message in a channel D…, or a reply in a thread."""
        said = self.workspace.add(channel, user, text, thread_ts=thread_ts)
        event = {"type": "message", "user": user, "text": text, "ts": said.ts, "channel": channel,
                 "channel_type": "im" if channel.startswith("D") else "channel", **more,
                 **({"thread_ts": thread_ts} if thread_ts else {})}
        return said, await self.event(event, event_id=event_id)

    async def press(self: Any, message: Posted, action_id: str, *, user: str = "U1") -> Ack:
        """A button of a message. Raises LookupError if there is no such button."""
        for block in message.blocks:
            for element in block.get("elements", []):
                if element.get("action_id") == action_id:
                    ack: Ack = await self._pressed(message, block, element, user)
                    return ack
        raise LookupError(f"no button {action_id} in {message.said[:200]}")

    async def _pressed(self: Any, message: Posted, block: dict[str, Any], element: dict[str, Any], user: str) -> Ack:
        ack: Ack = await self.deliver("interactive", {
            "type": "block_actions", "user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM}, "api_app_id": "A1",
            "trigger_id": f"trigger.{next(_numbers)}", "channel": {"id": message.channel},
            "container": {"type": "message", "message_ts": message.ts, "channel_id": message.channel},
            "message": message.as_api(with_metadata=False),
            "actions": [{**element, "block_id": block.get("block_id", ""), "action_ts": f"{next(_numbers)}.0"}]})
        return ack

    async def submit(self: Any, view: dict[str, Any], state: dict[str, Any], *, user: str = "U1") -> Ack:
        """Send a modal. `state`: block_id -> {action_id: value as Slack sends it}."""
        sent = {**view, "state": {"values": state}, "team_id": TEAM}
        ack: Ack = await self.deliver("interactive", {
            "type": "view_submission", "user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM},
            "api_app_id": "A1", "trigger_id": f"trigger.{next(_numbers)}", "view": sent})
        return ack

    async def suggest(self: Any, view: dict[str, Any], action_id: str, typed: str, *, user: str = "U1") -> Ack:
        """Typing into a menu whose options the app gives."""
        ack: Ack = await self.deliver("interactive", {
            "type": "block_suggestion", "user": {"id": user, "team_id": TEAM}, "team": {"id": TEAM},
            "api_app_id": "A1", "action_id": action_id, "block_id": "", "value": typed, "view": view,
            "container": {"type": "view", "view_id": view["id"]}})
        return ack

    async def react(self: Any, message: Posted, name: str, *, user: str = "U1", removed: bool = False) -> Ack:
        """An emoji below a message."""
        ack: Ack = await self.event({
            "type": "reaction_removed" if removed else "reaction_added", "user": user, "reaction": name,
            "item_user": BOT, "event_ts": f"{next(_numbers)}.0",
            "item": {"type": "message", "channel": message.channel, "ts": message.ts}})
        return ack

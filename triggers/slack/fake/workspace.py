"""What a fake Slack holds: channels with their messages, files, open modals, user groups; and the limits of blocks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BOT = "UBOT00001"
TEAM = "T00000001"
ALL_SCOPES = ("app_mentions:read", "assistant:write", "channels:history", "channels:read", "chat:write", "files:write",
              "groups:history", "im:history", "reactions:read", "usergroups:read", "users:read")


@dataclass
class Posted:
    """One message. `thread_ts` is "" for one in the channel itself."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    thread_ts: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    files: list[dict[str, str]] = field(default_factory=list)
    edits: int = 0

    def as_api(self, *, with_metadata: bool) -> dict[str, Any]:
        """As conversations.history gives it."""
        out: dict[str, Any] = {"type": "message", "ts": self.ts, "user": self.user, "text": self.text,
                               "blocks": self.blocks}
        if self.user == BOT:
            out["bot_id"] = "BBOT00001"
        if self.thread_ts:
            out["thread_ts"] = self.thread_ts
        if with_metadata and self.metadata:
            out["metadata"] = self.metadata
        if self.files:
            out["files"] = self.files
        return out

    @property
    def said(self) -> str:
        """All text of the blocks, as Slack is given it."""
        return "\n".join(texts_of(self.blocks)) or self.text


class Refused(Exception):
    """Slack's `ok: false`."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code, self.more = code, more


@dataclass
class Workspace:
    """`channels`: id -> archived. Every message in order of posting."""

    channels: dict[str, bool] = field(default_factory=lambda: {"C1": False, "C2": False, "CTEST": False, "D1": False})
    messages: list[Posted] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)
    zones: dict[str, str] = field(default_factory=dict)
    views: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    ephemerals: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    scopes: tuple[str, ...] = ALL_SCOPES
    _clock: int = 1_795_000_000_000_000

    def next_ts(self) -> str:
        """Like Slack's: seconds with six digits, unique in a channel."""
        self._clock += 1_000_001
        return f"{self._clock // 1_000_000}.{self._clock % 1_000_000:06d}"

    def channel(self, name: str) -> str:
        """Raises Refused for a channel that is not there or archived."""
        if name not in self.channels:
            raise Refused("channel_not_found")
        if self.channels[name]:
            raise Refused("is_archived")
        return name

    def find(self, channel: str, ts: str) -> Posted:
        """Raises Refused for a message that is not there (any more)."""
        found = next((m for m in self.messages if m.channel == channel and m.ts == ts), None)
        if found is None:
            raise Refused("message_not_found")
        return found

    def add(self, channel: str, user: str, text: str, **more: Any) -> Posted:
        """A new message."""
        made = Posted(channel=channel, ts=self.next_ts(), user=user, text=text, **more)
        self.messages.append(made)
        return made

    def delete(self, channel: str, ts: str) -> None:
        """Somebody deletes a message."""
        self.messages.remove(self.find(channel, ts))

    # -- what tests look at -----------------------------------------------------------------------------------

    def by_bot(self, channel: str = "") -> list[Posted]:
        """Everything the bot has said, in order."""
        return [m for m in self.messages if m.user == BOT and channel in ("", m.channel)]

    def roots(self, channel: str = "C1") -> list[Posted]:
        """The bot's messages that are no replies."""
        return [m for m in self.by_bot(channel) if not m.thread_ts]

    def replies(self, thread_ts: str) -> list[Posted]:
        """Everything said in a thread below its first message."""
        return [m for m in self.messages if m.thread_ts == thread_ts]


def texts_of(value: object) -> list[str]:
    """Every text of a block, depth first."""
    if isinstance(value, Mapping):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [t for k, v in value.items() if k != "text" or not isinstance(v, str) for t in texts_of(v)]
    return [t for v in value for t in texts_of(v)] if isinstance(value, list | tuple) else []


def check_blocks(blocks: Any, *, most: int = 50) -> None:
    """Slack's limits on blocks. Raises Refused(invalid_blocks) with a pointer to what is wrong."""
    wrong: list[str] = []
    if not isinstance(blocks, list) or len(blocks) > most:
        raise Refused("invalid_blocks", response_metadata={"messages": [f"[ERROR] more than {most} items allowed"]})
    seen: set[str] = set()
    for n, block in enumerate(blocks):
        wrong += [f"[ERROR] {said} [json-pointer:/blocks/{n}]" for said in _block_complaints(block)]
        identity = block.get("block_id")
        if identity and (identity in seen or len(identity) > 255):
            wrong.append(f"[ERROR] block_id is doubled or too long [json-pointer:/blocks/{n}/block_id]")
        seen.add(identity)
    if sum(map(len, texts_of(blocks))) > 13_200:
        wrong.append("[ERROR] the message is too long [json-pointer:/blocks]")
    if wrong:
        raise Refused("invalid_blocks", response_metadata={"messages": wrong})


def _block_complaints(block: Mapping[str, Any]) -> list[str]:
    kind = block.get("type")
    wrong = []
    limits = {"header": 150, "section": 3_000}
    if kind in limits and not 1 <= len(block["text"]["text"]) <= limits[kind]:
        wrong.append(f"{kind} text must be 1 to {limits[kind]} characters")
    elements = block.get("elements", [])
    most = {"context": 10, "actions": 25}.get(str(kind), 100)
    if kind in ("context", "actions") and not 1 <= len(elements) <= most:
        wrong.append(f"{kind} takes 1 to {most} elements")
    for element in [*elements, *([block["element"]] if "element" in block else [])]:
        wrong += _element_complaints(element)
    if kind == "input" and len(block["label"]["text"]) > 2_000:
        wrong.append("label is too long")
    if kind not in ("header", "section", "context", "actions", "divider", "input", "image"):
        wrong.append(f"unsupported type: {kind}")
    return wrong


def _element_complaints(element: Mapping[str, Any]) -> list[str]:
    wrong = []
    if element.get("type") == "button" and (len(element["text"]["text"]) > 75 or len(element.get("value", "")) > 2_000):
        wrong.append("a button's text or value is too long")
    for option in element.get("options", []):
        if len(option["text"]["text"]) > 75 or not 1 <= len(option["value"]) <= 150:
            wrong.append("an option's text or value is too long")
    if "options" in element and not 1 <= len(element["options"]) <= 100:
        wrong.append("a menu takes 1 to 100 options")
    if "initial_option" in element and element["initial_option"] not in element.get("options", []):
        wrong.append("initial_option is not one of the options")
    return wrong


def decoded(value: Any) -> Any:
    """Form fields carry JSON as text."""
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value

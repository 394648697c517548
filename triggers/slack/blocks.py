"""Block Kit: builders that keep Slack's limits, as plain dictionaries. Text given here is already safe mrkdwn.

Limits (read in slack_sdk's source and Slack's reference): 50 blocks a message, 100 a modal; section text 3000;
header 150; 10 elements in a context, 25 in actions; button text 75, value 2000; option text 75, 100 options.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from triggers.slack.text import cut, plain, size

Block = dict[str, Any]
MAX_BLOCKS = 50
MAX_SECTION = 3_000
MAX_MESSAGE = 12_000  # characters over all blocks of one message; Slack refuses somewhat above
MAX_FALLBACK = 3_000
MAX_OPTIONS = 100


def mrkdwn(text: str) -> Block:
    """`verbatim`: Slack finds no links and no names in it by itself."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def words(text: str, limit: int = 75) -> Block:
    return {"type": "plain_text", "text": plain(text, limit) or "–", "emoji": False}


def header(text: str) -> Block:
    return {"type": "header", "text": words(text, 150)}


def section(text: str) -> Block:
    """Cut at 3000; callers that have lines use `sections`, which splits between them."""
    return {"type": "section", "text": mrkdwn(cut(text, MAX_SECTION) or " ")}


def sections(lines: Iterable[str], *, limit: int = MAX_SECTION) -> list[Block]:
    """Lines in as few sections as possible, never split within a line."""
    out: list[list[str]] = [[]]
    used = 0
    for line in lines:
        line = cut(line, limit)
        if out[-1] and used + size(line) + 1 > limit:
            out.append([])
            used = 0
        out[-1].append(line)
        used += size(line) + 1
    return [section("\n".join(part)) for part in out if part]


def context(*texts: str) -> Block:
    """Small print: at most 10 pieces."""
    return {"type": "context", "elements": [mrkdwn(cut(t, 2_000)) for t in texts if t][:10]}


def divider() -> Block:
    return {"type": "divider"}


def button(text: str, action_id: str, value: str, *, style: str = "") -> Block:
    made: Block = {"type": "button", "text": words(text), "action_id": action_id, "value": value[:2_000]}
    return {**made, "style": style} if style else made


def actions(block_id: str, *elements: Block) -> Block:
    return {"type": "actions", "block_id": block_id[:255], "elements": list(elements[:25])}


def option(text: str, value: str) -> Block:
    """`value` at most 150 characters."""
    return {"text": words(text), "value": value[:150]}


def select(action_id: str, options: Sequence[Block], *, chosen: str = "", hint: str = "") -> Block:
    """A menu of at most 100 options; `chosen` is the value selected at first."""
    made: Block = {"type": "static_select", "action_id": action_id, "options": list(options[:MAX_OPTIONS])}
    first = next((o for o in made["options"] if o["value"] == chosen), None)
    if first is not None:
        made["initial_option"] = first
    return {**made, "placeholder": words(hint, 150)} if hint else made


def asked(block_id: str, label: str, element: Block, *, optional: bool = True) -> Block:
    """One input of a modal."""
    return {"type": "input", "block_id": block_id, "label": words(label, 2_000), "element": element,
            "optional": optional}


def within_limits(blocks: Sequence[Block], *, keep_last: int = 0) -> list[Block]:
    """At most 50 blocks and 12000 characters; what does not fit is left out before the `keep_last` last ones."""
    tail = list(blocks[len(blocks) - keep_last:]) if keep_last else []
    room = MAX_MESSAGE - sum(characters(b) for b in tail)
    kept: list[Block] = []
    for block in blocks[: len(blocks) - len(tail)]:
        room -= characters(block)
        if room < 0 or len(kept) + len(tail) >= MAX_BLOCKS:
            break
        kept.append(block)
    return kept + tail


def characters(value: object) -> int:
    """Of all text in a block."""
    if isinstance(value, Mapping):
        return sum(size(v) if k == "text" and isinstance(v, str) else characters(v) for k, v in value.items())
    return sum(characters(v) for v in value) if isinstance(value, list | tuple) else 0

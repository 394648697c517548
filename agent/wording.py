"""What a published sentence may not contain, however well its numbers are grounded: commands, links, calls to act.

A report states facts. Commands come from typed templates and links from settings; whatever else looks like one came
from a model or, through it, from telemetry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tools.instructions import instruction_in

_LINK = re.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,15}://|\bwww\.|\]\(|mailto:|data:text|javascript:")
_MENTION = re.compile(r"<[!@#]|(?<![\w.])@(?:channel|here|everyone)\b")
_COMMAND = re.compile(
    r"(?i)(?:^|[`$#>;|&(\s])(?:sudo\s+)?(?:(?:docker|kubectl|podman|systemctl|service|redis-cli|psql|mysql|iptables|helm|git)\s+"
    r"(?:-{1,2}\w|rm|stop|start|kill|restart|exec|run|delete|drain|apply|scale|flush\w*|push|reset|disconnect|compose)"
    r"|(?:rm|chmod|chown|dd|mkfs|shutdown|reboot)\s+-?\w|(?:curl|wget|nc|ssh|scp|bash|sh)\s+(?:-\w|\S*[./:])"
    r"|kill\s+-?\d|nginx\s+-s|eval\s*\(|base64\s+-d)"
)
_CALL = re.compile(
    r"(?i)^\s*(?:please\s+)?(?:run|execute|restart|stop|kill|delete|remove|disable|approve|open|visit|click|send|post|"
    r"forward|email|ignore|forget)\s+\w"
    r"|(?:하세요|하십시오|해라|하라|해 주세요|해주세요|보내라|실행할 것)\s*[.!]?\s*$"
)
SHARED = 24  # characters of an instruction in telemetry that a sentence may not repeat


def unfit(text: str, instructions: Iterable[str] = ()) -> list[str]:
    """Why a sentence must not be published: short reasons, empty when it is plain prose."""
    reasons = []
    if _LINK.search(text):
        reasons.append("it holds a link")
    if _MENTION.search(text):
        reasons.append("it holds a mention")
    if _COMMAND.search(text):
        reasons.append("it holds a command; commands are written by code")
    if _CALL.search(text) or instruction_in(text):
        reasons.append("it tells the reader what to do instead of stating a fact")
    if any(_repeats(text, told) for told in instructions):
        reasons.append("it repeats an instruction found in the data")
    return reasons


def instructions_of(evidence: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Texts in this run's evidence that instruct their reader, as the questions reported them."""
    return tuple(dict.fromkeys(
        str(f["detail"]) for e in evidence for f in e["findings"]
        if f["kind"] == "instruction_in_data" and f.get("detail")))


def _repeats(text: str, told: str) -> bool:
    said, told = " ".join(text.split()).lower(), " ".join(told.split()).lower()
    return any(told[i : i + SHARED] in said for i in range(0, max(0, len(told) - SHARED + 1), 6))

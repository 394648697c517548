"""What goes on the wire to a model: redacted, without chat-template marks, and short enough.

The conversation in the state is never changed: a citation made early must still be found. Only the copy that is sent
loses text, the oldest answers first, and keeps each evidence id with its findings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from config.redact import redact

BYTES_PER_TOKEN = 4
KEPT_WHOLE = 4  # the newest answers stay as they are
ROW_CHARS = 160

# Marks with which chat templates delimit roles and turns: <|im_start|>, [INST], <<SYS>>, <start_of_turn>, <s>.
_TEMPLATE = re.compile(
    r"<\|[^|<>\n]{1,40}\|>|</?(?:s|system|assistant|user|tool|start_of_turn|end_of_turn|data)>|\[/?INST\]|<</?SYS>>",
    re.IGNORECASE,
)


def tokens_of(messages: Sequence[BaseMessage]) -> int:
    """An estimate that needs no tokenizer: UTF-8 bytes of text and tool arguments, over four."""
    size = 0
    for m in messages:
        size += len(m.text.encode())
        if isinstance(m, AIMessage):
            size += sum(len(str(c["args"]).encode()) for c in m.tool_calls)
    return size // BYTES_PER_TOKEN


def on_the_wire(messages: Sequence[BaseMessage], *, most_tokens: int) -> list[BaseMessage]:
    """The messages as they are sent. Same number, same order, so that every tool call keeps its answer."""
    sent = [_clean(m) for m in messages]
    answers = [i for i, m in enumerate(sent) if isinstance(m, ToolMessage) and _is_evidence(m)]
    for shorten in (_findings_only, _kinds_only):
        for i in answers[:-KEPT_WHOLE] if shorten is _findings_only else answers:
            if tokens_of(sent) <= most_tokens:
                return sent
            sent[i] = shorten(sent[i])
    return sent


def sanitised(text: str) -> str:
    """Untrusted text: secrets redacted, template marks broken so that no server reads them as a turn of its own."""
    return _TEMPLATE.sub(lambda m: m.group(0).replace("<", "‹").replace(">", "›").replace("[", "⟦"), redact(text))


def _clean(message: BaseMessage) -> BaseMessage:
    """Our own system prompt is sent as it is; everything else may carry text from outside."""
    if message.type == "system" or not isinstance(message.content, str):
        return message
    if message.type == "human":
        return message.model_copy(update={"content": redact(message.content), "additional_kwargs": {}})
    content = sanitised(message.content)
    if isinstance(message, ToolMessage):
        return message.model_copy(update={"content": content, "artifact": None})
    return message.model_copy(update={"content": content})


def _is_evidence(message: ToolMessage) -> bool:
    return isinstance(message.content, str) and bool(re.match(r"E\d+ ", message.content))


def _findings_only(message: Any) -> BaseMessage:
    """`E4 logs.activity ok: (text left out)` and its finding rows, each cut."""
    head, *rows = str(message.content).split("\n")
    rows = [r[:ROW_CHARS] for r in rows if r.startswith("- ")]
    return _with(message, "\n".join([f"{head.partition(':')[0]}: (text left out)", *rows]))


def _kinds_only(message: Any) -> BaseMessage:
    head, *rows = str(message.content).split("\n")
    kinds = list(dict.fromkeys(" ".join(r[2:].split(" | ")[:2]) for r in rows if r.startswith("- ")))
    return _with(message, f"{head.partition(':')[0]}: {'; '.join(kinds)[:400] or '(text left out)'}")


def _with(message: BaseMessage, content: str) -> BaseMessage:
    return message.model_copy(update={"content": content})

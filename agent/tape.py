"""Tapes: what a paid model said, kept so that the run becomes a free regression test.

A tape is a JSONL file of replies, keyed by what was asked: model, messages, tools. Ids, usage, URLs, headers and keys
are no part of a key and never written. Hooked in as LangChain's cache, so a replayed run takes the same path.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation

from config.errors import BadInput, TapeMiss

Mode = Literal["record", "replay"]
FORMAT = 1


class Tape(BaseCache):
    """`record` asks the server for what is not on the tape yet; `replay` never asks and raises TapeMiss instead."""

    def __init__(self, path: Path, mode: Mode) -> None:
        """Raises BadInput for a tape that cannot be read, or that is not there to replay."""
        self._path, self._mode, self._lock = path, mode, threading.Lock()
        if mode == "replay" and not path.is_file():
            raise BadInput(f"{path}: no such tape")
        self._replies = _read(path) if path.is_file() else {}

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        key = key_of(prompt, llm_string)
        found = self._replies.get(key)
        if found is None:
            if self._mode == "replay":
                raise TapeMiss(f"{self._path}: nothing on tape for this conversation (key {key[:12]}); record it again")
            return None
        return [ChatGeneration(message=AIMessage.model_validate(found))]

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        key, reply = key_of(prompt, llm_string), _reply(return_val)
        if reply is None or self._mode == "replay":
            return
        with self._lock:
            self._replies[key] = reply
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"format": FORMAT, "key": key, "reply": reply}, ensure_ascii=False) + "\n")

    def clear(self, **_kwargs: Any) -> None:
        """Forget what is in memory; the file stays."""
        self._replies.clear()


def key_of(prompt: str, llm_string: str) -> str:
    """A hash of the model's name, the messages without their ids and usage, and the tools that were bound."""
    model, _, bound = llm_string.partition("---")
    messages = [_message(m) for m in json.loads(prompt)]
    return hashlib.sha256(json.dumps([_name(model), messages, bound], sort_keys=True).encode()).hexdigest()


def _name(serialised: str) -> str:
    try:
        kwargs = json.loads(serialised).get("kwargs", {})
    except ValueError:
        return ""
    return str(kwargs.get("model_name") or kwargs.get("model") or "")


def _message(serialised: Any) -> list[Any]:
    kwargs = serialised.get("kwargs", {})
    calls = [[c.get("name"), c.get("args")] for c in kwargs.get("tool_calls") or ()]
    return [kwargs.get("type"), kwargs.get("content"), calls]


def _reply(generations: Sequence[Generation]) -> dict[str, Any] | None:
    """The message as JSON: content, calls, usage and model name; nothing else of what the server sent."""
    if not generations or not isinstance(generations[0], ChatGeneration):
        return None
    message = generations[0].message
    if not isinstance(message, AIMessage):
        return None
    return {"content": message.content, "tool_calls": message.tool_calls,
            "invalid_tool_calls": message.invalid_tool_calls, "usage_metadata": message.usage_metadata,
            "response_metadata": {"model_name": message.response_metadata.get("model_name", "")}}


def _read(path: Path) -> dict[str, dict[str, Any]]:
    replies = {}
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            row = json.loads(line)
            if row["format"] != FORMAT:
                raise BadInput(f"{path}:{number}: a tape of format {row['format']}, this reads {FORMAT}")
            AIMessage.model_validate(row["reply"])
            replies[str(row["key"])] = row["reply"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: not a tape: {error}") from error
    return replies

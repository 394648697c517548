"""Log lines of the chat service: JSON or logfmt on standard output, one line each."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

_lock = threading.Lock()


class Log:
    """Writes lines in one style, `json` or `logfmt`. Errors go to standard output too, as the service does.

    `words` replaces messages and event names, so that another lab's service speaks otherwise; a message may quote its
    fields (`{schema}`).
    """

    def __init__(self, style: str, *, words: Mapping[str, str] | None = None, **fixed: str) -> None:
        self._style = style
        self._words = dict(words or {})
        self._fixed = fixed

    def __call__(self, level: str, message: str, **fields: object) -> None:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        text = self._words.get(message, message)
        if "event" in fields:
            fields["event"] = self._words.get(str(fields["event"]), fields["event"])
        said = text.format(**fields) if "{" in text else text
        record: dict[str, object] = {"ts": moment, "level": level, "msg": said, **self._fixed, **fields}
        with _lock:
            sys.stdout.write(render(self._style, record) + "\n")
            sys.stdout.flush()


def render(style: str, record: dict[str, object]) -> str:
    """One record as a line."""
    if style == "json":
        return json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str)
    return " ".join(f"{key}={_quoted(value)}" for key, value in record.items())


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(c in text for c in ' "=\n') else text

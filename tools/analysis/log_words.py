"""A log line as the words a template is made of: masked, bounded, and aware of JSON and logfmt.

Of a structured line the level, the message and the class of an HTTP status are read; all other keys only by name, for
their values vary. An access line keeps the class of its status too.
Of a line of several lines, such as a traceback, the first and the last are read: one says what it is, the other why.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from tools.analysis.log_masks import STRING, TIME, mask

MAX_WORDS = 60
MAX_CHARACTERS = 2_000
CUT = "<…>"

_LEVEL_KEYS = frozenset({"level", "lvl", "severity", "loglevel", "log_level", "levelname"})
_MESSAGE_KEYS = frozenset(
    {
        "msg",
        "message",
        "event",
        "error",
        "err",
        "exception",
        "reason",
        "cause",
        "detail",
        "log",
        "body",
        "text",
        "title",
    }
)
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SYSLOG_TIME = re.compile(r"(?:[A-Z][a-z]{2},? )?[A-Z][a-z]{2} {1,2}\d{1,2} (?=\d\d:\d\d)")
_STATUS_KEYS = frozenset({"status", "status_code", "statuscode", "http_status", "response_code"})
_STATUS = re.compile(r"[1-5]\d\d")
_SINGLE_QUOTED = re.compile(r"(?<!\w)'[^']*\s[^']*'(?!\w)")
_ANSWERED = re.compile(r"""( HTTP/\d(?:\.\d)?["']) ([1-5])\d\d(?!\d)""")
_REQUEST = re.compile(r"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE) ")
_LOGFMT_START = re.compile(r"[A-Za-z_][\w.-]*=\S")
_LOGFMT_PAIR = re.compile(r"""([A-Za-z_][\w.-]*+)=(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s"]*+))""", re.DOTALL)
_CACHED = 50_000

Kind = Literal["level", "message", "status", "other"]
_KEYS: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("level", _LEVEL_KEYS),
    ("message", _MESSAGE_KEYS),
    ("status", _STATUS_KEYS),
)


class LineReader:
    """Reads lines into words. Keeps what it learned of words seen before, in bounded memory."""

    def __init__(self) -> None:
        self._masks: dict[str, str] = {}
        self._texts: dict[str, tuple[str, ...]] = {}
        self._keys: dict[tuple[str, ...], tuple[tuple[Kind, str], ...]] = {}

    def words(self, line: str) -> tuple[str, ...]:
        """The masked words of a line, at most MAX_WORDS of them."""
        if "\x1b" in line:
            line = _ANSI.sub("", line[: MAX_CHARACTERS * 2])
        first = line[:1]
        if first == "{":
            row = _object(line)
            if row is not None:
                return self._structured(row)
        elif "=" in line and _LOGFMT_START.match(line):
            pairs = _LOGFMT_PAIR.findall(line, 0, MAX_CHARACTERS * 8)
            fields = {key: quoted or bare for key, quoted, bare in pairs}
            if not fields.keys().isdisjoint(_MESSAGE_KEYS) or not fields.keys().isdisjoint(_LEVEL_KEYS):
                return self._structured(fields)
        return self._plain(line)

    def _structured(self, fields: dict[str, Any]) -> tuple[str, ...]:
        kinds = self._kinds(tuple(fields))
        head: list[str] = []
        said: list[str] = []
        for (kind, name), value in zip(kinds, fields.values(), strict=False):
            if kind == "message" and type(value) is str:
                said += self._message(value)
            elif kind == "level" and type(value) is str:
                head.append(f"{name}={value.lower()[:20]}")
            elif kind == "status" and _STATUS.fullmatch(str(value)):
                head.append(f"{name}={str(value)[0]}xx")
        if not said:
            said = [f"{key}={value}" for key, value in fields.items() if type(value) is str and _is_word(key, value)]
        return (*head[:4], *said[: MAX_WORDS - 5], kinds[-1][1])

    def _kinds(self, keys: tuple[str, ...]) -> tuple[tuple[Kind, str], ...]:
        """What each key is, by name, and at the end the names of all that are only named. Keys repeat: kept."""
        known = self._keys.get(keys)
        if known is None:
            named = [(_kind(key.lower()), mask(key[:80])) for key in keys]
            others = sorted(name for kind, name in named if kind == "other")[:30]
            known = (*named, ("other", "{" + ",".join(others) + "}"))
            if len(self._keys) >= _CACHED:
                self._keys.clear()
            self._keys[keys] = known
        return known

    def _message(self, text: str) -> tuple[str, ...]:
        """Messages repeat, whole: their words are kept."""
        known = self._texts.get(text)
        if known is None:
            known = self._plain(text)
            if len(text) <= 200:
                if len(self._texts) >= _CACHED:
                    self._texts.clear()
                self._texts[text] = known
        return known

    def _plain(self, line: str) -> tuple[str, ...]:
        if "\n" in line:
            line = _first_and_last(line)
        if len(line) > MAX_CHARACTERS:
            line = line[:MAX_CHARACTERS] + " " + CUT
        if '"' in line:
            line = _without_quotations(line)
        if "'" in line:
            line = _SINGLE_QUOTED.sub(STRING, line)
        if "HTTP/" in line:
            line = _ANSWERED.sub(r"\1 \2xx", line)
        if _SYSLOG_TIME.match(line):
            line = _SYSLOG_TIME.sub(TIME, line, count=1)
        words = line.split(None, MAX_WORDS)
        if len(words) > MAX_WORDS:
            words[MAX_WORDS:] = [CUT]
        masks = self._masks
        masked = [masks.get(word) for word in words]
        return tuple(
            known if known is not None else self._mask(word) for word, known in zip(words, masked, strict=True)
        )

    def _mask(self, word: str) -> str:
        masked = mask(word)
        if len(word) <= 40:
            if len(self._masks) >= _CACHED:
                self._masks.clear()
            self._masks[word] = masked
        return masked


def _kind(key: str) -> Kind:
    for kind, keys in _KEYS:
        if key in keys:
            return kind
    return "other"


def _object(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line) if len(line) <= 1_000_000 else None
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _is_word(key: str, value: str) -> bool:
    """Whether a value names a kind of thing rather than one thing: a short word without digits."""
    return len(value) <= 30 and key.lower() not in _LEVEL_KEYS and value.replace("_", "").replace(".", "").isalpha()


def _first_and_last(line: str) -> str:
    first, _, rest = line.strip().partition("\n")
    return f"{first} ⏎ {rest.rpartition(chr(10))[2].strip()[:MAX_CHARACTERS]}" if rest else first


def _without_quotations(line: str) -> str:
    """A quoted text of several words is one varying thing, except a request line, which is read as words."""
    parts = line.split('"')
    for at in range(1, len(parts) - 1, 2):
        if " " in parts[at] and not _REQUEST.match(parts[at]):
            parts[at] = STRING
    return '"'.join(parts)

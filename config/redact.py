"""The one redactor: every boundary (logs, prompts, reports, snapshots, webhooks) passes its text through here.

    redact("DB_PASSWORD=hunter2 from kim@example.com")  ->  "DB_PASSWORD=[secret-1] from [email-1]"

A `Redactor` gives the same secret the same placeholder for as long as it lives (one run, one snapshot), so that "the
same key on both hosts" can still be seen. It keeps keyed hashes, not the secrets: nothing maps a placeholder back.
Container ids, digests, commit hashes, trace ids, numbers, time stamps and addresses stay: they are evidence.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from config import credentials, named_secrets, personal
from config.secret_values import ASCII_WORDS, KOREAN_WORDS, Span, hides_nothing, is_secret_key, pattern

MAX_CHARS = 1_000_000
"""Longest text looked at; the rest is cut off and said so."""
MAX_NODES = 100_000
"""Most values of one mapping looked at."""
MAX_DEPTH = 40
MAX_PLACEHOLDERS = 50_000
"""Distinct secrets numbered by one redactor; later ones share an unnumbered placeholder."""
CUT = "…[text cut]"

SUSPICIOUS = pattern(
    rf"(?i)(?:{ASCII_WORDS}|{KOREAN_WORDS}|authorization|bearer[ \t]|basic[ \t]|cookie)"
    r"|://[^\s/]*@|@[\pL0-9][\pL0-9.\-]*\.\pL\pL|%40[a-z0-9]|[?&;](?:key|code|state|sig|signature|auth|pass|pw)=|signature=|x-amz-"
    r"|eyJ[0-9A-Za-z_\-]{5,}\.|PRIVATE KEY|requirepass|masterauth|identified[ \t]+by|curl|mysql|sshpass|redis-cli"
    r"|\b(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}|AIza|ya29\.|GOCSPX|gh[pousr]_|github_pat_|glpat-|xox[a-z][.-]|xapp-|hooks\.slack"
    r"|\bsk-|[srp]k_(?:live|test)_|whsec_|\bhf_|npm_|pypi-A|dop_v1_|hvs\.|glsa_|\bSG\.|gsk_|AGE-SECRET|[0-9]{8}:AA|\bEAA"
    r"|\b[0-9]{2}[01][0-9][0-3][0-9][\-–]?[1-8][0-9]{6}\b"
    r"|\b[2-69][0-9]{12,18}\b|\b[2-69][0-9]{3}[ \-][0-9]{4,6}[ \-][0-9]{4,5}"
    r"|(?:\+|\b00)[1-9][0-9 .()\-]{8,}|\b01[016789][ .\-]?[0-9]{3}|\b0[0-9]{1,3}[\-) ] ?[0-9]{3,4}-[0-9]{4}"
    r"|[0-9]{3}[\-.)] ?[0-9]{3}[\-.][0-9]{4}|(?m:^[ \t]*[0-9A-Za-z+/]{60,76}={0,2}[ \t]*\r?$)"
)
PLACEHOLDER = pattern(r"\[(?P<kind>secret|email|phone|resident|card)-(?P<number>[0-9]{1,6})\]")
_SPACE = " \n\t,;"


class Redactor:
    """Hides secrets and personal data, with placeholders that are consistent for its life. Safe to share by threads."""

    def __init__(self, *, known: Iterable[str] = ()) -> None:
        """`known`: secrets to hide wherever they stand, such as our own keys from the settings."""
        self._known = sorted({word for word in known if len(word) >= 4}, key=len, reverse=True)
        self._key = secrets.token_bytes(16)
        self._numbers: dict[bytes, int] = {}
        self._last: dict[str, int] = {}
        self._lock = threading.Lock()

    def redact(self, text: str) -> str:
        """The text with secrets replaced. Never raises on any string; the result redacts to itself."""
        text, was_cut = _bounded(text)
        data = text.encode("utf-8", "replace")
        if not self._known and not was_cut and SUSPICIOUS.search(data) is None:
            return data.decode("utf-8")  # the common case, kept short: most lines hold nothing
        text = data.decode("utf-8")
        for _ in range(8):
            spans = self._spans(text)
            if not spans:
                break
            text, cut_again = _bounded(self._replaced(text, spans))
            was_cut = was_cut or cut_again
        return text + CUT if was_cut and not text.endswith(CUT) else text

    def redact_mapping(self, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of JSON-like data: text redacted, and whatever stands under a secret-like key replaced whole.

        Other objects (errors, paths, URLs) become their redacted text; numbers, flags and None stay.
        """
        budget = iter(range(MAX_NODES))
        copy = self._copy(mapping, secret=False, depth=0, budget=budget)
        return copy if isinstance(copy, dict) else {}

    def placeholder(self, value: str, kind: str = "secret") -> str:
        """The stand-in for a secret: `[secret-3]`; the same for the same secret."""
        same = "".join(c for c in value if c.isdigit()) if kind in ("phone", "resident", "card") else value
        digest = hashlib.blake2b(f"{kind}\0{same}".encode("utf-8", "replace"), key=self._key, digest_size=16).digest()
        with self._lock:
            number = self._numbers.get(digest)
            if number is None and len(self._numbers) < MAX_PLACEHOLDERS:
                number = self._numbers[digest] = self._last[kind] = self._last.get(kind, 0) + 1
        return f"[{kind}-{number}]" if number is not None else f"[{kind}-0]"

    def _spans(self, text: str) -> list[Span]:
        known = [span for word in self._known for span in _occurrences(text, word)]
        found = list(known)
        if SUSPICIOUS.search(text) is not None:
            for finder in (*credentials.FINDERS, *named_secrets.FINDERS, *personal.FINDERS):
                found.extend(finder(text))
            found.extend(_repeated(text, found))
        if not found:
            return []
        placeholders = list(PLACEHOLDER.finditer(text))
        self._skip_numbers(placeholders)
        whole = _snapped(found, [match.span() for match in placeholders])
        return _merged([span for span in whole if _says_something(text[span.start : span.end])])

    def _skip_numbers(self, placeholders: list[Any]) -> None:
        """Numbers already in a text were given by another redactor: do not give them to other secrets."""
        with self._lock:
            for match in placeholders:
                kind, number = match.group("kind"), min(int(match.group("number")), MAX_PLACEHOLDERS)
                self._last[kind] = max(self._last.get(kind, 0), number)

    def _replaced(self, text: str, spans: list[Span]) -> str:
        pieces, done = [], 0
        for span in spans:
            pieces += [text[done : span.start], self.placeholder(text[span.start : span.end], span.kind)]
            done = span.end
        return "".join([*pieces, text[done:]])

    def _copy(self, value: Any, *, secret: bool, depth: int, budget: Iterator[int]) -> Any:
        if next(budget, None) is None or depth > MAX_DEPTH:
            return CUT
        if isinstance(value, Mapping):
            named = "value" in value and is_secret_key(str(value.get("name", value.get("key", ""))))
            return {
                self.redact(key) if isinstance(key, str) else key: self._copy(
                    item,
                    secret=secret or (isinstance(key, str) and (is_secret_key(key) or (named and key == "value"))),
                    depth=depth + 1,
                    budget=budget,
                )
                for key, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._copy(item, secret=secret, depth=depth + 1, budget=budget) for item in value]
        if isinstance(value, bytes | bytearray):
            value = bytes(value).decode("utf-8", "replace")
        if isinstance(value, str):
            return self.placeholder(value) if secret and not _harmless(value) else self.redact(value)
        if value is None or isinstance(value, bool | int | float):
            hidden = secret and isinstance(value, int) and not isinstance(value, bool) and not _harmless(str(value))
            return self.placeholder(str(value)) if hidden else value
        return self._copy(str(value), secret=secret, depth=depth + 1, budget=budget)  # a URL, an error, a path, …


_current: ContextVar[Redactor | None] = ContextVar("redactor", default=None)


@contextmanager
def same_placeholders(redactor: Redactor | None = None) -> Iterator[Redactor]:
    """Inside, `redact` gives one secret one placeholder, in this task and in what it starts (tasks, threads)."""
    chosen = redactor or Redactor()
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)


def redact(text: str) -> str:
    """Redact one text: with the redactor of `same_placeholders` if there is one, else on its own."""
    return (_current.get() or Redactor()).redact(text)


def redact_mapping(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Redact JSON-like data (see `Redactor.redact_mapping` and `redact`)."""
    return (_current.get() or Redactor()).redact_mapping(mapping)


def _harmless(value: str) -> bool:
    return hides_nothing("token", value.strip())


def _bounded(text: str) -> tuple[str, bool]:
    """At most `MAX_CHARS` characters, cut where a word ends so that no half of a secret is left."""
    if len(text) <= MAX_CHARS:
        return text, False
    room = MAX_CHARS - len(CUT)
    at = max(text.rfind(space, room - 8192, room) for space in _SPACE)
    return text[: at if at != -1 else room - 8192], True


def _occurrences(text: str, word: str) -> Iterator[Span]:
    at = text.find(word)
    while at != -1:
        yield Span(at, at + len(word))
        at = text.find(word, at + len(word))


def _repeated(text: str, found: list[Span]) -> Iterator[Span]:
    """A generated secret that was found once is hidden wherever the same text repeats it without its key."""
    distinct = {text[span.start : span.end] for span in found if span.kind == "secret"}
    telling = [
        word for word in distinct if len(word) >= 8 and any(map(str.isdigit, word)) and any(map(str.isalpha, word))
    ]
    for word in sorted(telling, key=len, reverse=True)[:50]:
        yield from _occurrences(text, word)


def _says_something(text: str) -> bool:
    """Whether anything but placeholders and punctuation is in it."""
    return any(map(str.isalnum, PLACEHOLDER.sub("", text) if "[" in text else text))


def _snapped(spans: list[Span], placeholders: list[tuple[int, int]]) -> list[Span]:
    """Spans widened so that none begins or ends inside a placeholder that is already there."""
    starts = [start for start, _ in placeholders]
    whole = []
    for span in spans:
        first, last = bisect_right(starts, span.start) - 1, bisect_left(starts, span.end) - 1
        inside_first = first >= 0 and span.start < placeholders[first][1]
        inside_last = last >= 0 and span.end < placeholders[last][1]
        start = placeholders[first][0] if inside_first else span.start
        whole.append(Span(start, placeholders[last][1] if inside_last else span.end, span.kind))
    return whole


def _merged(spans: list[Span]) -> list[Span]:
    """Overlapping spans become one; what starts first names it."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = Span(last.start, max(last.end, span.end), last.kind)
        else:
            merged.append(span)
    return merged

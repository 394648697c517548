"""How a secret's value is read and judged: where it ends, and whether it hides anything at all.

Everything here is linear: patterns are RE2, and what RE2 cannot say (a closing quote, the pair that ends a value) is
read by hand within `MAX_VALUE` characters.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import re2

MAX_VALUE = 4096
"""Longest value read after a secret-like key, in characters."""


class Span(NamedTuple):
    """A half-open range of a text to hide, and the word its placeholder starts with."""

    start: int
    end: int
    kind: str = "secret"


def pattern(text: str) -> Any:
    """Compile with RE2, quietly: its complaints would go to stderr past our log."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(text, options)


def span_of(match: Any, group: str) -> tuple[int, int]:
    """Where a named group matched (RE2's wrapper takes numbers only)."""
    start, end = match.span(match.re.groupindex[group])
    return start, end


ASCII_WORDS = (
    r"pass[_-]?word|passwd|passwort|pass[_-]?phrase|pass[_-]?code|pwd|secret|token|credential|"
    r"(?:api|access|secret|private|account|auth|signing|encryption|master|shared[_-]?access|ssh|service|license)"
    r"[_-]?key|session[_-]?(?:id|key)|sessid|csrf|xsrf|otp|rrn|ssn"
)


def spelt(word: str) -> str:
    """A pattern for a Korean word as written, with a space between syllables or not, or as JSON escapes (`\\ube44`)."""
    return r"\s?".join(rf"(?:{syllable}|\\+u{ord(syllable):04x})" for syllable in word)


_KOREAN = "비밀번호 비번 패스워드 암호 비밀키 인증키 접속키 접근키 액세스키 시크릿 토큰 인증번호 주민번호 주민등록번호"
KOREAN_WORDS = "|".join(spelt(word) for word in _KOREAN.split()) + r"|API\s?키"
PARTICLE = r"(?:[은는이가을를]|\\+u[0-9a-f]{4})?"
_SUFFIX = r"(?:[_-]?(?:value|hash|base|text|plain|confirm|confirmation|old|new|current|[0-9]{1,3}))?"
QUOTE = r"(?:\\*[\"'`]|&quot;|&#3[49];|%2[27])"
KEY = (
    rf"(?:[A-Za-z0-9_.\-]*(?:{ASCII_WORDS}|passwords|secrets|credentials|api[_-]?keys){_SUFFIX}"
    rf"|(?:{KOREAN_WORDS}){PARTICLE})"
)

SECRET_KEY = pattern(rf"(?i)^(?:{KEY}|(?:proxy-)?authorization|(?:set-)?cookie|x-amz-signature)$")
NOT_A_SECRET = pattern(
    r"(?i)^(?:null|none|nil|true|false|yes|no|on|off|undefined|n/a|unset|empty|set|\*+|\.+|-+|x{3,}|<[a-z _-]*>|"
    r"\[?redacted\]?|(?:\[[a-z]+(?:-[0-9]{1,6})?\])+)$"
)
COUNT = pattern(r"^[0-9]{1,5}(?:\.[0-9]+)?$")
COUNTED_TOKEN = pattern(
    r"(?i)(?:max|min|num|n|total|input|output|prompt|completion|cached|reasoning|fencing|lease|per)[_.-]?token$"
)
NUMBER = pattern(r"^[0-9.]{1,19}$")
_STATE_WORDS = """
    expired invalid missing required incorrect wrong not is was the a an no must cannot could unknown unexpected
    malformed signature authentication authorization verification failed rejected revoked mismatch empty too has
    refused denied ok valid created rotated refreshed issued changed updated
    만료 만료됨 없음 누락 불일치 오류 필요 실패 틀림 발급 갱신
"""
STATES = frozenset(_STATE_WORDS.split())
"""What prose says after `token:`; a password that is one of these words is not protected by its name."""

_HEX = pattern(r"^[0-9a-fA-F\-]+$")
_RUN = pattern(r"^\S+")
_NEXT_PAIR = pattern(rf"[,;&|][\"'A-Za-z0-9_.\-]+[=:]|[\"'<>`]|&quot;|%2[267]|\\+[\"'nrt]|[,;]{QUOTE}")


def is_secret_key(name: str) -> bool:
    """Whether a field of this name holds a credential: `DB_PASSWORD`, `x-api-key`, `비밀번호`; not `max_tokens`."""
    return SECRET_KEY.search(name.strip()[:200]) is not None


def hides_nothing(key: str, value: str) -> bool:
    """Whether a value under a secret-like key is plainly no secret: empty, a flag, masked already, or a count."""
    if not value or NOT_A_SECRET.search(value):
        return True
    about_tokens = key.lower().endswith(("token", "토큰"))
    return about_tokens and (bool(COUNT.search(value)) or bool(COUNTED_TOKEN.search(key) and NUMBER.search(value)))


def quoted_end(text: str, start: int, quote: str) -> int:
    """Where a quoted value ends: at its closing quote (an escaped one does not close), else at the line's end."""
    limit = min(len(text), start + MAX_VALUE)
    at = text.find(quote, start, limit)
    while at != -1 and len(quote) == 1 and _escaped(text, at, start):
        at = text.find(quote, at + 1, limit)
    if at != -1:
        return at
    line = text.find("\n", start, limit)
    return limit if line == -1 else line


def _escaped(text: str, at: int, floor: int) -> bool:
    backslashes = 0
    while at - backslashes - 1 >= floor and text[at - backslashes - 1] == "\\":
        backslashes += 1
    return backslashes % 2 == 1


def bare_end(text: str, start: int) -> int:
    """Where an unquoted value ends: at white space, a quote, or the separator in front of the next `name=`."""
    for size in (256, MAX_VALUE):
        run = _RUN.search(text[start : start + size])
        if run is None:
            return start
        if run.end() < size:
            break
    value = run.group()
    stop = _NEXT_PAIR.search(value)
    if stop is not None:
        value = value[: stop.start()]
    if not NOT_A_SECRET.search(value):
        value = value.rstrip(",;.)]}")
    return start + len(value)


def looks_random(value: str, least: int) -> bool:
    """Mixed case with digits and many distinct characters: a generated key; not a word, hex id, uuid, or host name."""
    if len(value) < least or _HEX.search(value):
        return False
    mixed = any(c.isdigit() for c in value) and any(c.islower() for c in value) and any(c.isupper() for c in value)
    return mixed and len(set(value)) >= min(10, least * 2 // 3)

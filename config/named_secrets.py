"""Secrets told by the name beside them: `password=…`, `"api_key": "…"`, `--token …`, `비밀번호는 …`.

Each finder takes a text and yields the spans of the values; the names stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from config.secret_values import (
    ASCII_WORDS,
    KEY,
    KOREAN_WORDS,
    MAX_VALUE,
    PARTICLE,
    QUOTE,
    STATES,
    Span,
    bare_end,
    hides_nothing,
    looks_random,
    pattern,
    quoted_end,
    span_of,
)

_EQUALS = r"[ \t]*(?:=>|:=|={1,2}|[:：＝]|%3[AD])[ \t]*"

PAIR = pattern(
    rf"(?i)(?P<key>{KEY}|--requirepass|--masterauth)"
    rf"(?:(?P<sep>{QUOTE}?{_EQUALS}|{QUOTE}\s*,\s*{QUOTE}value{QUOTE}\s*:\s*)(?:(?P<list>\[\s*)?(?P<open>{QUOTE}))?"
    rf"|{QUOTE}\s*,\s*(?P<second>{QUOTE}))"
)
KOREAN_SAYING = pattern(rf"(?i)(?:{KOREAN_WORDS}){PARTICLE}\s+(?P<value>[!-~]{{4,200}})")
FLAG = pattern(
    rf"(?i)(?:(?:^|[\s\"'\[,(])--?[a-z0-9-]*(?:{ASCII_WORDS})|\brequirepass|\bmasterauth|\bidentified\s+by)"
    rf"[ \t]+(?P<open>{QUOTE})?"
)
ELEMENT = pattern(rf"(?i)<[a-z0-9_:.\-]*(?:{ASCII_WORDS})(?:\s[^<>]*)?>(?P<value>[^<]+)</")
TOOL_ARGUMENT = pattern(r"\s(?P<flag>-u|-p|-a|--user)[ =]?[\"']?(?P<value>[^\s\"']+)")
NEAR = pattern(
    rf"(?i)(?:{ASCII_WORDS}|{KOREAN_WORDS})[a-z]{{0,2}}{PARTICLE}(?P<words>(?:[\s\"'(:=]+[a-z가-힣]{{1,12}}){{0,3}})"
    r"[\s\"'(:=]+(?P<value>[0-9A-Za-z_+/=~.\-]{16,})"
)
_PLAIN = pattern(r"^[0-9a-zA-Z]{20,}$")
_TOOLS = {"-u": ("curl",), "--user": ("curl",), "-p": ("mysql", "sshpass"), "-a": ("redis-cli",)}


def pairs(text: str) -> Iterator[Span]:
    """`password=…`, `"api_key": "…"`, `('token', '…')`, `{"name": "DB_PASSWORD", "value": "…"}`, `비밀번호: …`."""
    done = 0
    for match in PAIR.finditer(text):
        if match.start() < done:
            continue
        key, sep, listed, opened, second = match.groups()
        quote, start = opened or second, match.end()
        if listed and quote:
            yield from _listed(text, start, quote)
            continue
        end = quoted_end(text, start, quote) if quote else bare_end(text, start)
        value = text[start:end]
        if key.lower() in ("pwd", "oldpwd") and value.startswith("/"):
            continue
        said = not quote and sep is not None and sep[-1:].isspace()
        if hides_nothing(key, value) or (value[:1] in "{[(" and not quote and len(value) < 2):
            continue
        if said and value.lower() in STATES:
            continue
        yield Span(start, end)
        done = end


def _listed(text: str, start: int, quote: str) -> Iterator[Span]:
    """Each item of `"secrets": ["…", "…"]`."""
    limit = text.find("]", start, start + MAX_VALUE)
    limit = limit if limit != -1 else min(len(text), start + MAX_VALUE)
    while 0 < start < limit:
        end = min(quoted_end(text, start, quote), limit)
        if not hides_nothing("", text[start:end]):
            yield Span(start, end)
        following = text.find(quote, end + len(quote), limit)
        start = following + len(quote) if following != -1 else limit


def arguments(text: str) -> Iterator[Span]:
    """`--password …`, `requirepass …`, `identified by '…'`, `curl -u user:…`, `redis-cli -a …`, `mysql -p…`."""
    for match in FLAG.finditer(text):
        start, quote = match.end(), match.group("open")
        end = quoted_end(text, start, quote) if quote else bare_end(text, start)
        value = text[start:end]
        if not hides_nothing("", value) and not value.startswith("-") and value.lower() not in STATES:
            yield Span(start, end)
    for match in TOOL_ARGUMENT.finditer(text):
        before = text[max(0, match.start() - 200) : match.start()].rpartition("\n")[2]
        if any(tool in before for tool in _TOOLS[match.group("flag")]):
            start, end = span_of(match, "value")
            if match.group("flag") in ("-u", "--user"):
                start = text.find(":", start, end) + 1
            if start and not hides_nothing("", text[start:end]):
                yield Span(start, end)


def elements(text: str) -> Iterator[Span]:
    """`<password>…</password>`."""
    for match in ELEMENT.finditer(text):
        if not hides_nothing("", match.group("value")):
            yield Span(*span_of(match, "value"))


def korean_sayings(text: str) -> Iterator[Span]:
    """`비밀번호는 hunter2 입니다`: Korean prose with the value in Latin letters."""
    for match in KOREAN_SAYING.finditer(text):
        value = match.group("value")
        if value[0] not in ":=" and (any(c.isdigit() for c in value) or not value.isalpha()):
            start, end = span_of(match, "value")
            if not hides_nothing("토큰" if "토큰" in match.group() else "", value.rstrip(",.)")):
                yield Span(start, end)


def near_words(text: str) -> Iterator[Span]:
    """Long random strings a few words after a secret-like word: `rotating token for gateway aG93…`."""
    for match in NEAR.finditer(text):
        value = match.group("value").rstrip(".")
        plain = not match.group("words") and _PLAIN.search(value) and any(c.isdigit() for c in value)
        if plain or looks_random(value, 16):
            start = span_of(match, "value")[0]
            yield Span(start, start + len(value))


FINDERS = (pairs, arguments, elements, korean_sayings, near_words)

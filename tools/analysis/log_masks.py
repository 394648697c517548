"""Masks for what varies within a word of a log line: numbers, times, addresses, ids, hashes, paths.

A mask keeps the punctuation around it and, in Korean, what is attached to it: `10.0.0.5에서` becomes `<addr>에서`. The
particle after a number follows how the number is read (3이, 2가), so such pairs are written as one.
"""

from __future__ import annotations

import re

NUMBER, TIME, ADDRESS, ID, HEX, STRING, ANY = "<num>", "<time>", "<addr>", "<id>", "<hex>", "<str>", "<*>"

STATUS_CLASSES = frozenset({"1xx", "2xx", "3xx", "4xx", "5xx"})

_MAX_WORD = 80
_AROUND = "[](){}<>\"'`,;:!?."
_DIGIT = re.compile(r"\d")
_WHOLE = re.compile(
    r"""
      (?P<addr>\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d+)?                     # IPv4, with a port or a prefix length
        | [0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){4,7}(?:\]:\d+)?          # IPv6
        | (?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2})                        # MAC
    | (?P<time>\d{4}[-/.]\d\d?[-/.]\d\d?(?:[T_:]?\d\d:\d\d.*)?         # 2026-11-21T02:10:00.123Z
        | \d\d?/[A-Z][a-z]{2}/\d{4}(?::\d\d:\d\d:\d\d)?                 # 21/Nov/2026:02:10:00
        | \d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)        # 02:10:00,123
    | (?P<num>[-+]?[$₩€]?\d[\d,._]*+(?:[eE][-+]?\d+)?                    # 1,234.5e-6
        (?:%|(?:[a-zA-Zµ]{1,3}(?:\d+(?:\.\d+)?[a-zµ]{1,2})*)?))          # 12ms, 1m2.3s, 3GiB
    | (?P<id>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})        # UUID
    | (?P<hex>0[xX][0-9a-fA-F]+|[0-9a-fA-F]{8,})
    """,
    re.VERBOSE,
)
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_SWITCHES = re.compile(r"[A-Za-z]\d|\d[A-Za-z]")
_VERSION_PART = re.compile(r"v\d{1,2}")
_HANGUL_TAIL = re.compile(r"^(.*?[^가-힣])([가-힣]+(?:\([가-힣]+\))?)$")
_PARTICLES = {
    particle: f"{pair[0]}({pair[1]})"
    for pair in (("이", "가"), ("은", "는"), ("을", "를"), ("과", "와"), ("으로", "로"), ("이나", "나"), ("이며", "며"))
    for particle in pair
}


def mask(word: str) -> str:
    """A word without white space, with what varies in it masked; a word without digits stays as it is."""
    if _DIGIT.search(word) is None:
        return word if len(word) <= _MAX_WORD else ANY
    core = word.strip(_AROUND)
    if not core or word in STATUS_CLASSES:
        return word
    opening, _, closing = word.partition(core)
    return f"{opening}{_masked(core[:400])}{closing}"


def _masked(core: str) -> str:
    if core[0] == "/":
        return _masked_path(core)
    whole = _whole(core)
    if whole is not None:
        return whole
    tail = _HANGUL_TAIL.match(core)
    if tail is not None:
        return f"{_masked(tail.group(1))}{_PARTICLES.get(tail.group(2), tail.group(2))}"
    key, equals, value = core.partition("=")
    if equals and key and _DIGIT.search(key) is None:
        return f"{key}={mask(value)}"
    if "/" in core:
        return _masked_path(core)
    if _looks_random(core):
        return ID
    return _DIGITS.sub(NUMBER, core)


def _whole(core: str) -> str | None:
    """The mask of a word that is one varying thing from end to end, else None."""
    if core.isdecimal():
        return NUMBER
    match = _WHOLE.fullmatch(core)
    return f"<{match.lastgroup}>" if match else None


def _masked_path(core: str) -> str:
    """A path or an address of the web: part by part, the question after `?` left out."""
    path, question, _ = core.partition("?")
    path = "/".join([part if part.isalpha() else _masked_part(part) for part in path.split("/")])
    return f"{path}?{ANY}" if question else path


def _masked_part(part: str) -> str:
    if _DIGIT.search(part) is None or _VERSION_PART.fullmatch(part):
        return part
    return _whole(part) or (ID if _looks_random(part) else _DIGITS.sub(NUMBER, part))


def _looks_random(core: str) -> bool:
    """Letters and digits by turns, as in ids that were drawn and not given."""
    return len(core) >= 6 and len(_SWITCHES.findall(core)) >= 3

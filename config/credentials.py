"""Credentials told by their form or place: vendors' keys, tokens, private keys, headers, cookies, URLs.

Each finder takes a text and yields the spans to hide; user names, cookie names and hosts stay.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from config.secret_values import (
    MAX_VALUE,
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

AUTHORIZATION = pattern(
    rf"(?i)authorization{QUOTE}?\s*[:=,]\s*[\[(]?\s*(?P<open>{QUOTE})?"
    r"(?P<scheme>(?:bearer|basic|token|digest|negotiate|ntlm|apikey|key|hmac|hawk|oauth|aws4-hmac-sha256)\s+)?"
)
_WHOLE_LINE = ("digest", "oauth", "hawk", "hmac", "aws4-hmac-sha256")
SCHEME = pattern(r"(?i)\b(?P<scheme>bearer|basic)[ \t]+(?P<value>[A-Za-z0-9._~+/\-]{6,}={0,2})")
COOKIE = pattern(rf"(?i)\b(?:set-)?cookie{QUOTE}?\s*[:=,]\s*[\[(]?\s*(?P<open>{QUOTE})?")
_ATTRIBUTES = frozenset({"path", "expires", "max-age", "domain", "samesite", "priority", "version"})


def headers(text: str) -> Iterator[Span]:
    """What follows an authentication scheme in `Authorization: …`, and bare `Bearer …` and `Basic …` anywhere."""
    done = 0
    for match in AUTHORIZATION.finditer(text):
        if match.start() < done:
            continue
        start, quote, scheme = match.end(), match.group("open"), (match.group("scheme") or "").strip().lower()
        if quote:
            end = quoted_end(text, start, quote)
        elif scheme in _WHOLE_LINE:
            end = quoted_end(text, start, "\n")
        else:
            end = bare_end(text, start)
        value, done = text[start:end], end
        if not hides_nothing("", value) and value.lower() not in STATES:
            yield Span(start, end)
    for match in SCHEME.finditer(text):
        value = match.group("value")
        basic = match.group("scheme").lower() == "basic"
        if _is_basic(value) if basic else len(value) >= 20 or not value.rstrip(".").isalpha():
            yield Span(*span_of(match, "value"))


def _is_basic(value: str) -> bool:
    """RFC 7617: base64 of `user:password`."""
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def cookies(text: str) -> Iterator[Span]:
    """The value of each cookie in `Cookie:` and `Set-Cookie:`; names and attributes stay (affinity shows there)."""
    done = 0
    for match in COOKIE.finditer(text):
        if match.start() < done:
            continue
        start, quote = match.end(), match.group("open")
        at, end = start, quoted_end(text, start, quote or "\n")
        done = end
        for part in text[start:end].split(";"):
            name, equals, value = part.partition("=")
            value_start = at + len(name) + 1
            stripped = value.strip().rstrip("]})\r")
            if equals and name.strip().lower() not in _ATTRIBUTES and not hides_nothing("", stripped):
                value_start += len(value) - len(value.lstrip())
                yield Span(value_start, value_start + len(stripped))
            at += len(part) + 1


USERINFO = pattern(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_AUTHORITY = pattern(r"^[^\s\"'<>`]*@")
QUERY = pattern(
    r"(?i)[?&;](?P<name>key|code|state|sig|signature|auth|pass|pw|x-amz-(?:signature|credential|security-token)|x-goog-signature)"
    r"=(?P<value>[^&\s\"'#<>;]+)"
)
_HOST_AND_PATH = pattern(
    r"^(?:localhost|[0-9A-Za-z\-]+\.[0-9A-Za-z.\-]+|\[[0-9a-f:]+\]|[0-9A-Za-z\-]*:[0-9]+)?[/?#,]|://"
)
_PORT = pattern(r"^[0-9]{1,5}(?:[/?#]|$)")
_MAYBE = frozenset({"key", "code", "state", "auth", "pass", "pw"})


def urls(text: str) -> Iterator[Span]:
    """Passwords in a URL's userinfo (and a user name that is itself a token), and signed or secret query parameters."""
    for match in USERINFO.finditer(text):
        authority = _AUTHORITY.search(text[match.end() : match.end() + 512])
        if authority is not None:
            yield from _userinfo(authority.group()[:-1], match.end())
    for match in QUERY.finditer(text):
        value = match.group("value")
        if not hides_nothing("", value) and (match.group("name").lower() not in _MAYBE or looks_random(value, 12)):
            yield Span(*span_of(match, "value"))


def _userinfo(written: str, at: int) -> Iterator[Span]:
    """The secret parts of what stands between `://` and the last `@`, which may be an `@` of the path or query."""
    user, colon, secret = written.partition(":")
    if "/" in user or "?" in user or _PORT.search(secret):
        return
    first, _, after = secret.partition("@")
    if _HOST_AND_PATH.search(after):
        secret = first
    if colon and not hides_nothing("", secret):
        yield Span(at + len(user) + 1, at + len(user) + 1 + len(secret))
    if secret == "x-oauth-basic" or looks_random(user, 16):
        yield Span(at, at + len(user))


SHAPES = pattern(
    r"\b(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}\b"
    r"|\bAIza[0-9A-Za-z_\-]{30,}|\bya29\.[0-9A-Za-z_\-]{10,}|\bGOCSPX-[0-9A-Za-z_\-]{20,}"
    r"|gh[pousr]_[0-9A-Za-z]{20,}|github_pat_[0-9A-Za-z_]{20,}|\bglpat-[0-9A-Za-z_\-]{16,}"
    r"|xox[a-z](?:\.xox[a-z])?-[0-9A-Za-z\-]{8,}|\bxapp-[0-9A-Za-z\-]{8,}|hooks\.slack\.com/(?:services|workflows)/[0-9A-Za-z/_\-]{8,}"
    r"|\bsk-[0-9A-Za-z_\-]{16,}|\b[srp]k_(?:live|test)_[0-9A-Za-z]{10,}|\bwhsec_[0-9A-Za-z+/=]{16,}"
    r"|\bhf_[0-9A-Za-z]{20,}|\bnpm_[0-9A-Za-z]{30,}|\bpypi-AgE[0-9A-Za-z_\-]{30,}|\bdop_v1_[0-9a-f]{40,}|\bhvs\.[0-9A-Za-z_\-]{20,}"
    r"|\bglsa_[0-9A-Za-z_]{20,}|\bSG\.[0-9A-Za-z_\-]{16,}\.[0-9A-Za-z_\-]{16,}|\bgsk_[0-9A-Za-z]{20,}|\bAGE-SECRET-KEY-1[0-9A-Z]{30,}"
    r"|\b[0-9]{8,10}:AA[0-9A-Za-z_\-]{30,}|\bEAA[0-9A-Za-z]{60,}"
    r"|eyJ[0-9A-Za-z_\-]{5,}\.[0-9A-Za-z_\-]{4,}(?:\.[0-9A-Za-z_\-]*)*"
)
KEY_BEGIN = pattern(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
KEY_END = pattern(r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
KEY_BODY = pattern(r"^(?:\s|\\+[nr]|[0-9A-Za-z+/=]{16,}|[A-Z][A-Za-z\-]+: [^\n\\]*)*[0-9A-Za-z+/=]*")
KEY_LINE = pattern(r"(?m)^[ \t]*(?P<value>[0-9A-Za-z+/]{60,76}={0,2})[ \t]*\r?$")


def shapes(text: str) -> Iterator[Span]:
    """Keys that tell themselves by their form: cloud, code host, chat and model vendors' keys, and JSON web tokens."""
    for match in SHAPES.finditer(text):
        yield Span(match.start(), match.end())


def private_keys(text: str) -> Iterator[Span]:
    """PEM private keys, whole, cut off, or arriving a line at a time."""
    ends = [match.end() for match in KEY_END.finditer(text)]
    done, next_end = 0, 0
    for match in KEY_BEGIN.finditer(text):
        if match.start() < done:
            continue
        while next_end < len(ends) and ends[next_end] <= match.end():
            next_end += 1
        if next_end < len(ends):
            done = ends[next_end]
        else:
            done = match.end() + KEY_BODY.search(text[match.end() : match.end() + 4 * MAX_VALUE]).end()
        yield Span(match.start(), done)
    for match in KEY_LINE.finditer(text):
        if looks_random(match.group("value"), 60):
            yield Span(*span_of(match, "value"))


FINDERS = (private_keys, shapes, headers, cookies, urls)

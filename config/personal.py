"""Where personal data hides in a text: e-mail addresses, phone numbers, Korean resident numbers, payment cards.

Telemetry is full of long numbers. A number is hidden only when its form, and where one exists its check digit, says
that it is a person's; time stamps, counters and ids stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from config.secret_values import Span, pattern

EMAIL = pattern(
    r"(?P<ascii>[A-Za-z0-9][A-Za-z0-9._%+\-]*(?:@|%40)[A-Za-z0-9](?:[A-Za-z0-9\-]*\.)+(?P<top>[A-Za-z]{2,}))"
    r"|[\pL0-9][\pL0-9._%+\-]*@[\pL0-9](?:[\pL0-9\-]*\.)+\pL{2,}"
)
_UNIT_SUFFIXES = frozenset({"service", "socket", "timer", "slice", "scope", "mount", "target", "path", "swap"})

PHONE = pattern(
    r"(?P<plus>(?:\+|\b00)[1-9][0-9]{0,2}(?:[ .\-]?\(?0?\)?[ .\-]?\(?[0-9]{1,4}\)?)(?:[ .\-]?[0-9]{2,4}){1,4})\b"
    r"|(?P<mobile>\b01[016789](?:[ .\-][0-9]{3,4}[ .\-][0-9]{4}|[0-9]{7,8}))\b"
    r"|(?P<land>\b0(?:2|3[1-3]|4[1-4]|5[0-9]{1,2}|6[1-4]|70|80)[\-) ][ ]?[0-9]{3,4}-[0-9]{4})\b"
    r"|(?P<american>(?:\([2-9][0-9]{2}\) ?|\b[2-9][0-9]{2}[\-.])[2-9][0-9]{2}[\-.][0-9]{4})\b"
)
RESIDENT = pattern(r"\b(?P<birth>[0-9]{6})(?P<hyphen>[\-–]?)(?P<rest>[1-8][0-9]{6})\b")
RESIDENT_WORD = pattern(r"(?i)주민|외국인\s?등록|resident|rrn|\bssn|jumin")
CARD = pattern(
    r"\b(?:[2-69][0-9]{12,18}|[2-69][0-9]{3}(?:[ \-][0-9]{4}){2}[ \-][0-9]{1,7}"
    r"|3[47][0-9]{2}[ \-][0-9]{6}[ \-][0-9]{5})\b"
)
MEASURED = pattern(
    r"(?i)(?:usage|bytes?|total|count|sum|nanos|nanoseconds|ns|us|ms|seconds|time|timestamp|offset|size|limit|duration|"
    r"value|id|seq|cursor|rss|cache)[\"']?\s*[:=]\s*$|}\s*$"
)


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses; systemd's `getty@tty1.service` and image digests are none."""
    for match in EMAIL.finditer(text):
        named = text[match.end() : match.end() + 1] == "_"  # as in `db@host.example.com_Database`
        if not named and (match.group("top") or "").lower() not in _UNIT_SUFFIXES:
            yield Span(match.start(), match.end(), "email")


def phones(text: str) -> Iterator[Span]:
    """International (`+…`), Korean mobile and land line, and North American numbers."""
    for match in PHONE.finditer(text):
        start, end = match.span()
        before, after = text[start - 1 : start], text[end : end + 1]
        if before.isascii() and (before.isalnum() or before in "_./") and before:
            continue
        number = match.group()
        digits = sum(c.isdigit() for c in number)
        bare = number.lstrip("+").isdigit()
        if match.group("plus") is not None and not (11 if bare else 9) <= digits <= 15:
            continue
        if (bare and before in ("-", "+", "#")) or (after == "." and text[end + 1 : end + 2].isdigit()):
            continue
        if match.group("plus") is None and before == "-" and text[start - 2 : start - 1].isalnum():
            continue
        yield Span(start, end, "phone")


def resident_numbers(text: str) -> Iterator[Span]:
    """Korean resident and foreigner registration numbers: YYMMDD-GNNNNNN.

    With the hyphen a plausible birth date is enough (numbers issued since October 2020 carry no check digit).
    Without it, thirteen digits may be a time stamp in milliseconds: then the check digit must be right, and a number
    that could be such a stamp must stand near a word that says what it is.
    """
    for match in RESIDENT.finditer(text):
        birth, rest = match.group("birth"), match.group("rest")
        if not plausible_birth(birth):
            continue
        if not match.group("hyphen"):
            said = RESIDENT_WORD.search(text[max(0, match.start() - 30) : match.start()]) is not None
            stamp = birth[0] in "12"
            if not said and (stamp or not resident_check(birth + rest)):
                continue
        yield Span(match.start(), match.end(), "resident")


def plausible_birth(birth: str) -> bool:
    """Whether YYMMDD can be a date (29 February is allowed in any year: the century is not known here)."""
    month, day = int(birth[2:4]), int(birth[4:6])
    return 1 <= month <= 12 and 1 <= day <= (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def resident_check(number: str) -> bool:
    """The check digit of a resident number: weights 2-9, 2-5, then (11 - sum mod 11) mod 10; foreigners' is 13 - …"""
    weights = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
    total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))
    base = 13 if number[6] in "5678" else 11
    return (base - total % 11) % 10 == int(number[12])


def cards(text: str) -> Iterator[Span]:
    """Payment card numbers: a known issuer's prefix and length, and a right check digit (ISO/IEC 7812, Luhn)."""
    for match in CARD.finditer(text):
        start, end = match.span()
        number = "".join(c for c in match.group() if c.isdigit())
        if not issued(number) or not luhn(number):
            continue
        if match.group().isdigit():
            before, after = text[start - 1 : start], text[end : end + 1]
            if before in ("-", ".", "/", "#", "+") or (after == "." and text[end + 1 : end + 2].isdigit()):
                continue
            if MEASURED.search(text[max(0, start - 40) : start]):
                continue
        yield Span(start, end, "card")


def issued(number: str) -> bool:
    """Whether prefix and length are an issuer's: Visa, Mastercard, Amex, Discover, JCB, Diners, UnionPay, Korean."""
    two, four, length = int(number[:2]), int(number[:4]), len(number)
    if two in (34, 37):
        return length == 15
    if two in (30, 36, 38, 39):
        return length in (14, 16)
    known = number[0] in "459" or 51 <= two <= 55 or 2221 <= four <= 2720 or two in (35, 60, 62, 64, 65)
    return known and (length == 16 or (two == 62 and 16 <= length <= 19))


def luhn(number: str) -> bool:
    """The Luhn check (ISO/IEC 7812-1): every second digit from the right doubled, the digit sum divisible by ten."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


FINDERS = (emails, phones, resident_numbers, cards)

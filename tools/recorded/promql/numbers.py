"""Numbers as Go prints and reads them, since Prometheus' texts come from there."""

from __future__ import annotations

import math
import re
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)")
_SPECIAL = re.compile(r"(?:([+-]?)(?:inf|infinity)|nan)", re.IGNORECASE)


def plain_decimal(value: float) -> str:
    """Shortest digits that read back the same, never an exponent: strconv 'f', -1."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def api_number(value: float) -> str:
    """The form of the HTTP API: plain below 1e21 and from 1e-6 up, otherwise an exponent of at least two digits."""
    if value != 0 and math.isfinite(value) and not 1e-6 <= abs(value) < 1e21:
        digits, _, exponent = repr(value).partition("e")
        if not exponent:
            digits, _, exponent = f"{Decimal(repr(value)):e}".partition("e")
        sign = "-" if exponent.startswith("-") else "+"
        return f"{digits.removesuffix('.0')}e{sign}{abs(int(exponent)):02d}"
    return plain_decimal(value)


def parse_number(text: str) -> float | None:
    """A bucket boundary or the like, or None where Go's ParseFloat would refuse."""
    if _NUMBER.fullmatch(text):
        return float(text)
    special = _SPECIAL.fullmatch(text)
    if special is None:
        return None
    if text.lower() == "nan":
        return math.nan
    return -math.inf if special.group(1) == "-" else math.inf

"""How numbers and quotes are written in an answer's text: the same digits as in its findings, and nothing secret."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from config.redact import redact

MAX_QUOTE = 160
_SPACE = re.compile(r"\s+")


def sig(value: float, digits: int = 4) -> float:
    """The value rounded to significant digits: what a finding holds and its text repeats."""
    return float(f"{value:.{digits}g}")


def number(value: float) -> str:
    """A number as text, four significant digits at most, no exponent below a million."""
    rounded = sig(value)
    return f"{int(rounded)}" if rounded == int(rounded) and abs(rounded) < 1e15 else f"{rounded:g}"


def percent(share: float) -> str:
    """0.494 as "49.4 %", whole where it is whole."""
    return f"{number(sig(share * 100, 3))} %"


def clock(ms: int) -> str:
    """The time of day, UTC: 14:02:10."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%H:%M:%S")


def quote(text: str, limit: int = MAX_QUOTE) -> str:
    """A short, redacted, single-line quote of untrusted text."""
    flat = _SPACE.sub(" ", redact(text[: 4 * limit])).strip()
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def listed(names: tuple[str, ...] | list[str], limit: int = 6) -> str:
    """Names joined by commas; past the limit only their number."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"

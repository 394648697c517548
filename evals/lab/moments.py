"""Times as the case format spells them: ISO 8601 UTC with milliseconds."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def iso(ms: int) -> str:
    """Unix milliseconds as text."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def now_ms() -> int:
    """The clock, in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def iso_now() -> str:
    """The clock, as text."""
    return iso(now_ms())


def iso_of(text: str) -> str | None:
    """A Docker or Alertmanager time (nanoseconds, any zone) as text of the format; None for the zero time."""
    return None if not text or text.startswith("0001-") else iso(ns_of(text) // 1_000_000)


def ns_of(text: str) -> int:
    """An RFC 3339 time with up to nine fractional digits, as Unix nanoseconds."""
    body, zone = (text[:-1], "+00:00") if text.endswith("Z") else (text[:-6], text[-6:])
    whole, _, fraction = body.partition(".")
    seconds = round(datetime.fromisoformat(whole + zone).timestamp())
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0")[:9] or 0)

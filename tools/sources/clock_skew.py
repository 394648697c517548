"""How far a backend's clock is from ours, by the `Date` header that every HTTP answer carries."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from tools.sources.shortfall import tell_shortfall

TOLD_FROM_S = 30.0  # the header has whole seconds and an answer takes a while


def skew_s(date_header: str | None, *, now_s: float | None = None) -> float | None:
    """Seconds the other clock is ahead of ours (negative: behind); None where the header tells nothing."""
    if not date_header:
        return None
    try:
        theirs = parsedate_to_datetime(date_header).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return theirs - (time.time() if now_s is None else now_s)


def tell_skew(backend: str, date_header: str | None) -> None:
    """A shortfall where the two clocks are apart: windows then miss what they should show."""
    apart = skew_s(date_header)
    if apart is not None and abs(apart) >= TOLD_FROM_S:
        where = "ahead of" if apart > 0 else "behind"
        tell_shortfall(
            f"the clock of {backend} is {abs(apart):.0f} s {where} ours: windows are shifted by as much, and the most "
            "recent events may be missing"
        )

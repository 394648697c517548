"""Identifiers that sort by time and are easy to read aloud: `inc-06c1v8k3n4mwx2`."""

from __future__ import annotations

import secrets
import time

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_EPOCH_MS = 1_735_689_600_000  # 2025-01-01


def new_id(prefix: str) -> str:
    """`prefix`, 8 characters of time (ms, lasts 34 years), 6 random ones."""
    number = max(0, time.time_ns() // 1_000_000 - _EPOCH_MS) << 30 | secrets.randbits(30)
    return f"{prefix}-" + "".join(_LETTERS[number >> shift & 31] for shift in range(65, -1, -5))

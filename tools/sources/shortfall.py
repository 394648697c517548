"""What a live source could not read while it answered with the rest: one host of three, a partial response.

A seam's answer has no room for "and the rest is unknown". A source tells it here and the toolbox, which collects
around each question, writes it into the evidence: half an answer is never taken for a whole one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_collected: ContextVar[list[str] | None] = ContextVar("shortfalls", default=None)


@contextmanager
def collecting() -> Iterator[list[str]]:
    """Inside, what sources tell (also from tasks and threads started there) is gathered, each sentence once."""
    told: list[str] = []
    token = _collected.set(told)
    try:
        yield told
    finally:
        _collected.reset(token)


def tell_shortfall(text: str) -> None:
    """Say what is missing from the answer about to be given."""
    told = _collected.get()
    if told is not None and text not in told:
        told.append(text)


def shortfalls() -> tuple[str, ...]:
    """What has been told within the present question."""
    return tuple(_collected.get() or ())

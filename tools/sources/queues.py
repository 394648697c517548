"""The queues seam (optional): lengths and consumers of a broker's lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class QueueState:
    """One list at one moment: its length and how many clients block on it (None where it cannot be told)."""

    name: str
    at_ms: int
    length: int
    consumers: int | None = None
    consumer_names: tuple[str, ...] = ()


class Queues(Protocol):
    """Raises SourceUnavailable, SourceRefused or NotCaptured."""

    async def states(self, *, start_ms: int, end_ms: int) -> tuple[QueueState, ...]:
        """Readings with start <= at <= end, oldest first."""
        ...

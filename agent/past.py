"""Earlier incidents, as a store tells them to a conversation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PastIncident:
    """An earlier incident that resembles this one. `title` is its first line, `outcome` what engineers said of it."""

    id: str
    at_ms: int
    title: str
    outcome: str = ""

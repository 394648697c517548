"""The alerts seam: what is firing, silenced or inhibited, and which rules exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Alert:
    """One alert. `state`: firing, resolved, silenced or inhibited."""

    name: str
    state: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_ms: int = 0
    ends_ms: int | None = None


class Alerts(Protocol):
    """Raises SourceUnavailable, SourceRefused or NotCaptured."""

    async def active(self, *, at_ms: int) -> tuple[Alert, ...]:
        """Alerts known at the moment."""
        ...

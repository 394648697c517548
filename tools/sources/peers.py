"""The peers seam: configuration, environment keys, limits, images and routes of like instances. Keys, never values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class PeerProfile:
    """What is comparable about one instance: a fact's name to its value, a secret's value replaced by its digest."""

    name: str
    service: str
    facts: Mapping[str, str] = field(default_factory=dict)


class Peers(Protocol):
    """Raises SourceUnavailable, SourceRefused or NotCaptured."""

    async def profiles(self, service: str, *, at_ms: int) -> tuple[PeerProfile, ...]:
        """Profiles of the service's instances as last seen at or before the moment."""
        ...

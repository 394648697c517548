"""The changes seam: deploys, switches, configuration and flags, from whoever records them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Change:
    """One change. `kind`: deploy, switch, rollback, config, scale, mode, restart, index, model, planned or other.

    `mode` carries a declared operating mode where the change says one (`both`, `drain`, `load_test`…).
    """

    at_ms: int
    kind: str
    service: str = ""
    colour: str = ""
    build: str = ""
    by: str = ""
    text: str = ""
    source: str = ""
    mode: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


class Changes(Protocol):
    """Raises SourceUnavailable, SourceRefused or NotCaptured."""

    async def between(self, *, start_ms: int, end_ms: int) -> tuple[Change, ...]:
        """Changes with start <= at < end, oldest first."""
        ...

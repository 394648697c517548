"""The routing seam: which colour is meant to be active (declared), and which one the proxy has loaded.

The third view, observed, is computed by the questions from traffic and work. A view that could not be read is
`unknown` with the reason; unknown never agrees with anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

UNKNOWN = "unknown"
BOTH = "both"


@dataclass(frozen=True)
class RouteView:
    """One view of a service's active colour.

    `view`: `declared_host` (the file on the host), `declared_container` (the file as the container sees it),
    `loaded` (what the proxy runs with). `colour`: a colour's name, `both` or `unknown`. `detail` is the line, target or
    address that says so, or why it is unknown. `since_ms`: when this view took its present value, where known.
    """

    service: str
    view: str
    colour: str
    detail: str
    at_ms: int
    since_ms: int | None = None


class Routing(Protocol):
    """Raises SourceUnavailable, SourceRefused or NotCaptured."""

    async def views(self, service: str, *, at_ms: int) -> tuple[RouteView, ...]:
        """The last reading of each view at or before the moment; empty for a service that is not routed."""
        ...

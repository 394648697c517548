"""The alerts seam: what is firing, silenced or inhibited, which rules exist, and what is scraped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Alert:
    """One alert. `state`: firing, pending, resolved, silenced or inhibited."""

    name: str
    state: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_ms: int = 0
    ends_ms: int | None = None


@dataclass(frozen=True)
class AlertRule:
    """One alerting rule. `state`: firing, pending, inactive or unknown; `error`: why it cannot be evaluated, or ""."""

    name: str
    state: str
    query: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class ScrapeTarget:
    """What is scraped. `health`: up, down or unknown; `error`: the last scrape's, or ""."""

    job: str
    instance: str
    health: str
    error: str = ""


class Alerts(Protocol):
    """Raises SourceUnavailable, SourceRefused or NotCaptured."""

    async def active(self, *, at_ms: int) -> tuple[Alert, ...]:
        """Alerts known at the moment."""
        ...

    async def rules(self, *, at_ms: int) -> tuple[AlertRule, ...]:
        """Alerting rules and their states at the moment."""
        ...

    async def targets(self, *, at_ms: int) -> tuple[ScrapeTarget, ...]:
        """Active scrape targets at the moment."""
        ...

"""The containers seam: what Docker says, as of a moment. Values of environment variables never pass through here.

Times are Unix milliseconds unless the name says nanoseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Container:
    """One container, as inspect shows it, allow-listed.

    `cpu_limit` in cores, `memory_limit` in bytes; None means unlimited. `exit_code` is None while it runs.
    `environment_keys` holds names only.
    """

    name: str
    id: str
    image: str
    state: str
    labels: Mapping[str, str] = field(default_factory=dict)
    image_id: str = ""
    created_ms: int | None = None
    started_ms: int | None = None
    finished_ms: int | None = None
    exit_code: int | None = None
    oom_killed: bool = False
    restart_count: int = 0
    health: str = ""
    cpu_limit: float | None = None
    memory_limit: int | None = None
    environment_keys: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    command: str = ""
    host: str = ""
    cluster: str = ""


@dataclass(frozen=True)
class ContainerStats:
    """One reading. CPU seconds, periods and throttled periods are cumulative; memory and network are in bytes."""

    name: str
    at_ms: int
    cpu_seconds: float
    memory_bytes: int
    network_rx_bytes: int = 0
    network_tx_bytes: int = 0
    periods: int = 0
    throttled_periods: int = 0
    pids: int = 0


@dataclass(frozen=True)
class ContainerProcess:
    """One row of `docker top`."""

    pid: str
    command: str


@dataclass(frozen=True)
class ContainerEvent:
    """One engine event: create, start, die, stop, kill, oom, restart, destroy, health_status… `exit_code` on die."""

    at_ms: int
    action: str
    container: str
    image: str = ""
    exit_code: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


class Containers(Protocol):
    """Raises SourceUnavailable, SourceRefused or NotCaptured."""

    async def list(self, *, at_ms: int) -> tuple[Container, ...]:
        """All containers, stopped ones too, as last seen at or before the moment."""
        ...

    async def stats(self, *, at_ms: int) -> tuple[ContainerStats, ...]:
        """The last reading of each running container at or before the moment."""
        ...

    async def top(self, name: str, *, at_ms: int) -> tuple[ContainerProcess, ...]:
        """Processes of one container."""
        ...

    async def events(self, *, start_ms: int, end_ms: int) -> tuple[ContainerEvent, ...]:
        """Engine events with start <= at < end, oldest first."""
        ...

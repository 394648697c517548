"""A world: the bundle of sources an investigation may ask. Questions cannot tell a live one from a recorded one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.sources.alerts import Alerts
from tools.sources.changes import Changes
from tools.sources.containers import Containers
from tools.sources.inventory import Inventory
from tools.sources.logs import Logs
from tools.sources.metrics import Metrics
from tools.sources.peers import Peers
from tools.sources.queues import Queues
from tools.sources.routing import Routing


@dataclass(frozen=True)
class World:
    """An unset source removes its questions; the report says what that cost.

    `earliest_ms`: nothing before it can be known (a snapshot's first moment; None for live). `siblings`: the worlds of
    other clusters by name; a question that names one is asked there.
    """

    name: str
    inventory: Inventory
    cluster: str = ""
    scrape_interval_ms: int = 15_000
    earliest_ms: int | None = None
    metrics: Metrics | None = None
    logs: Logs | None = None
    containers: Containers | None = None
    routing: Routing | None = None
    changes: Changes | None = None
    alerts: Alerts | None = None
    peers: Peers | None = None
    queues: Queues | None = None
    siblings: Mapping[str, World] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """What one run looks at, in Unix milliseconds: nothing after `asked_at_ms`, compared with `baseline`.

    `incident` starts at the best present guess of the onset; `baseline` ends at or before it.
    """

    asked_at_ms: int
    incident: tuple[int, int]
    baseline: tuple[int, int]

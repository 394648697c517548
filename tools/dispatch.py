"""Units handed out against units finished: who dispatches what a service finishes, and how much is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.analysis.robust import Floats
from tools.sources.inventory import Inventory, Service
from tools.subjects import related
from tools.work import WorkCounts


@dataclass(frozen=True)
class Flow:
    """Dispatched and finished units on the same bins, shape (n,); `by` names the services that dispatch."""

    dispatched: Floats
    finished: Floats
    by: tuple[str, ...]

    def backlog(self) -> Floats:
        """Units handed out and not finished since the first bin."""
        return np.asarray(np.cumsum(self.dispatched - self.finished), dtype=np.float64)


def dispatchers(inventory: Inventory, service: Service) -> tuple[Service, ...]:
    """Services that log the start of the same unit in front of this one; the service itself when there is none."""
    front = [
        s for s in related(inventory, service)[1:]
        if s.work and s.work.started and s.kind != service.kind and not (s.follows and s.follows == service.name)
    ]
    return tuple(front) or ((service,) if service.work and service.work.started else ())


def flow(inventory: Inventory, service: Service, counts: dict[str, WorkCounts]) -> Flow | None:
    """Dispatched against finished; None where no line says that a unit was handed out."""
    own = counts[service.name]
    if not own.outcomes & {"done", "failed"}:
        return None
    sources = [s for s in dispatchers(inventory, service) if s.name in counts]
    if not sources:
        return None
    handed = np.asarray(sum(counts[s.name].total("started") for s in sources), dtype=np.float64)
    return Flow(handed, own.total("done", "failed"), tuple(s.name for s in sources))

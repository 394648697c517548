"""Units handed out against units finished: who dispatches what a service finishes, and how much is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tools.analysis.robust import Floats
from tools.sources.inventory import Inventory, Service
from tools.subjects import upstream
from tools.work import WorkCounts

LEAST = 20  # units of the baseline from which the ratio of two different units is believed


@dataclass(frozen=True)
class Flow:
    """Dispatched and finished units on the same bins, shape (n,); `by` names the services that dispatch.

    `per_unit` is how many of this service's units one unit handed out becomes: 1 where both name the same unit, else
    what the baseline showed. `dispatched` is already multiplied by it.
    """

    dispatched: Floats
    finished: Floats
    by: tuple[str, ...]
    per_unit: float = 1.0

    def backlog(self) -> Floats:
        """Units handed out and not finished since the first bin."""
        return np.asarray(np.cumsum(self.dispatched - self.finished), dtype=np.float64)


def dispatchers(inventory: Inventory, service: Service) -> tuple[Service, ...]:
    """Services upstream that log the start of a unit; the service itself when there is none."""
    front = tuple(s for s in upstream(inventory, service) if s.work is not None and s.work.started is not None)
    return front or ((service,) if service.work and service.work.started else ())


def flow(
    inventory: Inventory, service: Service, counts: Mapping[str, WorkCounts], baseline: tuple[int, int]
) -> Flow | None:
    """Dispatched against finished; None where no line says that a unit was handed out, or the units do not compare."""
    own = counts[service.name]
    if not own.outcomes & {"done", "failed"}:
        return None
    sources = [s for s in dispatchers(inventory, service) if s.name in counts]
    if not sources:
        return None
    handed = np.asarray(sum(counts[s.name].total("started") for s in sources), dtype=np.float64)
    finished = own.total("done", "failed")
    ratio = 1.0
    if any(counts[s.name].unit != own.unit for s in sources):
        before = own.within(*baseline)
        if handed[before].sum() < LEAST:
            return None
        ratio = float(finished[before].sum() / handed[before].sum())
    return Flow(handed * ratio, finished, tuple(s.name for s in sources), ratio)

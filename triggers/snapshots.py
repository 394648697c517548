"""Snapshots of live incidents: taken once an incident is diagnosed, for containers are recreated and buffers roll.

One process at a time does it (`triggers/duties.py`). A capture that broke off goes on at the next tick; after an hour
it is given up, and the incident is learned from by its findings alone.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from agent.diagnosis import Diagnosis
from agent.incident import Signal
from config.errors import BadInput, CulpritError
from config.redact import Redactor
from config.settings import Learning
from evals.asked import plan_of
from evals.capture import capture
from evals.shelf import Shelf, safe_name
from tools.sources.raw_samples import RawSamples
from tools.world import World
from triggers.duties import Poller
from triggers.incidents import Incidents

_log = structlog.get_logger(__name__)
FRESH_MS = 3_600_000
MOST_AT_ONCE = 5


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Snapshots:
    """`worlds` and `samples` are live ones, by cluster; `spool` is where a capture under way is kept."""

    incidents: Incidents
    shelf: Shelf
    spool: Path
    worlds: Mapping[str, World]
    samples: Mapping[str, RawSamples | None]
    settings: Learning
    cluster_label: str = "cluster"
    now_ms: Callable[[], int] = _now_ms

    async def tick(self) -> None:
        """Every incident diagnosed within the hour that has no snapshot yet, a few at a time."""
        for incident in await asyncio.to_thread(self.due):
            try:
                await self.keep(incident)
            except CulpritError as error:
                _log.warning("no snapshot of this incident yet", incident=incident, reason=str(error))

    def due(self) -> list[str]:
        """Newest first."""
        fresh = self.now_ms() - FRESH_MS
        return [row["id"] for row in self.incidents.list(state="done", limit=200)
                if (row["finished_ms"] or 0) >= fresh and not self.shelf.folder_of(row["id"])][:MOST_AT_ONCE]

    async def keep(self, incident: str) -> Path:
        """Capture and put on the shelf, redacted both times. Raises CulpritError; what was captured so far is kept."""
        found = await asyncio.to_thread(self.incidents.show, incident)
        if not found["diagnosis"]:
            raise BadInput(f"{incident} has no diagnosis yet")
        signals = [Signal.from_dict(s) for s in found["signals"]]
        plan = plan_of(incident, Diagnosis.model_validate(found["diagnosis"]), signals,
                       max_bytes=round(self.settings.snapshot_mb * 2**20))
        cluster = next((s.labels[self.cluster_label] for s in signals
                        if s.labels.get(self.cluster_label) in self.worlds), next(iter(self.worlds)))
        folder = self.spool / safe_name(incident)
        folder.mkdir(parents=True, exist_ok=True)
        await capture(self.worlds[cluster], plan, folder, samples=self.samples.get(cluster), redactor=Redactor(),
                      present_ms=self.now_ms())
        kept = await asyncio.to_thread(self.shelf.put, incident, folder)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        _log.info("snapshot kept", incident=incident)
        return kept

    def poller(self) -> Poller:
        """For `run_pollers`."""
        return Poller("snapshots", 30.0, self.tick, lease_seconds=900.0)

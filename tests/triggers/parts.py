"""What several tests of the queue build on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from agent.codes import Verdict
from agent.diagnosis import Diagnosis, Usage
from agent.incident import Severity, Signal, SignalKind
from config.settings import Settings
from tools.evidence import iso
from triggers.claims import Claim
from triggers.wiring import Store, WorkerProcess, build_intake

T0 = 1_700_000_000_000


def settings_for(url: str, **sections: Any) -> Settings:
    """Quick leases and no grouping window."""
    worker = {"lease_seconds": 2, "backoff_seconds": 0.05, "drain_seconds": 1, **sections.pop("worker", {})}
    correlation = {"group_wait_seconds": 0, **sections.pop("correlation", {})}
    return Settings(database_url=url, worker=worker, correlation=correlation, publish={"console": False}, **sections)


def alert(name: str = "HighLatency", *, status: str = "firing", starts: str = "2026-11-20T10:00:00.123456789Z",
          fingerprint: str = "", **labels: str) -> dict[str, Any]:
    """One alert of a payload."""
    return {"status": status, "labels": {"alertname": name, **labels}, "annotations": {"summary": f"{name} is high"},
            "startsAt": starts, "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else "2026-11-20T10:30:00Z",
            "generatorURL": "http://prometheus/graph", "fingerprint": fingerprint}


def payload(*alerts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A webhook body of version 4."""
    found = list(alerts) or [alert()]
    return {"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": found[0]["status"],
            "receiver": "culprit", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
            "externalURL": "http://alertmanager", "alerts": found, **fields}


def body(*alerts: dict[str, Any], **fields: Any) -> bytes:
    """The same as bytes."""
    return json.dumps(payload(*alerts, **fields)).encode()


def signal(fingerprint: str = "f1", *, starts_ms: int = T0, severity: Severity = Severity.WARNING,
           status: str = "firing", kind: SignalKind = SignalKind.ALERT, **labels: str) -> Signal:
    """A signal whose labels place it."""
    return Signal(kind=kind, fingerprint=fingerprint, received_ms=starts_ms, starts_ms=starts_ms, title=fingerprint,
                  severity=severity, status=status, labels=labels,
                  ends_ms=None if status == "firing" else starts_ms + 1)


def take_in(store: Store, *signals: Signal) -> int:
    """Commit signals, as a door does."""
    intake = build_intake(store)
    try:
        return intake.submit(signals).result(timeout=10)
    finally:
        intake.close()


def diagnosis_of(claim: Claim) -> Diagnosis:
    """The smallest answer there is."""
    return Diagnosis(incident=claim.incident.id, run=claim.run.id, asked_at=iso(claim.run.asked_at_ms),
                     verdict=Verdict.UNDETERMINED, usage=Usage(model="none"))


async def run_until(process: WorkerProcess, condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Run a worker process until the condition holds, then let it drain."""
    stop = asyncio.Event()
    running = asyncio.create_task(process.run(stop))
    try:
        async with asyncio.timeout(seconds):
            while not condition() and not running.done():  # noqa: ASYNC110  (the condition is a database's)
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await running

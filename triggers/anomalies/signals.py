"""Anomalies as signals: the same queue, the same correlation, the same lives as alerts."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

from agent.incident import Severity, Signal, SignalKind
from tools.anomalies.sample import Anomaly, Watched
from tools.sources.inventory import Inventory

MAX_TEXT = 500


def signal_of(anomaly: Anomaly, inventory: Inventory, *, received_ms: int, ended_ms: int | None = None) -> Signal:
    """The signal of an anomaly that began, or (with `ended_ms`) its end. Detector and subject make the fingerprint."""
    about = anomaly.about
    labels = {"detector": anomaly.detector, **_place(about, inventory)}
    fingerprint = hashlib.sha256(f"anomaly\0{anomaly.key}".encode("utf-8", "replace")).hexdigest()[:32]
    payload = {"anomaly": {**asdict(anomaly), "about": about._asdict(), "key": anomaly.key}}
    return Signal(
        kind=SignalKind.ANOMALY, fingerprint=fingerprint, received_ms=received_ms, starts_ms=anomaly.since_ms,
        title=f"anomaly: {anomaly.detector} {about.where}"[:200], severity=Severity(anomaly.urgency),
        status="firing" if ended_ms is None else "resolved", ends_ms=ended_ms, text=anomaly.says[:MAX_TEXT],
        labels={name: value for name, value in labels.items() if value}, payload=payload,
    )


def _place(about: Watched, inventory: Inventory) -> dict[str, str]:
    """Labels by which an alert about the same thing is placed; a metric's own name is none of them."""
    owner = inventory.service_of(about.container) or inventory.service(about.service)
    return {"service": owner.name if owner else about.service, "container": about.container,
            "cluster": about.cluster or (owner.cluster if owner else ""), "signal": about.name[:120]}

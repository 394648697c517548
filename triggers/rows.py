"""Rows of `signals` and `incidents` <-> the vocabulary of `agent/incident.py`."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from agent.incident import Incident, Severity, Signal, SignalKind
from config.tables import signals

SEVERITIES = list(Severity)
MAX_SIGNALS = 2_000  # handed to one investigation; the most urgent and the earliest first
HANDICAP_MS = {Severity.CRITICAL.rank: 0, Severity.WARNING.rank: 600_000, Severity.INFO.rank: 3_600_000}
# priority with ageing: a warning that has waited ten minutes goes before a critical one that has just come


def signal_row(signal: Signal, *, now: int, disposition: str) -> dict[str, Any]:
    """Columns of a new signal. `starts_ms` stays as sent: with the fingerprint it is the signal's identity."""
    return {
        "kind": signal.kind.value, "fingerprint": signal.fingerprint, "starts_ms": signal.starts_ms,
        "ends_ms": signal.ends_ms, "received_ms": now, "seen_ms": now, "status": signal.status,
        "severity": signal.severity.rank, "title": signal.title, "text": signal.text, "lang": signal.lang,
        "alert_group": signal.group, "disposition": disposition,
        "labels": json.dumps(dict(signal.labels), ensure_ascii=False),
        "payload": json.dumps(dict(signal.payload), ensure_ascii=False),
    }


def signal_of(row: Any) -> Signal:
    """The inverse. A beginning in the future is a sender's wrong clock: it began at the latest when it came in."""
    return Signal(
        kind=SignalKind(row.kind), fingerprint=row.fingerprint, received_ms=row.received_ms,
        starts_ms=min(row.starts_ms, row.received_ms), title=row.title,
        severity=SEVERITIES[row.severity], status=row.status, ends_ms=row.ends_ms, text=row.text,
        lang=row.lang, group=row.alert_group, labels=json.loads(row.labels), payload=json.loads(row.payload),
    )


def signals_of(connection: sa.Connection, incident_id: str, *, limit: int = MAX_SIGNALS) -> tuple[Signal, ...]:
    """An incident's signals in order of their beginning; the most urgent if there are more than `limit`."""
    rows = connection.execute(
        sa.select(signals).where(signals.c.incident_id == incident_id)
        .order_by(signals.c.severity, signals.c.starts_ms, signals.c.id).limit(limit)
    ).all()
    return tuple(signal_of(row) for row in sorted(rows, key=lambda row: (row.starts_ms, row.id)))


def incident_of(row: Any, found: tuple[Signal, ...]) -> Incident:
    """An incident row with its signals."""
    return Incident(id=row.id, fingerprint=row.fingerprint, signals=found, severity=SEVERITIES[row.severity],
                    opened_ms=row.opened_ms, revision=row.revision)


def incident_summary(row: Any) -> dict[str, Any]:
    """The incident as JSON, without its signals. Times are Unix milliseconds."""
    names = ("id", "title", "state", "opened_ms", "onset_ms", "last_signal_ms", "revision", "attempts", "ready_ms",
             "claimed_ms", "finished_ms", "resolved_ms", "closed_ms", "merged_into", "linked_to", "error", "owner",
             "run_id")
    mapping = row._mapping
    return {**{name: mapping[name] for name in names}, "severity": SEVERITIES[mapping["severity"]].value}

"""Applying a correlation plan: opening, joining and merging incidents. Parts of the correlator's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import sqlalchemy as sa

from agent.incident import Severity, Signal
from agent.ledger import end_run
from config.identifiers import new_id
from config.tables import incidents, places, signals
from triggers.attach import touch_incident
from triggers.messages import put_message
from triggers.rows import HANDICAP_MS, incident_summary


class Stored(Protocol):
    """A signal that is on disk."""

    @property
    def id(self) -> int: ...
    @property
    def signal(self) -> Signal: ...


def open_incident(
    connection: sa.Connection, group: Sequence[Stored], *, now: int, wait_ms: int, publishers: Sequence[str]
) -> str:
    """A new incident, announced at once. The grouping window delays its investigation; a critical signal skips it."""
    first = min((p.signal for p in group), key=lambda s: (s.severity.rank, s.starts_ms, s.fingerprint))
    incident, rank = new_id("inc"), first.severity.rank
    ready = now if first.severity is Severity.CRITICAL else now + wait_ms
    row = connection.execute(incidents.insert().values(
        id=incident, fingerprint=first.fingerprint, title=first.title, state="queued", severity=rank, opened_ms=now,
        onset_ms=min(p.signal.starts_ms for p in group), last_signal_ms=now, queued_ms=now, ready_ms=ready,
        order_ms=now + HANDICAP_MS[rank], linked_to=_earlier(connection, {p.signal.fingerprint for p in group}),
        resolved_ms=now if all(p.signal.status == "resolved" for p in group) else None,
    ).returning(incidents)).one()
    put_message(connection, publishers=publishers, kind="announced", incident_id=incident, about="open", now=now,
                body={"incident": incident_summary(row), "signals": [_brief(p.signal) for p in group[:20]],
                      "signal_count": len(group)})
    return incident


def _earlier(connection: sa.Connection, fingerprints: set[str]) -> str | None:
    """The last closed incident that had one of these fingerprints: this is a re-fire of it."""
    some = sorted(fingerprints)[:200]
    return connection.execute(
        sa.select(incidents.c.id).select_from(incidents.join(signals, signals.c.incident_id == incidents.c.id))
        .where(signals.c.fingerprint.in_(some), incidents.c.closed_ms.is_not(None))
        .order_by(incidents.c.opened_ms.desc()).limit(1)).scalar()


def _brief(signal: Signal) -> dict[str, object]:
    return {"kind": signal.kind.value, "title": signal.title, "severity": signal.severity.value,
            "status": signal.status, "starts_ms": signal.starts_ms, "labels": dict(signal.labels),
            "text": signal.text, "lang": signal.lang, "fingerprint": signal.fingerprint,
            "payload": dict(signal.payload) if signal.kind.value == "question" else {}}


def apply_joins(connection: sa.Connection, incident: str, group: Sequence[Stored], *, now: int) -> bool:
    """Add signals to an open incident; False if it is not open any more."""
    row = connection.execute(sa.select(incidents.c.closed_ms, incidents.c.state, incidents.c.onset_ms)
                             .where(incidents.c.id == incident).with_for_update()).first()
    if row is None or row.closed_ms is not None or row.state in ("merged", "cancelled"):
        return False
    touch_incident(connection, incident, rank=min(p.signal.severity.rank for p in group), now=now)
    onset = min(p.signal.starts_ms for p in group)
    if onset < row.onset_ms:
        connection.execute(incidents.update().where(incidents.c.id == incident).values(onset_ms=onset))
    return True


def apply_merge(
    connection: sa.Connection, *, loser: str, survivor: str, now: int, publishers: Sequence[str]
) -> None:
    """Everything of the loser becomes the survivor's; whoever investigates the loser is refused at its end."""
    rows = {row.id: row for row in connection.execute(
        sa.select(incidents).where(incidents.c.id.in_((loser, survivor))).order_by(incidents.c.id).with_for_update())}
    if any(i not in rows or rows[i].closed_ms is not None or rows[i].state in ("merged", "cancelled")
           for i in (loser, survivor)):
        return
    connection.execute(signals.update().where(signals.c.incident_id == loser).values(incident_id=survivor))
    _move_places(connection, loser, survivor)
    if rows[loser].run_id is not None:
        end_run(connection, rows[loser].run_id, state="superseded", now=now)
    row = connection.execute(incidents.update().where(incidents.c.id == loser).values(
        state="merged", merged_into=survivor, closed_ms=now, finished_ms=now, owner=None, lease_ms=None,
        token=incidents.c.token + 1).returning(incidents)).one()
    touch_incident(connection, survivor, rank=rows[loser].severity, now=now)
    if rows[loser].onset_ms < rows[survivor].onset_ms:
        connection.execute(incidents.update().where(incidents.c.id == survivor).values(onset_ms=rows[loser].onset_ms))
    put_message(connection, publishers=publishers, kind="folded", incident_id=loser, about=survivor, now=now,
                body={"incident": incident_summary(row), "survivor": survivor})


def _move_places(connection: sa.Connection, loser: str, survivor: str) -> None:
    mine = {row.place: row for row in connection.execute(sa.select(places).where(places.c.incident_id == survivor))}
    for row in connection.execute(sa.select(places).where(places.c.incident_id == loser)).all():
        same = mine.get(row.place)
        key = sa.and_(places.c.incident_id == (loser if same is None else survivor), places.c.place == row.place)
        if same is None:
            connection.execute(places.update().where(key).values(incident_id=survivor))
        else:
            connection.execute(places.update().where(key).values(
                onset_ms=min(row.onset_ms, same.onset_ms), last_ms=max(row.last_ms, same.last_ms),
                signals=row.signals + same.signals))
    connection.execute(places.delete().where(places.c.incident_id == loser))

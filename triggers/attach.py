"""Parts of the intake's transaction: keep each signal once, and attach those whose fingerprint is being handled.

A signal's identity is (fingerprint, beginning): a repeated notification counts, a `resolved` ends it, a firing one
after that is a flap. Rows are taken in one order everywhere, so that two receivers cannot deadlock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import sqlalchemy as sa

from agent.incident import Severity, Signal
from config.database import Database, insert_into
from config.tables import incidents, signals
from triggers.messages import put_message
from triggers.rows import HANDICAP_MS, incident_summary, signal_row

CHUNK = 500
Key = tuple[str, int]

# Built once: putting such a statement together takes longer than running it.
_SOME: sa.BindParameter[str] = sa.bindparam("some", expanding=True)
_SIGNALS_OF = (
    sa.select(signals.c.id, signals.c.fingerprint, signals.c.starts_ms, signals.c.received_ms, signals.c.status,
              signals.c.incident_id, signals.c.pending, incidents.c.closed_ms)
    .select_from(signals.outerjoin(incidents, signals.c.incident_id == incidents.c.id))
    .where(signals.c.fingerprint.in_(_SOME)))
_INCIDENTS_OF = (
    sa.select(incidents.c.id)
    .where(incidents.c.id.in_(sa.select(signals.c.incident_id).where(signals.c.fingerprint.in_(_SOME))),
           incidents.c.closed_ms.is_(None))
    .order_by(incidents.c.id).with_for_update())
_CHANGE = signals.update().where(signals.c.id == sa.bindparam("_id")).values(
    status=sa.bindparam("_status"), ends_ms=sa.bindparam("_ends"), seen_ms=sa.bindparam("_seen"),
    repeats=signals.c.repeats + sa.bindparam("_repeats"), flaps=signals.c.flaps + sa.bindparam("_flaps"),
    pending=sa.case((sa.bindparam("_again", type_=sa.Boolean()), sa.true()),  # came in resolved, and now fires
                    else_=signals.c.pending))


@cache
def _upsert(is_sqlite: bool) -> sa.Insert:
    """Another receiver may have stored the same signal meanwhile. With RETURNING, SQLAlchemy sends all rows at once."""
    insert = insert_into(signals, is_sqlite=is_sqlite)
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["fingerprint", "starts_ms"],
        set_={"status": new.status, "ends_ms": new.ends_ms, "seen_ms": new.seen_ms, "repeats": signals.c.repeats + 1},
    ).returning(signals.c.id)


@dataclass
class Stored:
    """What a batch changed. `attached`: open incident -> most urgent severity of its new firing signals."""

    now: int
    attached: dict[str, int] = field(default_factory=dict)
    resolved: set[str] = field(default_factory=set)
    fired_again: set[str] = field(default_factory=set)


def store_signals(connection: sa.Connection, database: Database, kept: Sequence[tuple[Signal, str]]) -> Stored:
    """Write a batch of (signal, disposition); of the same signal twice, the later wins."""
    now = connection.execute(sa.select(database.now())).scalar_one()
    folded: dict[Key, tuple[Signal, str, int]] = {}
    for signal, disposition in kept:
        key = (signal.fingerprint, signal.starts_ms)
        folded[key] = (signal, disposition, folded[key][2] + 1 if key in folded else 0)
    known, owner, alive, firing = _known(connection, database, sorted({fingerprint for fingerprint, _ in folded}))
    stored = Stored(now=now)
    fresh: dict[Key, dict[str, Any]] = {}
    changed: list[dict[str, Any]] = []
    for key in sorted(folded):
        signal, disposition, repeats = folded[key]
        row = known.get(key)
        if row is not None and row.closed_ms is not None and (now_on := alive.get(key[0])) is not None:
            row = now_on  # the sender keeps the old beginning; the story goes on in another incident
        elif row is not None and row.closed_ms is not None and signal.status == "firing":
            row, signal = None, replace(signal, starts_ms=now)  # fires again after its incident closed
        if row is None:
            incident = owner.get(signal.fingerprint)
            fresh[signal.fingerprint, signal.starts_ms] = {
                **signal_row(signal, now=now, disposition=disposition), "repeats": repeats, "incident_id": incident,
                "pending": incident is None and signal.status == "firing"}
            _note_fresh(stored, signal, incident)
        else:
            changed.append(_change(row, signal, repeats + 1, now))
            _note_change(stored, row, signal)
        if signal.status == "resolved":  # a fingerprint is over as a whole, whichever beginning the sender names
            others = [r for r in firing.get(key[0], ()) if r is not row and _began(r) <= (signal.ends_ms or now)]
            changed += [_change(other, signal, 0, now) for other in others]
            for other in others:
                _note_change(stored, other, signal)
    _write(connection, database, list(fresh.values()), changed)
    return stored


def _known(
    connection: sa.Connection, database: Database, fingerprints: list[str]
) -> tuple[dict[Key, Any], dict[str, str], dict[str, Any], dict[str, list[Any]]]:
    """Signals of these fingerprints by key; and per fingerprint: its open incident, its newest signal whose story is
    not over, and all such that fire."""
    if not database.is_sqlite:
        _hold_incidents(connection, fingerprints)
    known: dict[Key, Any] = {}
    owner: dict[str, tuple[int, str]] = {}
    alive: dict[str, Any] = {}
    firing: dict[str, list[Any]] = {}
    for at in range(0, len(fingerprints), CHUNK):
        found = connection.execute(_SIGNALS_OF, {"some": fingerprints[at : at + CHUNK]})
        for row in found:
            known[row.fingerprint, row.starts_ms] = row
            open_ = row.incident_id is not None and row.closed_ms is None
            if open_ or row.pending:
                alive[row.fingerprint] = max(alive.get(row.fingerprint, row), row, key=lambda r: r.id)
                if row.status == "firing":
                    firing.setdefault(row.fingerprint, []).append(row)
            if open_:
                owner[row.fingerprint] = max(owner.get(row.fingerprint, (0, "")), (row.id, row.incident_id))
    return known, {fingerprint: incident for fingerprint, (_, incident) in owner.items()}, alive, firing


def _hold_incidents(connection: sa.Connection, fingerprints: list[str]) -> None:
    """Keep the correlator from merging these incidents away between our reading and our writing."""
    for at in range(0, len(fingerprints), CHUNK):
        connection.execute(_INCIDENTS_OF, {"some": fingerprints[at : at + CHUNK]})


def _began(row: Any) -> int:
    """A beginning in the future is a sender's wrong clock."""
    return min(int(row.starts_ms), int(row.received_ms))


def _change(row: Any, signal: Signal, repeats: int, now: int) -> dict[str, Any]:
    again = row.status == "resolved" and signal.status == "firing"
    lone = row.incident_id is None
    return {"_id": row.id, "_status": signal.status, "_ends": signal.ends_ms, "_seen": now, "_repeats": repeats,
            "_flaps": int(again), "_again": again and lone}


def _note_fresh(stored: Stored, signal: Signal, incident: str | None) -> None:
    if incident is None:
        return
    if signal.status == "firing":
        rank = signal.severity.rank
        stored.attached[incident] = min(stored.attached.get(incident, rank), rank)
    else:
        stored.resolved.add(incident)


def _note_change(stored: Stored, row: Any, signal: Signal) -> None:
    if row.incident_id is None or row.closed_ms is not None or row.status == signal.status:
        return
    (stored.resolved if signal.status == "resolved" else stored.fired_again).add(row.incident_id)


def _write(
    connection: sa.Connection, database: Database, fresh: list[dict[str, Any]], changed: list[dict[str, Any]]
) -> None:
    if fresh:
        connection.execute(_upsert(database.is_sqlite), fresh)
    if changed:
        connection.execute(_CHANGE, changed)


def attach(connection: sa.Connection, database: Database, stored: Stored, *, publishers: Sequence[str]) -> None:
    """Tell the incidents: new signals move the revision and the severity; the last `resolved` is an outcome."""
    for incident in sorted(set(stored.attached) | stored.fired_again | stored.resolved):
        if incident in stored.attached:
            touch_incident(connection, incident, rank=stored.attached[incident], now=stored.now)
        if incident in stored.fired_again:
            connection.execute(incidents.update().where(incidents.c.id == incident).values(resolved_ms=None))
        if incident in stored.resolved:
            _resolve(connection, incident, now=stored.now, publishers=publishers)


def touch_incident(connection: sa.Connection, incident: str, *, rank: int, now: int, news: bool = False) -> None:
    """New firing signals: revision, severity and place in the queue; a finished incident that became worse, or of
    which there is `news` (another place), is queued again. A critical signal ends the grouping window."""
    table = incidents.c
    worse = table.severity > rank
    again = sa.and_(table.state.in_(("done", "dead")), sa.or_(worse, sa.literal(news)))
    handicap = sa.case(dict(HANDICAP_MS), value=sa.case((worse, rank), else_=table.severity))
    moment = sa.literal(now, sa.BigInteger())
    queued = sa.case((again, moment), else_=table.queued_ms)
    urgent = sa.and_(sa.literal(rank == Severity.CRITICAL.rank), worse)
    connection.execute(incidents.update().where(table.id == incident).values(
        revision=table.revision + 1, last_signal_ms=now, resolved_ms=None,
        severity=sa.case((worse, rank), else_=table.severity),
        state=sa.case((again, "queued"), else_=table.state), queued_ms=queued, order_ms=queued + handicap,
        ready_ms=sa.case((sa.or_(again, urgent), moment), else_=table.ready_ms),
        attempts=sa.case((again, 0), else_=table.attempts), reruns=sa.case((again, 0), else_=table.reruns),
    ))


def _resolve(connection: sa.Connection, incident: str, *, now: int, publishers: Sequence[str]) -> None:
    """The outcome, once nothing of the incident fires any more; said only after a diagnosis was published."""
    firing = sa.exists().where(signals.c.incident_id == incident, signals.c.status == "firing")
    row = connection.execute(
        incidents.update().where(incidents.c.id == incident, incidents.c.resolved_ms.is_(None), sa.not_(firing))
        .values(resolved_ms=now).returning(incidents)
    ).first()
    if row is not None and row.state == "done":
        put_message(connection, publishers=publishers, kind="resolved", incident_id=incident, about=str(now),
                    body={"incident": incident_summary(row)}, now=now)

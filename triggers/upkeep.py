"""Upkeep: incidents close when their story is over, and old rows go. Run once per tick across all workers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import sqlalchemy as sa

from config.database import Database
from config.settings import Correlation, Retention
from config.tables import (
    acknowledgements,
    audit,
    diagnoses,
    evidence,
    feedback,
    incidents,
    outbox,
    places,
    reactions,
    runs,
    signals,
    slack_events,
    slack_threads,
    spending,
    turns,
)
from triggers.duties import Poller

DAY_MS = 86_400_000
CHUNK = 200


@dataclass(frozen=True)
class Swept:
    """Rows that a pass closed or removed."""

    closed: int = 0
    incidents: int = 0
    signals: int = 0


class Upkeep:
    """`flap_ms`: how long a resolved incident stays open for the same alert to come back."""

    def __init__(self, *, database: Database, correlation: Correlation, retention: Retention) -> None:
        self._database = database
        self._flap_ms = int(correlation.flap_seconds * 1000)
        self._quiet_ms = int(correlation.close_after_seconds * 1000)
        self._incident_ms = int(retention.incident_days * DAY_MS)
        self._signal_ms = int(retention.signal_days * DAY_MS)

    def pollers(self) -> tuple[Poller, ...]:
        """For `run_pollers`."""
        async def close() -> None:
            await asyncio.to_thread(self.close_settled)

        async def forget() -> None:
            await asyncio.to_thread(self.forget_old)

        return Poller("close", 15.0, close), Poller("retention", 3_600.0, forget, lease_seconds=600)

    def close_settled(self) -> int:
        """Close what is over: investigated (or given up) and resolved for a while, or quiet for long.

        Closing is per incident and final: a firing signal after it opens a new, linked incident.
        """
        def write(connection: sa.Connection) -> int:
            now = connection.execute(sa.select(self._database.now())).scalar_one()
            table = incidents.c
            over = sa.or_(table.resolved_ms < now - self._flap_ms, table.last_signal_ms < now - self._quiet_ms)
            unsettled = sa.exists().where(signals.c.incident_id == table.id, signals.c.pending)
            settled = sa.and_(table.state.in_(("done", "dead", "cancelled")), over, sa.not_(unsettled))
            return connection.execute(
                incidents.update().where(table.closed_ms.is_(None), settled).values(closed_ms=now)).rowcount

        return self._database.transact(write)

    def forget_old(self) -> Swept:
        """Remove incidents closed long ago with all that is theirs, and signals that never belonged to any."""
        removed = 0
        while chunk := self._database.transact(self._forget_incidents):
            removed += chunk
        return Swept(incidents=removed, signals=self._database.transact(self._forget_signals))

    def _forget_incidents(self, connection: sa.Connection) -> int:
        now = connection.execute(sa.select(self._database.now())).scalar_one()
        unsent = sa.exists().where(outbox.c.incident_id == incidents.c.id, outbox.c.state.in_(("waiting", "sending")))
        old = list(connection.execute(
            sa.select(incidents.c.id).where(incidents.c.closed_ms < now - self._incident_ms, sa.not_(unsent))
            .order_by(incidents.c.id).limit(CHUNK).with_for_update()).scalars())
        if not old:
            return 0
        theirs = sa.select(runs.c.id).where(runs.c.incident_id.in_(old))
        connection.execute(evidence.delete().where(evidence.c.run_id.in_(theirs)))
        for table in (diagnoses, runs, feedback, outbox, places, signals, slack_threads, acknowledgements, reactions):
            connection.execute(table.delete().where(table.c.incident_id.in_(old)))
        return connection.execute(incidents.delete().where(incidents.c.id.in_(old))).rowcount

    def _forget_signals(self, connection: sa.Connection) -> int:
        now = connection.execute(sa.select(self._database.now())).scalar_one()
        connection.execute(spending.delete().where(spending.c.period < now - 40 * DAY_MS))
        connection.execute(slack_events.delete().where(slack_events.c.received_ms < now - 2 * DAY_MS))
        for table in (turns, audit):
            connection.execute(table.delete().where(table.c.at_ms < now - self._incident_ms))
        return connection.execute(signals.delete().where(
            signals.c.incident_id.is_(None), sa.not_(signals.c.pending),
            signals.c.seen_ms < now - self._signal_ms)).rowcount

"""What an operator does to the queue: look, pause, resume, requeue, cancel, snooze. Synchronous, for threads."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from agent.ledger import end_run
from config.database import Database
from config.errors import BadInput, UnknownThing
from config.tables import incidents, leases
from triggers.claims import PAUSED, is_paused
from triggers.rows import HANDICAP_MS, incident_summary
from triggers.wake import Wake

FOREVER_MS = 2**53
HANDICAP = sa.case(dict(HANDICAP_MS), value=incidents.c.severity)


class Operations:
    """Raises UnknownThing for an incident that is not there, BadInput for what its state does not allow."""

    def __init__(self, *, database: Database, wake: Wake) -> None:
        self._database, self._wake = database, wake

    def overview(self) -> dict[str, Any]:
        """Counts by state, whether paused, and the age of the oldest waiting incident in milliseconds."""
        now = self._database.now()
        with self._database.read() as connection:
            counts = connection.execute(sa.select(incidents.c.state, sa.func.count())
                                        .group_by(incidents.c.state)).all()
            oldest = connection.execute(sa.select(now - sa.func.min(incidents.c.queued_ms))
                                        .where(incidents.c.state == "queued")).scalar()
            paused = connection.execute(sa.select(is_paused(now))).scalar()
        return {"paused": bool(paused), "oldest_waiting_ms": oldest, "states": {row[0]: row[1] for row in counts}}

    def waiting(
        self, *, states: tuple[str, ...] = ("running", "queued", "dead"), limit: int = 100
    ) -> list[dict[str, Any]]:
        """Incidents in the order they would be taken, running ones first, dead letters last."""
        order = sa.case({"running": 0, "queued": 1, "dead": 2}, value=incidents.c.state, else_=3)
        with self._database.read() as connection:
            rows = connection.execute(sa.select(incidents).where(incidents.c.state.in_(states))
                                      .order_by(order, incidents.c.order_ms, incidents.c.id).limit(limit)).all()
        return [incident_summary(row) for row in rows]

    def pause(self) -> None:
        """Hand out nothing; what runs goes on, what comes in is stored, grouped and announced."""
        self._hold(FOREVER_MS)

    def resume(self) -> None:
        """Hand out again."""
        self._hold(0)
        self._wake.ring("incidents")

    def _hold(self, until: int) -> None:
        def write(connection: sa.Connection) -> None:
            insert = self._database.insert(leases).values(name=PAUSED, token=0, lease_ms=until, due_ms=0)
            connection.execute(insert.on_conflict_do_update(
                index_elements=["name"], set_={"lease_ms": until, "token": leases.c.token + 1}))
            self._wake.notify(connection, "incidents")

        self._database.transact(write)

    def requeue(self, incident_id: str) -> None:
        """Investigate again from the start: a dead letter, a cancelled or a finished incident."""
        def write(connection: sa.Connection) -> None:
            row, now = self._locked(connection, incident_id)
            if row.state not in ("dead", "cancelled", "done"):
                raise BadInput(f"{incident_id} is {row.state}; only dead, cancelled or done ones are queued again")
            if row.run_id is not None:
                end_run(connection, row.run_id, state="superseded", now=now)
            connection.execute(incidents.update().where(incidents.c.id == incident_id).values(
                state="queued", attempts=0, reruns=0, error=None, queued_ms=now, ready_ms=now, run_id=None,
                order_ms=sa.literal(now, sa.BigInteger()) + HANDICAP, owner=None, lease_ms=None))
            self._wake.notify(connection, "incidents")

        self._database.transact(write)
        self._wake.ring("incidents")

    def cancel(self, incident_id: str) -> None:
        """Stop waiting or working on it; a worker that has it is refused at its next heartbeat."""
        def write(connection: sa.Connection) -> None:
            row, now = self._locked(connection, incident_id)
            if row.state not in ("queued", "running", "dead"):
                raise BadInput(f"{incident_id} is {row.state}; nothing to cancel")
            if row.run_id is not None:
                end_run(connection, row.run_id, state="superseded", now=now, error="cancelled")
            connection.execute(incidents.update().where(incidents.c.id == incident_id).values(
                state="cancelled", owner=None, lease_ms=None, finished_ms=now, token=incidents.c.token + 1))

        self._database.transact(write)

    def snooze(self, incident_id: str, *, seconds: float) -> None:
        """Do not investigate a waiting incident before that many seconds have passed."""
        def write(connection: sa.Connection) -> None:
            row, now = self._locked(connection, incident_id)
            if row.state != "queued":
                raise BadInput(f"{incident_id} is {row.state}; only a waiting one can be snoozed")
            connection.execute(incidents.update().where(incidents.c.id == incident_id)
                               .values(ready_ms=now + int(seconds * 1000)))

        self._database.transact(write)

    def _locked(self, connection: sa.Connection, incident_id: str) -> tuple[Any, int]:
        row = connection.execute(sa.select(incidents).where(incidents.c.id == incident_id).with_for_update()).first()
        if row is None:
            raise UnknownThing(f"no incident {incident_id}")
        return row, connection.execute(sa.select(self._database.now())).scalar_one()

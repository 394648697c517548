"""The correlator: one process at a time turns stored signals into incidents, by the plan of `agent/correlate.py`.

It reads and thinks outside of any transaction and then applies the plan in one, in which it checks that the duty is
still its own and that the incidents it wants to add to are still open.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
import structlog

from agent.correlate import CorrelationPolicy, OpenIncident, Plan, Seen, correlate
from agent.incident import Signal
from agent.topology import Place, Topology
from config.database import Database
from config.errors import LeaseLost, StoreUnavailable
from config.tables import incidents, places, signals
from triggers.duties import Duties, Duty
from triggers.grouping import apply_joins, apply_merge, open_incident
from triggers.rows import signal_of
from triggers.wake import Bell, Wake

DUTY = "correlator"
LEASE_MS = 10_000
IDLE_SECONDS = 0.5  # a look without a ring; SQLite's other processes cannot ring
PAUSE_SECONDS = 0.05  # between passes of a storm: doors need the database too
BATCH = 2_000
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Pending:
    """A stored signal that has no incident yet."""

    id: int
    signal: Signal
    investigate: bool


class Correlator:
    """`tick` is one pass: True if there was something to do."""

    def __init__(
        self, *, database: Database, duties: Duties, wake: Wake, topology: Topology,
        policy: CorrelationPolicy | None = None, group_wait_ms: int = 20_000, publishers: Sequence[str] = (),
    ) -> None:
        self._database, self._duties, self._wake, self._topology = database, duties, wake, topology
        self._policy = policy or CorrelationPolicy()
        self._group_wait_ms, self._publishers = group_wait_ms, tuple(publishers)
        self._duty: Duty | None = None
        self._taken = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: whenever signals came in, or others' duty lapsed."""
        with self._wake.bell("signals") as bell:
            while not stop.is_set():
                try:
                    busy = await asyncio.to_thread(self.tick)
                except (StoreUnavailable, LeaseLost) as error:
                    _log.warning("correlation will be tried again", reason=str(error))
                    self._duty, busy = None, False
                await (asyncio.sleep(PAUSE_SECONDS) if busy else self._rest(bell))

    async def _rest(self, bell: Bell) -> None:
        await bell.wait(0.05 if self._wake.polling else IDLE_SECONDS)

    def tick(self) -> bool:
        """Correlate one batch. Raises StoreUnavailable, LeaseLost."""
        if not self._has_pending():
            return False
        duty = self._held_duty()
        if duty is None:
            return False
        pending, standing = self._read()
        if not pending:
            return False
        plan = correlate([p.signal for p in pending], standing, topology=self._topology, policy=self._policy)
        opened = self._database.transact(lambda connection: self._apply(connection, duty, pending, plan))
        self._wake.ring("incidents")
        self._wake.ring("outbox")
        _log.info("correlated", signals=len(pending), opened=opened, merged=len(plan.merges))
        return True

    def _held_duty(self) -> Duty | None:
        """The duty, renewed at a third of its lease; every pass checks it again in the transaction that writes."""
        if self._duty is None or time.monotonic() - self._taken > LEASE_MS / 3000:
            self._taken = time.monotonic()
            self._duty = self._duties.take(DUTY, lease_ms=LEASE_MS)
        return self._duty

    def _has_pending(self) -> bool:
        with self._database.read() as connection:
            return bool(connection.execute(sa.select(sa.exists().where(signals.c.pending))).scalar())

    def _read(self) -> tuple[list[Pending], list[OpenIncident]]:
        """What waits, and the open incidents it could belong to."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(signals).where(signals.c.pending).order_by(signals.c.id)
                                      .limit(BATCH)).all()
            found = connection.execute(
                sa.select(incidents.c.id, incidents.c.opened_ms, places.c.place, places.c.onset_ms, places.c.last_ms)
                .select_from(incidents.join(places)).where(incidents.c.closed_ms.is_(None),
                                                           incidents.c.state.not_in(("merged", "cancelled")))
            ).all()
        seen: dict[tuple[str, int], list[Seen]] = defaultdict(list)
        for row in found:
            seen[row.id, row.opened_ms].append(Seen(Place(**json.loads(row.place)), row.onset_ms, row.last_ms))
        pending = [Pending(row.id, signal_of(row), row.disposition == "investigate") for row in rows]
        return pending, [OpenIncident(id_, opened, tuple(s)) for (id_, opened), s in seen.items()]

    def _apply(self, connection: sa.Connection, duty: Duty, pending: list[Pending], plan: Plan) -> int:
        self._duties.check(connection, duty)
        now = connection.execute(sa.select(self._database.now())).scalar_one()
        for merge in plan.merges:
            apply_merge(connection, loser=merge.loser, survivor=merge.survivor, now=now, publishers=self._publishers)
        joining: dict[str, list[Pending]] = defaultdict(list)
        for position, incident in plan.joins.items():
            joining[incident].append(pending[position])
        for incident in sorted(joining):
            self._place(connection, incident, joining[incident],
                        apply_joins(connection, incident, joining[incident], now=now))
        opened = 0
        for positions in plan.opens:
            group = [pending[p] for p in positions]
            if any(p.investigate for p in group):
                incident = open_incident(connection, group, now=now, wait_ms=self._group_wait_ms,
                                         publishers=self._publishers)
                self._place(connection, incident, group, True)
                opened += 1
            else:
                _settle(connection, group, None)
        self._wake.notify(connection, "incidents")
        self._wake.notify(connection, "outbox")
        return opened

    def _place(self, connection: sa.Connection, incident: str, group: list[Pending], accepted: bool) -> None:
        """Attach the signals and widen the incident's places. Not accepted: it closed meanwhile; they stay pending."""
        if not accepted:
            return
        _settle(connection, group, incident)
        rows: dict[str, dict[str, Any]] = {}
        for p in group:
            text = _place_text(self._topology.place(p.signal))
            row = rows.setdefault(text, {"incident_id": incident, "place": text, "onset_ms": p.signal.starts_ms,
                                         "last_ms": p.signal.starts_ms, "signals": 0})
            row["onset_ms"] = min(row["onset_ms"], p.signal.starts_ms)
            row["last_ms"] = max(row["last_ms"], p.signal.starts_ms)
            row["signals"] += 1
        insert = self._database.insert(places)
        new, old = insert.excluded, places.c
        connection.execute(insert.on_conflict_do_update(index_elements=["incident_id", "place"], set_={
            "onset_ms": sa.case((new.onset_ms < old.onset_ms, new.onset_ms), else_=old.onset_ms),
            "last_ms": sa.case((new.last_ms > old.last_ms, new.last_ms), else_=old.last_ms),
            "signals": old.signals + new.signals}), list(rows.values()))


@lru_cache(maxsize=4_096)
def _place_text(place: Place) -> str:
    known = {name: value for name, value in vars(place).items() if value and name != "mention"}
    return json.dumps(known, ensure_ascii=False, sort_keys=True)


def _settle(connection: sa.Connection, group: list[Pending], incident: str | None) -> None:
    connection.execute(signals.update().where(signals.c.id == sa.bindparam("_id"))
                       .values(pending=False, incident_id=incident), [{"_id": p.id} for p in group])

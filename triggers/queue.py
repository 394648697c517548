"""The queue is the incident table: claim, renew, finish, fail, give back. The reasons are in ADR and DESIGN section 3.

Synchronous, for threads. Raises StoreUnavailable when the database is away and LeaseLost when a claim is no longer its
holder's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from agent.diagnosis import Diagnosis
from agent.incident import Incident, Signal
from agent.ledger import end_run, open_run, store_diagnosis
from config.database import Database
from config.errors import LeaseLost
from config.tables import incidents
from triggers.claims import Claim, held, is_paused, lapsed, ready, take_back_lapsed, take_next, within_limit
from triggers.messages import put_message
from triggers.rows import incident_of, incident_summary, signals_of
from triggers.wake import Wake


class Finish(StrEnum):
    """`published`: stored and on its way out. `moved`: new signals came; it is queued again and nothing was said."""

    PUBLISHED = "published"
    MOVED = "moved"


@dataclass(frozen=True)
class QueuePolicy:
    """Milliseconds, counts. `concurrent` limits running investigations across all workers; None is no limit."""

    lease_ms: int = 30_000
    max_attempts: int = 5
    backoff_ms: int = 5_000
    backoff_limit_ms: int = 600_000
    max_reruns: int = 2
    concurrent: int | None = None


def asked_now(_incident: Incident, now: int) -> int:
    """The moment of a new run in the live world."""
    return now


class Queue:
    """`asked_at` fixes a new run's moment: now for the live world, the snapshot's for a recorded one."""

    def __init__(
        self, *, database: Database, wake: Wake, policy: QueuePolicy | None = None, publishers: Sequence[str] = (),
        asked_at: Callable[[Incident, int], int] = asked_now,
    ) -> None:
        self._database, self._wake = database, wake
        self.policy = policy or QueuePolicy()
        self._publishers = tuple(publishers)
        self._asked_at = asked_at

    def next_ready_ms(self) -> int | None:
        """How long until something can be claimed: 0 for now, None when nothing waits. A cheap read."""
        now = self._database.now()
        with self._database.read() as connection:
            if connection.execute(sa.select(is_paused(now))).scalar():
                return None
            due = sa.select(sa.func.min(incidents.c.ready_ms)).where(incidents.c.state == "queued").scalar_subquery()
            lease = sa.select(sa.func.min(incidents.c.lease_ms)).where(incidents.c.state == "running").scalar_subquery()
            row = connection.execute(sa.select(due - now, lease + 1 - now)).one()
        times = [max(0, int(t)) for t in row if t is not None]
        return min(times) if times else None

    def claim(self, owner: str) -> Claim | None:
        """The most pressing incident with its signals and run, or None."""
        return self._database.transact(lambda connection: self._claim(connection, owner))

    def _claim(self, connection: sa.Connection, owner: str) -> Claim | None:
        now = self._now(connection)
        for row in take_back_lapsed(connection, now=now, max_attempts=self.policy.max_attempts):
            self._bury(connection, row, now)
        if not within_limit(connection, now=now, limit=self.policy.concurrent):
            return None
        row = take_next(connection, now=now, lease_ms=self.policy.lease_ms, owner=owner)
        if row is None:
            return None
        incident = incident_of(row, signals_of(connection, row.id))
        run = open_run(connection, incident_id=row.id, revision=row.revision, current=row.run_id, owner=owner,
                       asked_at_ms=self._asked_at(incident, now), now=now)
        connection.execute(incidents.update().where(incidents.c.id == row.id).values(run_id=run.id))
        return Claim(incident=incident, run=run, token=row.token, attempt=row.attempts, queued_ms=row.queued_ms,
                     claimed_ms=now)

    def heartbeat(self, claim: Claim) -> None:
        """Renew the lease. LeaseLost if somebody took over, merged or cancelled the incident."""
        def renew(connection: sa.Connection) -> None:
            until = self._now(connection) + self.policy.lease_ms
            if connection.execute(incidents.update().where(held(claim)).values(lease_ms=until)).rowcount == 0:
                raise LeaseLost(f"{claim.incident.id} is no longer this worker's")

        self._database.transact(renew)

    def look_again(self, claim: Claim) -> tuple[int, tuple[Signal, ...]]:
        """The incident's revision and signals as they are now. LeaseLost as in `heartbeat`."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(incidents.c.revision).where(held(claim))).first()
            if row is None:
                raise LeaseLost(f"{claim.incident.id} is no longer this worker's")
            return row.revision, signals_of(connection, claim.incident.id)

    def finish(self, claim: Claim, *, diagnosis: Diagnosis, revision: int) -> Finish:
        """Store and publish in one transaction, if the claim still holds (LeaseLost) and no signal came after
        `revision`, the last one the investigation has seen; else queue it again, a few times at most."""
        def conclude(connection: sa.Connection) -> Finish:
            now = self._now(connection)
            row = connection.execute(sa.select(incidents).where(held(claim)).with_for_update()).first()
            if row is None:
                raise LeaseLost(f"{claim.incident.id} is no longer this worker's; its result is refused")
            if row.revision != revision and row.reruns < self.policy.max_reruns:
                self._again(connection, claim, now)
                return Finish.MOVED
            self._publish(connection, claim, row, diagnosis, revision, now)
            return Finish.PUBLISHED

        outcome = self._database.transact(conclude)
        self._wake.ring("outbox" if outcome is Finish.PUBLISHED else "incidents")
        return outcome

    def _again(self, connection: sa.Connection, claim: Claim, now: int) -> None:
        end_run(connection, claim.run.id, state="superseded", now=now)
        connection.execute(incidents.update().where(held(claim)).values(
            state="queued", owner=None, lease_ms=None, ready_ms=now, attempts=0, reruns=incidents.c.reruns + 1))
        self._wake.notify(connection, "incidents")

    def _publish(
        self, connection: sa.Connection, claim: Claim, row: Any, diagnosis: Diagnosis, revision: int, now: int
    ) -> None:
        store_diagnosis(connection, diagnosis=diagnosis, run=claim.run, revision=revision, now=now,
                        after_resolve=row.resolved_ms is not None)
        row = connection.execute(incidents.update().where(held(claim)).values(
            state="done", owner=None, lease_ms=None, finished_ms=now, error=None).returning(incidents)).one()
        put_message(connection, publishers=self._publishers, kind="diagnosed", incident_id=row.id,
                    about=claim.run.id, run_id=claim.run.id, now=now,
                    body={"incident": incident_summary(row), "diagnosis": diagnosis.model_dump(mode="json"),
                          "resolved_before": row.resolved_ms is not None, "newer_signals": row.revision != revision})
        self._wake.notify(connection, "outbox")

    def fail(self, claim: Claim, *, error: str, permanent: bool = False) -> str:
        """Back into the queue after a growing pause, or to the dead letters; the state it is in now.

        The run stays open, so that the next attempt resumes at its last checkpoint. LeaseLost as in `heartbeat`.
        """
        def give_up(connection: sa.Connection) -> str:
            now = self._now(connection)
            dead = permanent or claim.attempt >= self.policy.max_attempts
            values = {"state": "dead", "finished_ms": now} if dead else {
                "state": "queued", "ready_ms": now + backoff_ms(self.policy, claim.attempt)}
            row = connection.execute(incidents.update().where(held(claim)).values(
                owner=None, lease_ms=None, error=error[:2_000], **values).returning(incidents)).first()
            if row is None:
                raise LeaseLost(f"{claim.incident.id} is no longer this worker's")
            if dead:
                self._bury(connection, row, now)
            return str(row.state)

        return self._database.transact(give_up)

    def _bury(self, connection: sa.Connection, row: Any, now: int) -> None:
        if row.run_id is not None:
            end_run(connection, row.run_id, state="failed", now=now, error=row.error or "")
        put_message(connection, publishers=self._publishers, kind="failed", incident_id=row.id,
                    about=str(row.token), now=now, body={"incident": incident_summary(row)})
        self._wake.notify(connection, "outbox")

    def release(self, claim: Claim) -> None:
        """Give it back at once and uncounted: this worker is going down, another one resumes the run."""
        def give_back(connection: sa.Connection) -> None:
            now = self._now(connection)
            connection.execute(incidents.update().where(held(claim)).values(
                state="queued", owner=None, lease_ms=None, ready_ms=now, attempts=incidents.c.attempts - 1))
            self._wake.notify(connection, "incidents")

        self._database.transact(give_back)
        self._wake.ring("incidents")

    def has_work(self) -> bool:
        """Something can be claimed now."""
        now = self._database.now()
        with self._database.read() as connection:
            return bool(connection.execute(
                sa.select(sa.exists().where(sa.or_(ready(now), lapsed(now)))).where(sa.not_(is_paused(now)))).scalar())

    def _now(self, connection: sa.Connection) -> int:
        return int(connection.execute(sa.select(self._database.now())).scalar_one())


def backoff_ms(policy: QueuePolicy, attempt: int) -> int:
    """Doubling from `backoff_ms`, at most the limit, with a quarter of jitter so that retries do not march in step."""
    pause = min(policy.backoff_ms * 2 ** (attempt - 1), policy.backoff_limit_ms)
    return int(pause * random.uniform(0.75, 1.25))

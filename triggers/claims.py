"""One incident in one worker's hands: leases, fencing tokens, and the statements that keep them true.

Everything here is part of a transaction. The law: a row is changed on a worker's behalf only where its token matches,
and every claim makes the token grow, so what a worker does after losing its lease changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from agent.incident import Incident
from agent.ledger import Run
from config.tables import incidents, leases

PAUSED = "paused"  # a row of `leases`: the queue hands out nothing while it is held
_BUDGET_KEY = 0x43756C71  # PostgreSQL advisory lock: claims that count others must not race each other
LAPSED = "the worker's lease lapsed"


@dataclass(frozen=True)
class Claim:
    """What a worker was given. `attempt` counts from 1; the run says whether an earlier attempt began it."""

    incident: Incident
    run: Run
    token: int
    attempt: int
    queued_ms: int
    claimed_ms: int


def ready(now: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Waiting, and its time has come."""
    return sa.and_(incidents.c.state == "queued", incidents.c.ready_ms <= now)


def lapsed(now: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Held by a worker that stopped renewing its lease."""
    return sa.and_(incidents.c.state == "running", incidents.c.lease_ms < now)


def is_paused(now: sa.ColumnElement[int]) -> sa.Exists:
    """Somebody paused the queue."""
    return sa.exists().where(leases.c.name == PAUSED, leases.c.lease_ms > now)


def take_back_lapsed(connection: sa.Connection, *, now: int, max_attempts: int) -> list[Any]:
    """Return lapsed rows to the queue, or to the dead letters after too many attempts; the rows that died."""
    spent, moment = incidents.c.attempts >= max_attempts, sa.literal(now, sa.BigInteger())
    rows = connection.execute(
        incidents.update().where(lapsed(moment))
        .values(state=sa.case((spent, "dead"), else_="queued"), owner=None, lease_ms=None, error=LAPSED,
                ready_ms=now, finished_ms=sa.case((spent, moment), else_=incidents.c.finished_ms))
        .returning(incidents)
    ).all()
    return [row for row in rows if row.state == "dead"]


def within_limit(connection: sa.Connection, *, now: int, limit: int | None) -> bool:
    """Whether one more investigation may run, across all workers."""
    if limit is None:
        return True
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _BUDGET_KEY})
    running = connection.execute(
        sa.select(sa.func.count()).select_from(incidents).where(incidents.c.state == "running")
    ).scalar_one()
    return running < limit


def take_next(connection: sa.Connection, *, now: int, lease_ms: int, owner: str) -> Any | None:
    """The row that is due first, now running under a new token.

    One statement for both engines: PostgreSQL passes over rows that another claim holds (SKIP LOCKED); SQLAlchemy
    leaves that clause out on SQLite, whose write transaction admits one claim at a time anyway.
    """
    moment = sa.literal(now)
    due = (
        sa.select(incidents.c.id).where(ready(moment), sa.not_(is_paused(moment)))
        .order_by(incidents.c.order_ms, incidents.c.id).limit(1).with_for_update(skip_locked=True).scalar_subquery()
    )
    return connection.execute(
        incidents.update().where(incidents.c.id == due)
        .values(state="running", owner=owner, lease_ms=now + lease_ms, claimed_ms=now,
                token=incidents.c.token + 1, attempts=incidents.c.attempts + 1)
        .returning(incidents)
    ).first()


def held(claim: Claim) -> sa.ColumnElement[bool]:
    """The row is still this claim's."""
    return sa.and_(incidents.c.id == claim.incident.id, incidents.c.token == claim.token,
                   incidents.c.state == "running")

"""Duties one process at a time performs for all of them: the correlator, scheduled pollers, retention.

A duty is a row of `leases`. Taking it makes its token grow; what its holder writes checks the token in the same
transaction, so a holder that was asleep changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from config.database import Database
from config.errors import CulpritError, LeaseLost
from config.tables import leases

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Duty:
    """Held until `lease_ms` after the last take."""

    name: str
    token: int


class Duties:
    """Synchronous, for threads. Raises StoreUnavailable."""

    def __init__(self, *, database: Database, owner: str) -> None:
        self._database, self._owner = database, owner

    def take(self, name: str, *, lease_ms: int) -> Duty | None:
        """Take or keep a duty; None while somebody else holds it."""
        return self._database.transact(lambda connection: self._take(connection, name, lease_ms, every_ms=None))

    def take_tick(self, name: str, *, every_ms: int, lease_ms: int) -> Duty | None:
        """Take a scheduled duty if its tick is due; the next one is due `every_ms` later, whoever takes it."""
        return self._database.transact(lambda connection: self._take(connection, name, lease_ms, every_ms=every_ms))

    def _take(self, connection: sa.Connection, name: str, lease_ms: int, every_ms: int | None) -> Duty | None:
        now = connection.execute(sa.select(self._database.now())).scalar_one()
        connection.execute(self._database.insert(leases).values(name=name, token=0, lease_ms=0, due_ms=0)
                           .on_conflict_do_nothing(index_elements=["name"]))
        free = leases.c.lease_ms < now
        if every_ms is None:
            may = sa.or_(free, leases.c.owner == self._owner)
            values = {"due_ms": 0}
        else:
            may = sa.and_(free, leases.c.due_ms <= now)
            values = {"due_ms": now + every_ms}
        token = connection.execute(
            leases.update().where(leases.c.name == name, may)
            .values(owner=self._owner, token=leases.c.token + 1, lease_ms=now + lease_ms, ticked_ms=now, **values)
            .returning(leases.c.token)
        ).scalar()
        return None if token is None else Duty(name, token)

    def check(self, connection: sa.Connection, duty: Duty) -> None:
        """Inside the holder's transaction: LeaseLost if somebody else took the duty meanwhile."""
        token = connection.execute(sa.select(leases.c.token).where(leases.c.name == duty.name)
                                   .with_for_update()).scalar()
        if token != duty.token:
            raise LeaseLost(f"the duty {duty.name} is no longer this process's")

    def done(self, duty: Duty, *, error: str = "") -> None:
        """End a duty early, so that the next tick need not wait for the lease."""
        with self._database.begin() as connection:
            connection.execute(leases.update().where(leases.c.name == duty.name, leases.c.token == duty.token)
                               .values(lease_ms=0, error=error[:500] or None))


@dataclass(frozen=True)
class Poller:
    """Work due every `every_seconds`, once across all workers. `tick` must fit into `lease_seconds`."""

    name: str
    every_seconds: float
    tick: Callable[[], Awaitable[None]]
    lease_seconds: float = 60.0


async def run_pollers(
    duties: Duties, pollers: Sequence[Poller], *, stop: asyncio.Event, look_seconds: float = 0.5
) -> None:
    """Perform whatever is due until `stop`; a poller that fails is tried again at its next tick."""
    if not pollers:
        await stop.wait()
        return
    while not stop.is_set():
        await asyncio.gather(*(_tick(duties, poller) for poller in pollers))
        try:
            await asyncio.wait_for(stop.wait(), min(look_seconds, *(p.every_seconds for p in pollers)))
        except TimeoutError:
            continue


async def _tick(duties: Duties, poller: Poller) -> None:
    try:
        every, lease = int(poller.every_seconds * 1000), int(poller.lease_seconds * 1000)
        duty = await asyncio.to_thread(duties.take_tick, f"poller/{poller.name}", every_ms=every, lease_ms=lease)
        if duty is None:
            return
        error = ""
        try:
            async with asyncio.timeout(poller.lease_seconds):
                await poller.tick()
        except (CulpritError, TimeoutError) as failure:
            error = f"{type(failure).__name__}: {failure}"
            _log.warning("poller failed", poller=poller.name, reason=error)
        await asyncio.to_thread(duties.done, duty, error=error)
    except CulpritError as failure:
        _log.warning("poller could not be scheduled", poller=poller.name, reason=str(failure))

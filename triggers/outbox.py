"""The outbox: rows written with the truth they tell, sent afterwards, repaired by look-up.

A row that was tried before may have been posted by somebody who died before storing the reference: the publisher is
asked for the marker first. Messages about one incident leave in order, the announcement before its replies.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
import structlog

from config.database import Database
from config.errors import LeaseLost, PermanentError, StoreUnavailable, TransientError
from config.tables import outbox
from triggers.messages import Message, Publisher
from triggers.wake import Wake

LEASE_MS = 30_000
SEND_SECONDS = 20.0  # shorter than the lease: who still sends still holds it
MAX_ATTEMPTS = 500  # with the longest pause between them: somewhat more than a day
MAX_PAUSE_MS = 300_000
IDLE_SECONDS = 0.5
_log = structlog.get_logger(__name__)


class Outbox:
    """`run` until `stop`; several processes share the rows."""

    def __init__(
        self, *, database: Database, publishers: Sequence[Publisher], wake: Wake, lease_ms: int = LEASE_MS,
        backoff_ms: int = 500,
    ) -> None:
        self._database, self._wake = database, wake
        self._publishers = {p.name: p for p in publishers}
        self._lease_ms, self._backoff_ms = lease_ms, backoff_ms

    async def run(self, stop: asyncio.Event) -> None:
        """Send whatever is due."""
        with self._wake.bell("outbox") as bell:
            while not stop.is_set():
                try:
                    sent = await self.send_one()
                except StoreUnavailable as error:
                    _log.warning("the outbox cannot be read", reason=str(error))
                    sent = False
                if not sent:
                    await bell.wait(0.1 if self._wake.polling else IDLE_SECONDS)

    async def send_one(self) -> bool:
        """Send the message that is due first; False if there is none. Raises StoreUnavailable."""
        row = await asyncio.to_thread(self._take)
        if row is None:
            return False
        publisher = self._publishers[row.publisher]
        message = Message(kind=row.kind, incident_id=row.incident_id, marker=row.marker, body=json.loads(row.body),
                          thread=await asyncio.to_thread(self._thread, row))
        try:
            async with asyncio.timeout(min(SEND_SECONDS, self._lease_ms / 1000 * 0.7)):
                reference = await publisher.find(message) if row.attempts > 1 else None
                if reference is None:
                    await asyncio.to_thread(self._still_ours, row)
                    reference = await publisher.post(message)
        except LeaseLost:
            return True
        except (TransientError, TimeoutError) as error:
            asked = getattr(error, "retry_after_s", 0.0)
            await asyncio.to_thread(self._later, row, f"{type(error).__name__}: {error}", int(asked * 1000))
            return True
        except PermanentError as error:
            await asyncio.to_thread(self._settle, row, state="dead", error=str(error))
            return True
        await asyncio.to_thread(self._settle, row, state="sent", reference=reference)
        return True

    def _take(self) -> Any | None:
        if not self._has_due():
            return None
        return self._database.transact(self._take_next)

    def _due(self, now: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        earlier = outbox.alias("earlier")
        first = sa.not_(sa.exists().where(
            earlier.c.incident_id == outbox.c.incident_id, earlier.c.publisher == outbox.c.publisher,
            earlier.c.id < outbox.c.id, earlier.c.state.in_(("waiting", "sending"))))
        return sa.and_(
            outbox.c.publisher.in_(list(self._publishers)), first,
            sa.or_(sa.and_(outbox.c.state == "waiting", outbox.c.ready_ms <= now),
                   sa.and_(outbox.c.state == "sending", outbox.c.lease_ms < now)))

    def _has_due(self) -> bool:
        with self._database.read() as connection:
            return connection.execute(sa.select(outbox.c.id).where(self._due(self._database.now())).limit(1)) \
                .first() is not None

    def _take_next(self, connection: sa.Connection) -> Any | None:
        now = connection.execute(sa.select(self._database.now())).scalar_one()
        due = (sa.select(outbox.c.id).where(self._due(sa.literal(now))).order_by(outbox.c.id).limit(1)
               .with_for_update(skip_locked=True, of=outbox).scalar_subquery())
        return connection.execute(
            outbox.update().where(outbox.c.id == due)
            .values(state="sending", token=outbox.c.token + 1, attempts=outbox.c.attempts + 1,
                    lease_ms=now + self._lease_ms).returning(outbox)).first()

    def _thread(self, row: Any) -> str:
        with self._database.read() as connection:
            found = connection.execute(
                sa.select(outbox.c.reference).where(
                    outbox.c.incident_id == row.incident_id, outbox.c.publisher == row.publisher,
                    outbox.c.id < row.id, outbox.c.state == "sent").order_by(outbox.c.id).limit(1)).scalar()
        return found or ""

    def _still_ours(self, row: Any) -> None:
        """Right before posting: whoever slept through its lease must not post what another has sent."""
        with self._database.begin() as connection:
            now = connection.execute(sa.select(self._database.now())).scalar_one()
            if connection.execute(outbox.update().where(outbox.c.id == row.id, outbox.c.token == row.token)
                                  .values(lease_ms=now + self._lease_ms)).rowcount == 0:
                raise LeaseLost("another process sends this message")

    def _later(self, row: Any, error: str, asked_ms: int) -> None:
        """After a growing pause, not before the receiver asked for; given up after more than a day of failures."""
        if row.attempts >= MAX_ATTEMPTS:
            self._settle(row, state="dead", error=error)
            return
        pause = min(self._backoff_ms * 2 ** min(row.attempts - 1, 20), MAX_PAUSE_MS) * random.uniform(0.75, 1.25)
        self._settle(row, state="waiting", error=error, pause=max(int(pause), asked_ms))

    def _settle(self, row: Any, *, state: str, reference: str | None = None, error: str = "", pause: int = 0) -> None:
        now = self._database.now()
        values: dict[str, Any] = {"state": state, "error": error[:500] or None, "lease_ms": None}
        if state == "waiting":
            values["ready_ms"] = now + pause
        if state == "sent":
            values.update(sent_ms=now, reference=reference)
        if state == "dead":
            _log.error("message given up", marker=row.marker, reason=error)
        with self._database.begin() as connection:
            connection.execute(outbox.update().where(outbox.c.id == row.id, outbox.c.token == row.token)
                               .values(**values))



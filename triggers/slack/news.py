"""What changed after a report: cards are made right again, and new signals are told in the thread once they settle."""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa

from config.database import Database
from config.tables import acknowledgements, diagnoses, incidents, signals, slack_threads
from triggers.duties import Poller
from triggers.messages import put_message
from triggers.rows import incident_summary
from triggers.slack.cards import Cards
from triggers.slack.publisher import SlackPublisher
from triggers.wake import Wake

SETTLED_MS = 10_000
EVERY_SECONDS = 2.0
MOST_TITLES = 5
CRITICAL = 0


class News:
    """`poller` is due every two seconds, once across all workers."""

    def __init__(self, *, database: Database, cards: Cards, wake: Wake, settled_ms: int = SETTLED_MS) -> None:
        self._database, self._cards, self._wake, self._settled_ms = database, cards, wake, settled_ms

    def poller(self) -> Poller:
        """For `run_pollers`."""
        return Poller("slack", EVERY_SECONDS, self.tick, lease_seconds=30.0)

    async def tick(self) -> None:
        """Raises StoreUnavailable; Slack's troubles are left for the next time."""
        if await asyncio.to_thread(self.note_joined):
            self._wake.ring("outbox")
        await self._cards.repair()

    def note_joined(self) -> int:
        """Write a message for every published incident whose newer signals have settled; how many were written."""
        return self._database.transact(self._note)

    def _note(self, connection: sa.Connection) -> int:
        now = int(connection.execute(sa.select(self._database.now())).scalar_one())
        rows = connection.execute(self._grown(now)).all()
        for row in rows:
            titles = list(connection.execute(
                sa.select(signals.c.title).where(signals.c.incident_id == row.id, signals.c.received_ms > row.told_ms)
                .group_by(signals.c.title).order_by(sa.func.min(signals.c.id)).limit(MOST_TITLES)).scalars())
            connection.execute(slack_threads.update().where(slack_threads.c.incident_id == row.id)
                               .values(noted_revision=row.revision))
            if row.quiet and row.severity != CRITICAL:
                continue
            body: dict[str, Any] = {"incident": incident_summary(row), "titles": titles,
                                    "count": row.revision - max(row.told, row.noted_revision)}
            put_message(connection, publishers=(SlackPublisher.name,), kind="joined", incident_id=row.id,
                        about=str(row.revision), body=body, now=now)
        self._wake.notify(connection, "outbox")
        return len(rows)

    def _grown(self, now: int) -> sa.Select[Any]:
        newest = (sa.select(diagnoses.c.incident_id, sa.func.max(diagnoses.c.revision).label("told"),
                            sa.func.max(diagnoses.c.stored_ms).label("told_ms"))
                  .group_by(diagnoses.c.incident_id).subquery())
        mark = acknowledgements.c
        quiet = sa.exists().where(mark.incident_id == incidents.c.id, mark.kind == "snooze", mark.until_ms > now)
        return (sa.select(incidents, slack_threads.c.noted_revision, newest.c.told, newest.c.told_ms,
                          quiet.label("quiet"))
                .select_from(incidents.join(slack_threads).join(newest, newest.c.incident_id == incidents.c.id))
                .where(incidents.c.state == "done", incidents.c.closed_ms.is_(None),
                       incidents.c.revision > newest.c.told, incidents.c.revision > slack_threads.c.noted_revision,
                       incidents.c.last_signal_ms < now - self._settled_ms))

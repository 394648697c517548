"""Where each incident is told in Slack. Synchronous, for threads. Raises StoreUnavailable."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from config.database import Database
from config.tables import incidents, slack_threads

AFTERLIFE_MS = 3_600_000  # how long a closed incident's card is still kept right


@dataclass(frozen=True)
class Thread:
    """`ts` is the card; `thread_ts` is where replies go. `shown` is the state the card was drawn from."""

    incident_id: str
    channel: str
    ts: str
    thread_ts: str
    language: str
    shown: str = ""
    noted_revision: int = 0

    @property
    def reference(self) -> str:
        """How the outbox names it."""
        return f"{self.channel}:{self.ts}"


class Threads:
    """One row an incident."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, incident_id: str) -> Thread | None:
        """The thread of an incident."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(slack_threads).where(
                slack_threads.c.incident_id == incident_id)).first()
        return None if row is None else _thread(row)

    def incident_at(self, channel: str, thread_ts: str) -> str | None:
        """Which incident a thread is about: the newest of those told there."""
        with self._database.read() as connection:
            return connection.execute(
                sa.select(slack_threads.c.incident_id).where(
                    slack_threads.c.channel == channel,
                    sa.or_(slack_threads.c.thread_ts == thread_ts, slack_threads.c.ts == thread_ts))
                .order_by(slack_threads.c.incident_id.desc()).limit(1)).scalar()

    def open(self, thread: Thread) -> None:
        """Remember where it is told; a new card (the old one was deleted) replaces the place."""
        values = {"channel": thread.channel, "ts": thread.ts, "thread_ts": thread.thread_ts,
                  "language": thread.language, "shown": thread.shown}
        insert = self._database.insert(slack_threads).values(
            incident_id=thread.incident_id, drawn_ms=self._database.now(), noted_revision=thread.noted_revision,
            **values)
        with self._database.begin() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["incident_id"], set_=values))

    def drawn(self, incident_id: str, shown: str) -> None:
        """The card shows this now."""
        with self._database.begin() as connection:
            connection.execute(slack_threads.update().where(slack_threads.c.incident_id == incident_id)
                               .values(shown=shown, drawn_ms=self._database.now()))

    def forget(self, incident_id: str) -> None:
        """The card is gone on purpose."""
        with self._database.begin() as connection:
            connection.execute(slack_threads.delete().where(slack_threads.c.incident_id == incident_id))

    def alive(self) -> list[Thread]:
        """Threads of incidents that are open, or were closed a short while ago."""
        lately = self._database.now() - AFTERLIFE_MS
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(slack_threads).select_from(slack_threads.join(incidents))
                .where(sa.or_(incidents.c.closed_ms.is_(None), incidents.c.closed_ms > lately))).all()
        return [_thread(row) for row in rows]


def _thread(row: sa.Row[tuple[object, ...]]) -> Thread:
    return Thread(row.incident_id, row.channel, row.ts, row.thread_ts, row.language, row.shown, row.noted_revision)

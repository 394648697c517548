"""Slack's events, each dealt with once: kept before they are acknowledged, taken up again after a crash."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from config.database import Database
from config.tables import slack_events

STALE_MS = 60_000
MOST_ATTEMPTS = 3


class Events:
    """Synchronous, for threads. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, event_id: str, body: dict[str, Any]) -> bool:
        """Keep it; False if it came before."""
        now = self._database.now()
        insert = self._database.insert(slack_events).values(
            event_id=event_id, body=json.dumps(body, ensure_ascii=False), received_ms=now, taken_ms=now
        ).on_conflict_do_nothing(index_elements=["event_id"]).returning(slack_events.c.event_id)
        return self._database.transact(lambda connection: connection.execute(insert).first()) is not None

    def done(self, event_id: str) -> None:
        """Dealt with; its text need not be kept."""
        with self._database.begin() as connection:
            connection.execute(slack_events.update().where(slack_events.c.event_id == event_id)
                               .values(done_ms=self._database.now(), body="{}"))

    def left_behind(self) -> list[tuple[str, dict[str, Any]]]:
        """Events that nobody finished, now taken by us: whoever had them died."""
        def retake(connection: sa.Connection) -> list[tuple[str, dict[str, Any]]]:
            now = int(connection.execute(sa.select(self._database.now())).scalar_one())
            rows = connection.execute(
                slack_events.update().where(
                    slack_events.c.done_ms.is_(None), slack_events.c.taken_ms < now - STALE_MS,
                    slack_events.c.attempts < MOST_ATTEMPTS)
                .values(taken_ms=now, attempts=slack_events.c.attempts + 1)
                .returning(slack_events.c.event_id, slack_events.c.body)).all()
            return [(row.event_id, json.loads(row.body)) for row in rows]

        return self._database.transact(retake)

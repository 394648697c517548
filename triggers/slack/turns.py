"""What was said in a conversation, so that "and green?" can be understood. Synchronous, for threads."""

from __future__ import annotations

import sqlalchemy as sa

from agent.conversation import Turn
from config.database import Database
from config.redact import redact
from config.tables import turns

MOST = 20
MAX_TEXT = 2_000


class Turns:
    """Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, *, channel: str, thread: str, identity: str, author: str, text: str, by_culprit: bool = False
    ) -> bool:
        """Keep one message; False if it was kept before. `identity` is the sender's message, or the answer to it."""
        insert = self._database.insert(turns).values(
            channel=channel, thread=thread, identity=identity, author=author, by_culprit=by_culprit,
            text=redact(text)[:MAX_TEXT], at_ms=self._database.now(),
        ).on_conflict_do_nothing(index_elements=["identity"]).returning(turns.c.id)
        return self._database.transact(lambda connection: connection.execute(insert).first()) is not None

    def of(self, *, channel: str, thread: str, before: str = "") -> tuple[Turn, ...]:
        """The last turns of a thread, the oldest first; without the message `before`."""
        query = (sa.select(turns).where(turns.c.channel == channel, turns.c.thread == thread,
                                        turns.c.identity != before).order_by(turns.c.id.desc()).limit(MOST))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(Turn(author=r.author, text=r.text, at_ms=r.at_ms, by_culprit=r.by_culprit) for r in reversed(rows))

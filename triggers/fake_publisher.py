"""Stand-ins for a chat service: one in memory, one in a file that several processes share and that can be killed.

Like Slack they give a message a reference, keep its metadata and can be asked for it afterwards.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from config.errors import SourceUnavailable
from triggers.messages import Message


class RecordingPublisher:
    """Keeps messages in memory. The first `failures` posts are refused for now."""

    def __init__(self, *, name: str = "chat", failures: int = 0) -> None:
        self.name = name
        self.messages: list[Message] = []
        self.references: dict[str, str] = {}
        self._failures = failures

    async def find(self, message: Message) -> str | None:
        return self.references.get(message.marker)

    async def post(self, message: Message) -> str:
        if self._failures > 0:
            self._failures -= 1
            raise SourceUnavailable("the chat is away")
        self.messages.append(message)
        return self.references.setdefault(message.marker, f"m{len(self.messages)}")


class SharedChannel:
    """A channel in a SQLite file. It never refuses a repeated message: that is the outbox's affair.

    `between` runs after a message has been posted and before the reference is given back: the moment to be killed.
    """

    name = "chat"

    def __init__(self, path: Path, *, between: Callable[[Message], None] | None = None) -> None:
        self._path, self._between = path, between
        with self._open() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS posts (ref INTEGER PRIMARY KEY, marker TEXT, kind TEXT, "
                               "incident TEXT)")

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30, isolation_level=None)

    async def find(self, message: Message) -> str | None:
        with self._open() as connection:
            row = connection.execute("SELECT ref FROM posts WHERE marker = ?", (message.marker,)).fetchone()
        return None if row is None else str(row[0])

    async def post(self, message: Message) -> str:
        with self._open() as connection:
            cursor = connection.execute("INSERT INTO posts (marker, kind, incident) VALUES (?, ?, ?)",
                                        (message.marker, message.kind, message.incident_id))
        if self._between is not None:
            self._between(message)
        return str(cursor.lastrowid)

    def posts(self) -> list[tuple[str, str, str]]:
        """(marker, kind, incident) of everything that was posted, in order."""
        with self._open() as connection:
            return connection.execute("SELECT marker, kind, incident FROM posts ORDER BY ref").fetchall()

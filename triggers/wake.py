"""Wake-up: a bell inside the process, LISTEN/NOTIFY between PostgreSQL's, and short polling where there is neither."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
import structlog

from config.database import Database

CHANNEL = "culprit"
RECONNECT_SECONDS = 0.5
_log = structlog.get_logger(__name__)


class Bell:
    """One listener's ear, in one event loop. A ring while nobody waits is kept for the next wait."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """From any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self, seconds: float) -> bool:
        """Until it rings (True) or the time has passed (False)."""
        try:
            await asyncio.wait_for(self._rung.wait(), max(seconds, 0.0))
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class Wake:
    """Topics: `signals` (the correlator), `incidents` (workers), `outbox` (publishing). A ring is only a hint."""

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._bells: dict[str, set[Bell]] = defaultdict(set)
        self._guard = threading.Lock()
        self._listener: threading.Thread | None = None
        self._stop = threading.Event()

    def notify(self, connection: sa.Connection, topic: str) -> None:
        """Ring in other processes when this transaction commits (PostgreSQL only)."""
        if not self._database.is_sqlite:
            connection.execute(sa.text("SELECT pg_notify(:channel, :topic)"), {"channel": CHANNEL, "topic": topic})

    def ring(self, topic: str) -> None:
        """Ring in this process, from any thread."""
        with self._guard:
            bells = list(self._bells[topic])
        for bell in bells:
            bell.ring()

    @contextmanager
    def bell(self, topic: str) -> Iterator[Bell]:
        """Hear a topic for as long as the block runs."""
        bell = Bell()
        with self._guard:
            self._bells[topic].add(bell)
        try:
            yield bell
        finally:
            with self._guard:
                self._bells[topic].discard(bell)

    @property
    def polling(self) -> bool:
        """Other processes cannot ring: look often."""
        return self._database.is_sqlite

    def listen(self) -> None:
        """Start hearing other processes (PostgreSQL); survives restarts of the server."""
        if not self._database.is_sqlite and self._listener is None:
            self._listener = threading.Thread(target=self._listen, name="listen", daemon=True)
            self._listener.start()

    def close(self) -> None:
        """Stop hearing."""
        self._stop.set()
        if self._listener is not None:
            self._listener.join(timeout=3)

    def _listen(self) -> None:
        import psycopg  # installed with the `postgres` extra only

        address = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while not self._stop.is_set():
            try:
                with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._ring_all()  # something may have come while nobody listened
                    self._hear(connection)
            except psycopg.Error as error:
                _log.warning("listening to the database was interrupted", reason=type(error).__name__)
                self._stop.wait(RECONNECT_SECONDS)

    def _hear(self, connection: Any) -> None:
        while not self._stop.is_set():
            for notice in connection.notifies(timeout=0.5):
                self.ring(notice.payload)
                if self._stop.is_set():
                    return

    def _ring_all(self) -> None:
        for topic in ("signals", "incidents", "outbox"):
            self.ring(topic)

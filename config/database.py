"""The engine: SQLite (WAL) by default, PostgreSQL by URL, and what makes the two behave alike.

All calls are synchronous and meant for threads. SQLite's driver starts transactions late and without a write lock, so
hooks send `BEGIN IMMEDIATE` ourselves; one lock per process keeps its own threads from racing for the file.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from config.errors import ConfigError, StoreUnavailable

T = TypeVar("T")
BUSY_MS = 15_000
SHORT_WAIT_MS = 10
ATTEMPTS = 4
_RETRIED = {"40001", "40P01"}  # serialization failure, deadlock: the whole transaction may be run again


class now_ms(FunctionElement[int]):
    """Unix milliseconds by the database's clock: workers' own clocks may disagree."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(now_ms, "sqlite")
def _sqlite_now(element: now_ms, compiler: Any, **_: Any) -> str:
    return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"


@compiles(now_ms, "postgresql")
def _postgres_now(element: now_ms, compiler: Any, **_: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


class Database:
    """One engine per process. `clock` replaces the database's clock in tests of time."""

    def __init__(self, url: str, *, clock: Callable[[], int] | None = None, busy_ms: int = BUSY_MS) -> None:
        self.url = _normalised(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._clock = clock
        self._busy_ms = busy_ms
        self._writer: threading.Lock | None = threading.Lock() if self.is_sqlite else None
        self.engine = self._sqlite_engine() if self.is_sqlite else self._postgres_engine()

    def _sqlite_engine(self) -> sa.Engine:
        path = self.url.database or ""
        if path in ("", ":memory:"):
            raise ConfigError("an in-memory SQLite database cannot be shared and loses everything: name a file")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(self.url, connect_args={"check_same_thread": False}, pool_size=8, max_overflow=24)
        event.listen(engine, "connect", self._on_sqlite_connect)
        event.listen(engine, "begin", self._on_sqlite_begin)
        _switch_to_wal(path, self._busy_ms)
        return engine

    def _on_sqlite_connect(self, connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={SHORT_WAIT_MS}")
        cursor.close()

    def _on_sqlite_begin(self, connection: sa.Connection) -> None:
        """SQLite's own waiting sleeps up to 100 ms a time, and several writing processes then starve each other."""
        if connection.get_execution_options().get("reading", False):
            connection.exec_driver_sql("BEGIN")
            return
        cursor = connection.connection.cursor()
        deadline = time.monotonic() + self._busy_ms / 1000
        while True:
            try:
                cursor.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise StoreUnavailable(f"the database did not take it: {error}") from error
                time.sleep(random.uniform(0.0005, 0.003))

    def _postgres_engine(self) -> sa.Engine:
        options = "-c synchronous_commit=on -c timezone=UTC"
        return sa.create_engine(self.url, pool_pre_ping=True, pool_size=8, max_overflow=24, pool_timeout=15,
                                connect_args={"options": options, "connect_timeout": 5})

    def now(self) -> sa.ColumnElement[int]:
        """The moment of the statement, as SQL."""
        return now_ms() if self._clock is None else sa.literal(self._clock(), sa.BigInteger())

    def insert(self, table: sa.Table) -> sqlite.Insert:
        """As `insert_into`, for this engine."""
        return insert_into(table, is_sqlite=self.is_sqlite)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A write transaction. Raises StoreUnavailable when the database is locked, full or gone."""
        with self._writing(), _translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A read transaction; on SQLite it takes no write lock. Raises StoreUnavailable."""
        with _translated(), self.engine.connect().execution_options(reading=True) as connection:
            yield connection

    def transact(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a write transaction, again from its start if the engine broke a deadlock with it."""
        for attempt in range(ATTEMPTS):
            try:
                with self._writing(), self.engine.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) in _RETRIED and attempt + 1 < ATTEMPTS:
                    time.sleep(0.01 * 2**attempt)
                    continue
                _raise_translated(error)
            except PoolTimeout as error:
                raise StoreUnavailable("no database connection became free in time") from error
        raise StoreUnavailable("the transaction kept losing deadlocks")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._writer is None:
            yield
            return
        if not self._writer.acquire(timeout=self._busy_ms / 1000):
            raise StoreUnavailable("the database stayed locked by another thread")
        try:
            yield
        finally:
            self._writer.release()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def insert_into(table: sa.Table, *, is_sqlite: bool) -> sqlite.Insert:
    """An INSERT that knows ON CONFLICT; SQLite's has the same methods as PostgreSQL's."""
    if is_sqlite:
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # 0.2 s of imports that SQLite never needs

    return postgresql.insert(table)  # type: ignore[return-value]


def _normalised(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigError("database_url is not a URL like sqlite:///file.db or postgresql://user@host/name") from error
    if parsed.drivername in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigError(f"database_url: {parsed.drivername} is not supported; use sqlite or postgresql")
    return parsed


def _switch_to_wal(path: str, busy_ms: int) -> None:
    """Once, with retries: the busy handler is not called for this switch."""
    deadline = time.monotonic() + busy_ms / 1000
    while True:
        try:
            with sqlite3.connect(path, timeout=busy_ms / 1000) as connection:
                mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            connection.close()
            if mode == "wal":
                return
            raise ConfigError(f"{path}: SQLite cannot use WAL here (a network file system?)")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise StoreUnavailable(f"{path}: {error}") from error
            time.sleep(0.02)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        _raise_translated(error)
    except PoolTimeout as error:
        raise StoreUnavailable("no database connection became free in time") from error


def _raise_translated(error: DBAPIError) -> None:
    away = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    if not away:
        raise error  # our own mistake: a constraint, a wrong statement
    reason = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
    raise StoreUnavailable(f"the database did not take it: {reason}") from error

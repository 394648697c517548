"""The engine: migrations, durability switches, the database's clock, locked and full databases."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from config.database import Database
from config.errors import ConfigError, StoreUnavailable
from config.migrations import migrate
from config.tables import leases, metadata


@pytest.fixture
def database(tmp_path: Path) -> Database:
    found = Database(f"sqlite:///{tmp_path / 'a' / 'culprit.db'}")
    migrate(found)
    return found


def test_migrations_build_the_tables(database: Database) -> None:
    """What the migrations build is exactly what `config.tables` says."""
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_twice_at_once_is_safe(tmp_path: Path) -> None:
    """Several processes may start on one new file."""
    url = f"sqlite:///{tmp_path / 'one.db'}"
    failures: list[BaseException] = []

    def start() -> None:
        try:
            migrate(Database(url))
        except StoreUnavailable as error:  # pragma: no cover
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_sqlite_is_durable(database: Database) -> None:
    """Write-ahead log, full synchronisation and foreign keys, on every connection."""
    with database.read() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys")
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    assert pragmas == ["wal", 2, 1]


def test_clock_is_the_databases(database: Database) -> None:
    """`now` is in Unix milliseconds, by SQL."""
    with database.read() as connection:
        assert abs(connection.execute(sa.select(database.now())).scalar_one() - time.time() * 1000) < 2_000


def test_a_write_takes_the_lock_at_its_beginning(database: Database) -> None:
    """A write transaction excludes other processes' writers from its first statement, not from its first write."""
    with database.begin() as connection:
        connection.execute(sa.select(leases))
        other = sqlite3.connect(str(database.url.database), timeout=0.05)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_a_locked_database_is_unavailable_not_wrong(tmp_path: Path) -> None:
    """A lock that does not go away is StoreUnavailable, so that senders try again."""
    database = Database(f"sqlite:///{tmp_path / 'b.db'}", busy_ms=50)
    migrate(database)
    other = sqlite3.connect(tmp_path / "b.db")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"), database.begin():
        pass
    other.rollback()
    other.close()


def test_a_full_disk_is_unavailable_and_leaves_nothing(database: Database) -> None:
    """When pages run out the transaction fails whole."""
    def fill(connection: sa.Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 60")
        rows = [{"name": "x" * 4000 + str(n), "token": 0, "lease_ms": 0, "due_ms": 0} for n in range(400)]
        connection.execute(leases.insert(), rows)

    with pytest.raises(StoreUnavailable, match="full"):
        database.transact(fill)
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(leases)).scalar() == 0


@pytest.mark.parametrize("url", ["sqlite://", "mysql://x/y", "no url at all"])
def test_unusable_urls_are_refused(url: str) -> None:
    """In-memory databases and other engines are configuration errors."""
    with pytest.raises(ConfigError):
        Database(url)

"""Where a run can be resumed from: nowhere, a SQLite file, or a schema of PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

CHECKPOINT_SCHEMA = "culprit_checkpoints"
_SETUP_KEY = 0x43756C72  # PostgreSQL advisory lock

Checkpoints = Callable[[], AbstractAsyncContextManager[BaseCheckpointSaver[Any] | None]]


@asynccontextmanager
async def no_checkpoints() -> AsyncIterator[None]:
    """For runs that need not survive a crash: demo, evals, the command line."""
    yield None


def sqlite_checkpoints(path: Path) -> Checkpoints:
    """Checkpoints in a file of their own. The connection is closed after each run: an open one hangs the exit."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[BaseCheckpointSaver[Any]]:
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        path.parent.mkdir(parents=True, exist_ok=True)
        async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
            yield saver

    return opened


def postgres_checkpoints(url: str) -> Checkpoints:
    """Checkpoints in PostgreSQL, LangGraph's tables in a schema of their own. `url` may name SQLAlchemy's driver."""
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)

    @asynccontextmanager
    async def opened() -> AsyncIterator[BaseCheckpointSaver[Any]]:
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
        from psycopg import AsyncConnection
        from psycopg.rows import dict_row

        connection = await AsyncConnection.connect(plain, autocommit=True, prepare_threshold=0, row_factory=dict_row)
        async with connection:
            await connection.execute(f"SET search_path TO {CHECKPOINT_SCHEMA}")
            saver = AsyncPostgresSaver(connection)
            await _set_up(connection, saver)
            yield saver

    return opened


async def _set_up(connection: Any, saver: Any) -> None:
    """One process at a time. The lock is polled: LangGraph builds indexes CONCURRENTLY, and a session that sat waiting
    for the lock would hold the snapshot that such a build waits for."""
    while not await _answer(connection, f"SELECT pg_try_advisory_lock({_SETUP_KEY}) AS held"):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    try:
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {CHECKPOINT_SCHEMA}")
        await saver.setup()
    finally:
        await connection.execute(f"SELECT pg_advisory_unlock({_SETUP_KEY})")


async def _answer(connection: Any, query: str) -> bool:
    cursor = await connection.execute(query)
    return bool((await cursor.fetchone())["held"])

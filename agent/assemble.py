"""Settings and a world in, an investigator out. The workers, the command line and the evals all call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langchain_core.caches import BaseCache
from langgraph.checkpoint.base import BaseCheckpointSaver

from agent.analyst import Analyst
from agent.budget import Budget
from agent.card import Card, load_cards
from agent.experience import Experience
from agent.investigate import Checkpoints, Investigation, no_checkpoints
from agent.model import seats_of
from agent.usage import Purse
from config.errors import ConfigError
from config.settings import Model
from tools.evidence import Evidence
from tools.toolbox import QUESTIONS
from tools.world import World

CHECKPOINT_SCHEMA = "culprit_checkpoints"
_SETUP_KEY = 0x43756C72  # PostgreSQL advisory lock


def assemble(
    world: World,
    *,
    model: Model | None = None,
    cards: tuple[Card, ...] | None = None,
    lang: str = "en",
    budget: Budget | None = None,
    checkpoints: Checkpoints = no_checkpoints,
    keep: Callable[[str, Sequence[Evidence]], None] | None = None,
    experience: Callable[[], Experience] = Experience,
    purse: Purse | None = None,
    tape: BaseCache | None = None,
    analyst: type[Analyst] = Analyst,
) -> Investigation:
    """With no model configured the built-in analyst reasons alone. Raises ConfigError for an unreadable site file."""
    return Investigation(
        world=world, cards=load_cards() if cards is None else cards, questions=QUESTIONS, lang=lang,
        models=seats_of(model, tape=tape) if model else (), budget=budget or Budget(), checkpoints=checkpoints,
        keep=keep, experience=experience, purse=purse, site=_site(model.site) if model and model.site else "",
        analyst=analyst,
    )


def _site(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"model.site: {path} cannot be read: {error}") from error


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

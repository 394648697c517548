"""Settings and a world in, an investigator out. The workers, the command line and the evals all call it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langchain_core.caches import BaseCache
from langgraph.checkpoint.base import BaseCheckpointSaver

from agent.budget import Budget
from agent.card import Card, load_cards
from agent.investigate import Checkpoints, Investigation, no_checkpoints
from agent.model import seats_of
from agent.usage import Purse
from config.errors import ConfigError
from config.settings import Model
from tools.evidence import Evidence
from tools.toolbox import QUESTIONS
from tools.world import World


def assemble(
    world: World,
    *,
    model: Model | None = None,
    cards: tuple[Card, ...] | None = None,
    lang: str = "en",
    budget: Budget | None = None,
    checkpoints: Checkpoints = no_checkpoints,
    keep: Callable[[str, Sequence[Evidence]], None] | None = None,
    purse: Purse | None = None,
    tape: BaseCache | None = None,
) -> Investigation:
    """With no model configured the built-in analyst reasons alone. Raises ConfigError for an unreadable site file."""
    return Investigation(
        world=world, cards=load_cards() if cards is None else cards, questions=QUESTIONS, lang=lang,
        models=seats_of(model, tape=tape) if model else (), budget=budget or Budget(), checkpoints=checkpoints,
        keep=keep, purse=purse, site=_site(model.site) if model and model.site else "",
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
    """Checkpoints in PostgreSQL, in tables of LangGraph's own. `url` may name SQLAlchemy's driver."""
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)

    @asynccontextmanager
    async def opened() -> AsyncIterator[BaseCheckpointSaver[Any]]:
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

        async with AsyncPostgresSaver.from_conn_string(plain) as saver:
            await saver.setup()
            yield saver

    return opened

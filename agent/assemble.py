"""Settings and a world in, an investigator out. The workers, the command line and the evals all call it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langgraph.checkpoint.base import BaseCheckpointSaver

from agent.budget import Budget
from agent.card import Card, load_cards
from agent.investigate import Checkpoints, Investigation, no_checkpoints
from agent.model import openai_model
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
) -> Investigation:
    """With no model configured the built-in analyst reasons alone."""
    return Investigation(
        world=world, cards=load_cards() if cards is None else cards, questions=QUESTIONS, lang=lang,
        models=_models(model) if model else (), budget=budget or Budget(), checkpoints=checkpoints, keep=keep,
    )


def _models(model: Model) -> tuple[BaseChatModel, ...]:
    """The main model, then the escalation model; the analyst is added by the investigation."""
    names = [n for n in (model.main, model.escalation) if n]
    key = model.api_key.get_secret_value() if model.api_key else ""
    return tuple(
        openai_model(base_url=model.base_url, api_key=key, name=n, timeout_s=model.timeout_seconds,
                     temperature=model.temperature)
        for n in dict.fromkeys(names)
    )


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

"""Settings and a world in, an investigator out. The workers, the command line and the evals all call it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from langchain_core.caches import BaseCache

from agent.analyst import Analyst
from agent.budget import Budget
from agent.card import Card, load_cards
from agent.checkpoints import Checkpoints, no_checkpoints
from agent.experience import Experience
from agent.investigate import Investigation
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

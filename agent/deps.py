"""What the nodes of the graph are given: everything that must not enter a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent.analyst import Analyst
from agent.budget import Budget
from agent.card import Card
from agent.experience import Experience
from agent.incident import Signal
from agent.model import Seat
from agent.usage import Purse
from agent.verify import Check, check
from tools import toolbox
from tools.evidence import Evidence
from tools.question import Question
from tools.world import Scope, World


class Ask(Protocol):
    """One question to a world; never raises (`tools/toolbox.py`). Replays pass one that remembers answers."""

    def __call__(self, name: str, arguments: Mapping[str, Any], world: World, scope: Scope, *, timeout_s: float = 20.0
                 ) -> Awaitable[Evidence]: ...


def _ignore(_event: dict[str, Any]) -> None:
    return None


def _keep_nothing(_evidence: Sequence[Evidence]) -> None:
    return None


async def _no_signals() -> tuple[Signal, ...]:
    return ()


@dataclass(frozen=True)
class Deps:
    """`models` are the seats of the chain; the analyst is its floor. `on_event` shows progress; `keep` stores a batch.

    `late_signals` returns signals that arrived since it was last asked. `deadline` is a moment of `time.monotonic`.
    `purse` holds limits shared by all workers; `site` is what the team wrote about itself, as reference data.
    """

    world: World
    cards: tuple[Card, ...]
    questions: tuple[Question, ...]
    analyst: Analyst
    models: tuple[Seat, ...]
    budget: Budget
    deadline: float
    critical: bool = True
    purse: Purse | None = None
    site: str = ""
    lang: str = "en"
    experience: Experience = field(default_factory=Experience)
    ask: Ask = toolbox.ask
    check: Check = check
    on_event: Callable[[dict[str, Any]], None] = _ignore
    keep: Callable[[Sequence[Evidence]], None] = _keep_nothing
    late_signals: Callable[[], Awaitable[tuple[Signal, ...]]] = _no_signals
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds_left(self) -> float:
        """Until the run's deadline; may be negative."""
        return self.deadline - time.monotonic()

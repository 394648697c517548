"""A recorded episode, opened once for all arms of a replay: case, label, world and remembered answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from agent.facts import callees_of
from agent.signature import topology
from evals.answers import Answers
from evals.case import Case, load_case
from evals.label import Label, load_label
from tools.recorded.world import open_world
from tools.world import World


@dataclass
class Opened:
    """`folder` is the case's; `answers` the folder in which answers are remembered."""

    folder: Path
    answers: Path
    case: Case = field(init=False)
    label: Label = field(init=False)
    ask: Answers = field(init=False)

    def __post_init__(self) -> None:
        self.case, self.label = load_case(self.folder), load_label(self.folder)
        self.ask = Answers(self.answers, self.case.id)

    @cached_property
    def world(self) -> World:
        """Light until a question is really asked of it."""
        return open_world(self.folder)

    @cached_property
    def service_kinds(self) -> dict[str, str]:
        """Service -> kind, as its inventory says."""
        return {s.name: s.kind for s in self.world.inventory.services}

    @cached_property
    def depends_on(self) -> dict[str, tuple[str, ...]]:
        """Service -> what it needs, as its inventory says."""
        return callees_of(self.world.inventory)

    @property
    def topology(self) -> str:
        """What kinds of services there are, without a name."""
        return topology(self.service_kinds.values())

    def let_go(self) -> None:
        """Forget the data that questions have read; what was answered stays. Thousands of episodes fit in memory."""
        if self.ask.missed:
            self.ask.missed = 0
            self.__dict__.pop("world", None)

"""What a question is: a read-only thing the agent may ask of a world.

A question is written as one async function `ask(world, scope, arguments) -> Answer`. It may raise anything of
`config.errors`; `tools/toolbox.py` turns that into evidence of status `failed` or `not_captured`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from tools.evidence import Chart, Status
from tools.findings import Finding
from tools.world import Scope, World


class NoArguments(BaseModel):
    """For questions that take none."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Answer:
    """What a question returns; the toolbox makes evidence of it. `queries` are the exact ones sent.

    `window` defaults to the scope's baseline start .. asked_at; `as_of_ms` is the newest sample or line used (None: the
    scope's asked_at), so that staleness shows.
    """

    text: str
    findings: tuple[Finding, ...] = ()
    status: Status = Status.OK
    queries: tuple[str, ...] = ()
    window: tuple[int, int] | None = None
    as_of_ms: int | None = None
    charts: tuple[Chart, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """`asks` is one sentence, for a person and for a model. `needs` names fields of World, all of which must be set.

    `finds` lists the kinds of finding it can emit: the analyst chooses its next question by them. `cost_s` is what it
    usually costs a live system, in seconds.
    """

    name: str
    asks: str
    needs: tuple[str, ...]
    finds: tuple[str, ...]
    cost_s: float
    arguments: type[BaseModel]
    ask: Callable[[World, Scope, Any], Awaitable[Answer]]

    def available(self, world: World) -> bool:
        """Whether the world has every source this question needs."""
        return all(getattr(world, source) is not None for source in self.needs)

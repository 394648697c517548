"""Incident and world in, diagnosis out. A run resumes from its last finished node when it was interrupted."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from langchain_core.runnables import RunnableConfig

from agent.analyst import Analyst
from agent.budget import Budget
from agent.card import Card
from agent.checkpoints import Checkpoints, no_checkpoints
from agent.deps import Ask, Deps
from agent.diagnosis import Diagnosis
from agent.experience import Experience
from agent.facts import callees_of
from agent.graph import build_graph
from agent.incident import Incident, Severity, Signal
from agent.model import Seat
from agent.state import State
from agent.usage import Purse
from agent.verify import Check, check
from config.redact import same_placeholders
from tools import toolbox
from tools.evidence import Evidence
from tools.question import Question
from tools.world import World

RECURSION_LIMIT = 120  # supersteps; the budget of steps ends a run long before


@dataclass(frozen=True)
class Investigation:
    """Everything a run needs but the incident. `checkpoints` opens a saver for one run.

    `experience` is read at the start of each run, so that what was learned a minute ago counts without a redeploy.
    """

    world: World
    cards: tuple[Card, ...]
    questions: tuple[Question, ...]
    models: tuple[Seat, ...] = ()
    purse: Purse | None = None
    site: str = ""
    budget: Budget = field(default_factory=Budget)
    lang: str = "en"
    checkpoints: Checkpoints = no_checkpoints
    keep: Callable[[str, Sequence[Evidence]], None] | None = None
    experience: Callable[[], Experience] = Experience
    ask: Ask = toolbox.ask
    check: Check = check
    analyst: type[Analyst] = Analyst  # evals hold it against one that does not choose its questions

    async def investigate(
        self,
        incident: Incident,
        *,
        run_id: str,
        asked_at_ms: int,
        on_event: Callable[[dict[str, Any]], None] | None = None,
        late_signals: Callable[[], Awaitable[tuple[Signal, ...]]] | None = None,
    ) -> Diagnosis:
        """Run the graph to its end. The thread id is the run id: the same run resumes, a finished one is returned."""
        deps = self._deps(incident, run_id, on_event, late_signals)
        config: RunnableConfig = {"configurable": {"thread_id": run_id}, "recursion_limit": RECURSION_LIMIT}
        with same_placeholders():
            return await self._run(incident, run_id, asked_at_ms, deps, config)

    async def _run(
        self, incident: Incident, run_id: str, asked_at_ms: int, deps: Deps, config: RunnableConfig
    ) -> Diagnosis:
        async with self.checkpoints() as saver:
            graph = build_graph(saver)
            before = await graph.aget_state(config) if saver is not None else None
            if before is not None and before.values.get("diagnosis"):
                return Diagnosis.model_validate(before.values["diagnosis"])
            begin = None if before is not None and before.next else _first_state(incident, run_id, asked_at_ms)
            # "sync": a step counts as finished once it is kept, so that a kill right after it repeats nothing
            final = await graph.ainvoke(begin, config, context=deps, durability="sync" if saver is not None else None)
        return Diagnosis.model_validate(final["diagnosis"])

    def _deps(
        self,
        incident: Incident,
        run_id: str,
        on_event: Callable[[dict[str, Any]], None] | None,
        late_signals: Callable[[], Awaitable[tuple[Signal, ...]]] | None,
    ) -> Deps:
        asked = tuple(q for q in self.questions if q.available(self.world))
        kinds = {s.name: s.kind for s in self.world.inventory.services}
        experience = self.experience()
        cards = (*self.cards, *experience.cards)
        callees = callees_of(self.world.inventory)
        analyst = self.analyst(cards=cards, questions=asked, service_kinds=kinds, depends_on=callees, lang=self.lang)
        optional = {"on_event": on_event, "late_signals": late_signals,
                    "keep": partial(self.keep, run_id) if self.keep else None}
        given: dict[str, Any] = {name: seam for name, seam in optional.items() if seam is not None}
        return Deps(
            world=self.world, cards=cards, experience=experience, ask=self.ask, check=self.check, questions=asked,
            analyst=analyst, models=self.models, budget=self.budget, deadline=time.monotonic() + self.budget.seconds,
            lang=self.lang, critical=incident.severity is Severity.CRITICAL, purse=self.purse, site=self.site, **given,
        )


def _first_state(incident: Incident, run_id: str, asked_at_ms: int) -> State:
    return State(
        incident={"id": incident.id, "signals": [s.as_dict() for s in incident.signals]},
        run=run_id, asked_at_ms=asked_at_ms, evidence={}, messages=[],
    )

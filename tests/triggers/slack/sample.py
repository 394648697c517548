"""A whole diagnosis without an investigation, and an investigator and a conversation that follow a script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from agent.action import Action, Step
from agent.codes import ActionKind, Category, ComponentKind, HypothesisStatus, Verdict
from agent.conversation import Answer, Turn
from agent.diagnosis import Claim, Component, Diagnosis, Gap, Hypothesis, Moment, Usage
from agent.incident import Incident, Signal
from agent.memory import Memory
from tools.evidence import Chart, Evidence, Status, iso
from tools.findings import Finding, Subject

AT = 1_795_000_000_000
STRAY = Subject(service="worker", container="worker-green", role="standby", colour="green", cluster="main")


def evidence(number: int = 1, *, text: str = "worker-green handled 212 of 431 jobs since 02:10:00") -> Evidence:
    """One answer with a finding and a chart."""
    ms = tuple(AT - 600_000 + n * 15_000 for n in range(60))
    chart = Chart("jobs handled by worker-green", "jobs/min", ms, tuple(0.0 if n < 40 else 49.0 for n in range(60)),
                  ((AT, "work_by_waiting_role"),))
    found = (Finding("work_by_waiting_role", STRAY, 0.97, 0.49, 0.0, since_ms=AT),
             Finding("change_in_window", STRAY, 1.0, 30.0, since_ms=AT - 30_000, detail="deploy worker green 42"))
    return Evidence(question="logs.activity", query={"queries": ['count_over_time({container=~"worker.*"}[5s])']},
                    window=(AT - 900_000, AT + 300_000), as_of_ms=AT + 300_000, status=Status.OK, text=text,
                    findings=found, id=f"E{number}", cluster="main", charts=(chart,))


def diagnosis(
    incident: str = "inc_1", run: str = "run_1", *, claim: str = "worker-green waits by its role, yet did 49 % of it.",
    gaps: Sequence[Gap] = (Gap(what="containers.stats", why="no source is set for containers"),), **more: Any,
) -> Diagnosis:
    """A stray standby consumer with an action that has a precondition, a check and an undo."""
    fields: dict[str, Any] = {
        "incident": incident, "run": run, "asked_at": iso(AT + 300_000), "verdict": Verdict.DIAGNOSED,
        "onset": iso(AT),
        "claims": (Claim(text="Switching traffic cannot stop a consumer.", evidence=("E1",)),
                   Claim(text=claim, evidence=("E1",))),
        "hypotheses": (_hypothesis(1, HypothesisStatus.ROOT, 0.97), _hypothesis(2, HypothesisStatus.EXCLUDED, 0.02)),
        "timeline": (Moment(at=iso(AT), text="worker-green began to work.", evidence=("E1",)),), "gaps": tuple(gaps),
        "actions": (Action(
            kind=ActionKind.STOP_CONTAINER, targets=("worker-green",), risk="low",
            steps=(Step(command="docker stats --no-stream worker-blue", why="Capacity first."),
                   Step(command="docker stop --time 60 worker-green", why="Stop worker-green at a quiet moment.")),
            verify="docker logs --since 10m worker-green 2>&1 | wc -l", undo="docker start worker-green"),),
        "evidence": (evidence().as_dict(),),
        "usage": Usage(model="analyst", steps=2, seconds=1.5, input_tokens=0, output_tokens=0, cost_usd=0.0)}
    return Diagnosis(**{**fields, **more})


def _hypothesis(rank: int, status: HypothesisStatus, confidence: float) -> Hypothesis:
    return Hypothesis(
        rank=rank, status=status, confidence=confidence, category=Category.ROLE_VIOLATION, supports=("E1",),
        mechanism="worker-green consumes work although its role is to wait",
        component=Component(kind=ComponentKind.CONTAINER, name="worker-green", service="worker", colour="green"))


class Investigating:
    """Answers the sample diagnosis after `seconds`, keeping its evidence as an investigation does."""

    def __init__(self, keep: Callable[[str, Sequence[Evidence]], None], *, seconds: float = 0.0) -> None:
        self._keep, self.seconds = keep, seconds
        self.pause: Callable[[], Awaitable[None]] | None = None
        self.made: Callable[[Incident, str], Diagnosis] = lambda i, run: diagnosis(i.id, run)
        self.failures: list[Exception] = []
        self.answers = 1

    async def investigate(
        self, incident: Incident, *, run_id: str, asked_at_ms: int,
        on_event: Callable[[dict[str, Any]], None] | None = None,
        late_signals: Callable[[], Awaitable[tuple[Signal, ...]]] | None = None,
    ) -> Diagnosis:
        if self.failures:
            raise self.failures.pop()
        for _ in range(self.answers if on_event is not None else 0):
            on_event({"evidence": evidence()})
        if self.pause is not None:
            await self.pause()
        self._keep(run_id, [evidence()])
        if late_signals is not None:
            await late_signals()
        return self.made(incident, run_id)


class Talking:
    """A conversation that answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer = Answer(intent="active_colour", lang="en", claims=(Claim(text="blue is active.",
                                                                               evidence=("E1",)),),
                             evidence=(evidence().as_dict(),))

    async def reply(
        self, text: str, *, at_ms: int, zone: str = "UTC", lang: str | None = None, incident_id: str | None = None,
        thread: tuple[Turn, ...] = (), memory: Memory | None = None,
    ) -> Answer:
        self.asked.append({"text": text, "at_ms": at_ms, "zone": zone, "incident": incident_id, "thread": thread})
        return self.answer

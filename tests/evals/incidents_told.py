"""Small verified incidents for tests of learning: findings by hand, names of nobody's lab."""

from __future__ import annotations

from agent.codes import ActionKind, Category, ComponentKind, Verdict
from agent.diagnosis import Component
from agent.odds import Observation
from evals.example import FINDS, Example
from evals.label import Cause, Label, LabelAction, LabelActions
from tools.evidence import Status
from tools.findings import Finding, Subject

ONSET = "2026-03-01T10:00:00.000Z"


def found(kind: str, container: str = "", strength: float = 1.0, *, service: str = "", role: str = "",
          direction: str = "", detail: str = "") -> Finding:
    return Finding(kind, Subject(service=service, container=container, role=role), strength, direction=direction,
                   since_ms=1_772_359_200_000, detail=detail)


def answers(*findings: Finding) -> tuple[Observation, ...]:
    """Every question answered; each finding under the first question that can make it."""
    asked: dict[str, list[Finding]] = {q: [] for q in FINDS}
    for f in findings:
        asked[next(q for q, kinds in FINDS.items() if f.kind in kinds)].append(f)
    return tuple(Observation(f"E{n}", q, Status.OK, tuple(fs)) for n, (q, fs) in enumerate(asked.items(), 1))


def label(name: str, category: Category, *, service: str = "work", action: ActionKind | None = None) -> Label:
    right = (LabelAction(kind=action, target=name),) if action else ()
    return Label(format=1, family="T", verdict=Verdict.DIAGNOSED, onset=ONSET, actions=LabelActions(right=right),  # type: ignore[arg-type]
                 causes=(Cause(component=Component(kind=ComponentKind.CONTAINER, name=name, service=service),
                               category=category),))


def leak(name: str = "box-a", number: int = 1, *, extra: tuple[Finding, ...] = ()) -> Example:
    """A container whose memory grows until it is killed; its neighbour is fine."""
    findings = (
        found("oom_killed", name, service="work", role="active"), found("trend", name, service="work", role="active"),
        found("restarted", name, service="work", role="active"), found("user_errors_up"),
        found("started_in_window", "docs-1", 0.8, service="docs"),
        found("started_in_window", name, 0.9, service="work", role="active"), *extra)
    return Example(f"case-leak-{number}", f"inc-leak-{number}", label(name, Category.RESOURCE_LEAK,
                                                                       action=ActionKind.RESTART_CONTAINER),
                   answers(*findings), {"work": "worker"}, by="kim", text="메모리 부족 memory")


def drift(name: str = "pod-9", number: int = 1) -> Example:
    """A container whose configuration differs from its peer's."""
    findings = (
        found("config_differs", name, service="work", role="both"),
        found("failures_concentrated", name, service="work", role="both"),
        found("work_failing", service="work"), found("started_in_window", "docs-1", 0.8, service="docs"))
    return Example(f"case-drift-{number}", f"inc-drift-{number}", label(name, Category.CONFIG_DRIFT),
                   answers(*findings), {"work": "worker"}, by="lee", text="설정 차이 config")


def quiet(number: int = 1) -> Example:
    """Nothing is wrong."""
    findings = (found("user_healthy"), found("work_normal", service="work"), found("views_agree"),
                found("started_in_window", "docs-1", 0.8, service="docs"))
    return Example(f"case-quiet-{number}", f"inc-quiet-{number}", Label(format=1, verdict=Verdict.NO_FAULT),
                   answers(*findings), {"work": "worker"}, by="kim")

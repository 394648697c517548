"""Findings of whole incidents, told by hand with odd names: every question was answered, these are what they found."""

from __future__ import annotations

from collections.abc import Collection

from agent.candidate import Candidate
from agent.card import load_cards
from agent.conclusion import conclude
from agent.draft import Draft
from agent.facts import Facts, Observation, gather
from agent.odds import assess
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.toolbox import QUESTIONS

T0 = 1_795_000_000_000
CARDS = load_cards()
FINDS = {q.name: q.finds for q in QUESTIONS}
KINDS = {"gate": "proxy", "front": "api", "mill": "worker", "pond": "broker", "oracle": "provider", "paint": "other",
         "shelf": "database"}
CALLS = {"gate": ("front",), "front": ("pond", "mill"), "mill": ("pond", "oracle")}

NOBODY = Subject()
MILL, FRONT, POND, ORACLE, GATE = (Subject(service=n) for n in ("mill", "front", "pond", "oracle", "gate"))
MILL_ON = Subject(service="mill", container="mill-7", role="active", colour="rust")
MILL_OFF = Subject(service="mill", container="mill-3", role="standby", colour="jade")
MILL_A = Subject(service="mill", container="mill-7", role="both", colour="rust")
MILL_B = Subject(service="mill", container="mill-3", role="both", colour="jade")
FRONT_ON = Subject(service="front", container="web-q", role="active", colour="rust")
POND_1 = Subject(service="pond", container="pond-1")
PAINT_1 = Subject(service="paint", container="paint-1")
GATE_1 = Subject(service="gate", container="gate-1")


def fact(
    kind: str, about: Subject = NOBODY, strength: float = 1.0, /, *, after_s: float | None = 0.0, **fields: object
) -> Finding:
    """A finding; `after_s` seconds after T0 (None: undated); direction and extra by keyword."""
    direction = str(fields.pop("direction", ""))
    since = None if after_s is None else int(T0 + after_s * 1000)
    value = fields.pop("value", None)
    return Finding(kind, about, strength, value if isinstance(value, float) else None, direction=direction,
                   since_ms=since, extra=fields)


SLOW = fact("user_latency_up", Subject(service="front"), after_s=20, direction="up")
FAILING = fact("user_errors_up", Subject(service="front"), after_s=15, direction="up")
HEALTHY = fact("user_healthy", Subject(service="front"), after_s=None)
AGREE = fact("views_agree", FRONT, after_s=None)


def facts_of(*findings: Finding, unanswered: Collection[str] = ()) -> Facts:
    """Each finding in the answer of the first question that can find it; all others answered that nothing was found."""
    told: dict[str, list[Finding]] = {name: [] for name in FINDS if name not in unanswered}
    for f in findings:
        name = next(n for n, kinds in FINDS.items() if f.kind in kinds and n in told)
        told[name].append(f)
    observations = [Observation(f"E{i}", n, Status.OK, tuple(found)) for i, (n, found) in enumerate(told.items(), 1)]
    return gather(observations, FINDS, KINDS, CALLS)


def ranked(*findings: Finding, unanswered: Collection[str] = ()) -> tuple[Candidate, ...]:
    """Hypotheses over all shipped cards, best first."""
    return assess(CARDS, facts_of(*findings, unanswered=unanswered))


def diagnosis(*findings: Finding, unanswered: Collection[str] = ()) -> Draft:
    """What the analyst concludes."""
    facts = facts_of(*findings, unanswered=unanswered)
    return conclude(assess(CARDS, facts), facts)


def said(*findings: Finding, unanswered: Collection[str] = ()) -> set[tuple[str, str]]:
    """(category, component) of each root; empty for no_fault and undetermined."""
    draft = diagnosis(*findings, unanswered=unanswered)
    return {(h.category.value, h.component.name) for h in draft.hypotheses if h.status.value == "root"}

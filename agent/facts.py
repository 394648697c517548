"""What all observations say together: findings, what was looked for in vain, who was seen. The input of inference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from agent.integrity import believable
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.sources.inventory import Inventory


@dataclass(frozen=True)
class Observation:
    """One answered question, as inference sees it."""

    evidence_id: str
    question: str
    status: Status
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Facts:
    """`looked_for`: kinds that an answered question could have found. `seen`: each container with all that is known."""

    observations: tuple[Observation, ...]
    looked_for: frozenset[str]
    answered: frozenset[str]
    seen: Mapping[str, Subject] = field(default_factory=dict)
    service_kinds: Mapping[str, str] = field(default_factory=dict)
    depends_on: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def callees(self, service: str) -> frozenset[str]:
        """Everything a service depends on, directly or not; itself left out."""
        seen, todo = set[str](), [service]
        while todo:
            for needed in self.depends_on.get(todo.pop(), ()):
                if needed not in seen and needed != service:
                    seen.add(needed)
                    todo.append(needed)
        return frozenset(seen)

    @property
    def findings(self) -> Iterable[tuple[str, Finding]]:
        """(evidence id, finding) of all observations, in order."""
        return ((o.evidence_id, f) for o in self.observations for f in o.findings)

    @cached_property
    def by_kind(self) -> Mapping[str, Sequence[tuple[str, Finding]]]:
        """The same by kind of finding: half a hundred cards each look for a few kinds among hundreds of findings."""
        out: dict[str, list[tuple[str, Finding]]] = {}
        for evidence_id, f in self.findings:
            out.setdefault(f.kind, []).append((evidence_id, f))
        return out


def callees_of(inventory: Inventory) -> dict[str, tuple[str, ...]]:
    """What each service depends on, and who works for it behind a queue."""
    return {s.name: (*s.depends_on, *(o.name for o in inventory.services if o.follows == s.name))
            for s in inventory.services}


def gather(
    observations: Sequence[Observation],
    finds: Mapping[str, Sequence[str]],
    service_kinds: Mapping[str, str] | None = None,
    depends_on: Mapping[str, Sequence[str]] | None = None,
) -> Facts:
    """`finds` maps a question to the kinds it can emit; what an answered question did not emit was looked for in vain.

    A question answered `no_data` counts as answered for separation, but its silence is no evidence of absence.
    """
    looked_for: set[str] = set()
    seen: dict[str, Subject] = {}
    believed = believable([f for o in observations for f in o.findings])
    kept = tuple(Observation(o.evidence_id, o.question, o.status, tuple(believed(f) for f in o.findings))
                 for o in observations)
    for o in kept:
        if o.status is Status.OK:
            looked_for.update(finds.get(o.question, ()))
        for f in o.findings:
            if f.subject.container:
                seen[f.subject.container] = _merge(seen.get(f.subject.container, Subject()), f.subject)
    answered = frozenset(o.question for o in kept if o.status is Status.OK)
    return Facts(kept, frozenset(looked_for), answered, seen, service_kinds or {}, depends_on or {})


def _merge(a: Subject, b: Subject) -> Subject:
    fields = {k: v for k, v in {**b.as_dict(), **a.as_dict()}.items() if k != "resource"}
    return Subject(**fields)

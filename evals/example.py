"""An example to learn from: what was found in one verified incident, and what turned out to be the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from agent.card import Card
from agent.codes import Verdict
from agent.odds import CONFIDENT, Candidate, Facts, Observation, against_each_other, candidates_of, gather, roots
from agent.signature import Trait, names_it, roles_of, signature
from evals.label import Cause, Label
from evals.manners import Manner, manners_of
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.toolbox import QUESTIONS

FINDS = {q.name: q.finds for q in QUESTIONS}
CLEARLY = 0.4  # weaker findings teach nothing


@dataclass(frozen=True)
class Example:
    """`observations` are the run's answered questions; `label` what was verified about it.

    `recording` groups examples that are edits of one recording; `by` is who verified the label.
    """

    id: str
    incident: str
    label: Label
    observations: tuple[Observation, ...]
    service_kinds: Mapping[str, str] = field(default_factory=dict)
    depends_on: Mapping[str, Sequence[str]] = field(default_factory=dict)
    builds: tuple[str, ...] = ()
    topology: str = ""
    recording: str = ""
    by: str = ""
    at: str = ""
    text: str = ""

    @cached_property
    def facts(self) -> Facts:
        """All observations together, as inference sees them."""
        return gather(self.observations, FINDS, self.service_kinds, self.depends_on)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in order."""
        return tuple(f for o in self.observations for f in o.findings)

    @cached_property
    def signature(self) -> dict[Trait, float]:
        """Names reduced to roles."""
        return signature(self.findings)

    @cached_property
    def compared(self) -> dict[str, tuple[tuple[Observation, ...], float]]:
        """How alike the examples it was held against are, by their ids: see `evals/voices.py`."""
        return {}

    @cached_property
    def roles(self) -> dict[str, str]:
        """Container -> role."""
        return roles_of(self.findings)

    @property
    def cause(self) -> Cause | None:
        """The first cause of the label; None for no_fault."""
        return self.label.causes[0] if self.label.verdict is Verdict.DIAGNOSED and self.label.causes else None

    @cached_property
    def stated(self) -> Mapping[tuple[str, str, Manner], frozenset[str]]:
        """(kind, direction, manner) -> the containers it was clearly found about, "" for anything else."""
        out: dict[tuple[str, str, Manner], set[str]] = {}
        for f in self.findings:
            if f.strength >= CLEARLY:
                for manner in manners_of(f):
                    out.setdefault((f.kind, f.direction, manner), set()).add(f.subject.container)
        return {key: frozenset(names) for key, names in out.items()}

    @cached_property
    def containers(self) -> frozenset[str]:
        """Everyone any finding names."""
        return frozenset(f.subject.container for f in self.findings if f.subject.container)

    def causes(self, cards: Iterable[Card]) -> tuple[Candidate, ...]:
        """The roots that these cards would name here: what `roots(assess(cards, facts))` says.

        Only a hypothesis that is confident alone can lead, explain another away or be named, and being explained away
        never makes one likelier: so the others are left out, and what one card says is remembered.
        """
        return roots(against_each_other(c for card in cards for c in self.confident(card)))

    def confident(self, card: Card) -> tuple[Candidate, ...]:
        """What the card alone would name here."""
        kept = self._scored.get(id(card))
        if kept is None or kept[0] is not card:
            found = tuple(c for c in candidates_of(card, self.facts) if not c.open and c.confidence >= CONFIDENT)
            kept = self._scored[id(card)] = (card, found)
        return kept[1]

    @cached_property
    def _scored(self) -> dict[int, tuple[Card, tuple[Candidate, ...]]]:
        return {}

    @cached_property
    def culprit(self) -> Subject | None:
        """The culprit as some finding names it, with the role another finding may know; None if none does."""
        cause = self.cause
        if cause is None:
            return None
        for f in self.findings:
            if names_it(f.subject, cause.component.kind, cause.component.name):
                return self.facts.seen.get(f.subject.container, f.subject)
        return None


def observations_of(evidence: Iterable[Mapping[str, Any]]) -> tuple[Observation, ...]:
    """Stored evidence (`Evidence.as_dict`) as observations. Findings of kinds unknown today are left out."""
    return tuple(
        Observation(str(e["id"]), str(e["question"]), Status(e["status"]), tuple(_readable(e.get("findings", ()))))
        for e in evidence
    )


def _readable(findings: Sequence[Mapping[str, Any]]) -> Iterable[Finding]:
    for data in findings:
        try:
            yield Finding.from_dict(data)
        except (ValueError, KeyError, TypeError):
            continue  # of another version; what is left still teaches

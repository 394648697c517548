"""What an incident looked like, with names reduced to roles: the form in which incidents are compared and learned from.

A trait is one kind of fact about one kind of subject ("a standby container does work"), never about `worker-blue`, so
that the same incident under other names, colours, load or language has the same traits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.codes import ComponentKind
from tools.findings import Finding, Subject

FAINT = 0.25  # below this strength a finding is noise to a signature


@dataclass(frozen=True, order=True)
class Trait:
    """`level`: container, service, host, cluster or "". `role`: of a container. `change`: what kind a change was."""

    kind: str
    direction: str = ""
    level: str = ""
    role: str = ""
    change: str = ""


Signature = Mapping[Trait, float]


def change_of(finding: Finding) -> str:
    """What kind of change it was (deploy, switch, config); "" for other findings."""
    return str(finding.extra.get("kind", "")) if finding.kind == "change_in_window" else ""


def level_of(subject: Subject) -> str:
    """The most specific thing the subject names."""
    for level in ("container", "service", "host", "cluster"):
        if getattr(subject, level):
            return level
    return ""


def signature(findings: Iterable[Finding]) -> dict[Trait, float]:
    """Each trait with the greatest strength it was seen at."""
    found = list(findings)
    roles = roles_of(found)
    out: dict[Trait, float] = {}
    for f in found:
        if f.strength < FAINT:
            continue
        role = f.subject.role or roles.get(f.subject.container, "")
        trait = Trait(f.kind, f.direction, level_of(f.subject), role, change_of(f))
        out[trait] = max(out.get(trait, 0.0), f.strength)
    return out


def roles_of(findings: Iterable[Finding]) -> dict[str, str]:
    """Container -> role, as far as any finding says."""
    return {f.subject.container: f.subject.role for f in findings if f.subject.container and f.subject.role}


def similarity(a: Signature, b: Signature, weight: Mapping[Trait, float] | None = None) -> float:
    """Weighted overlap, 0..1: sum of the lesser strength over sum of the greater (Ruzicka), by rarity if given."""
    def w(trait: Trait) -> float:
        return 1.0 if weight is None else weight.get(trait, 1.0)

    top = sum(w(t) * min(s, b[t]) for t, s in a.items() if t in b)
    whole = sum(w(t) * max(a.get(t, 0.0), b.get(t, 0.0)) for t in a.keys() | b.keys())
    return top / whole if whole else 0.0


def names_it(subject: Subject, kind: ComponentKind, name: str) -> bool:
    """Whether a subject is that component."""
    by_kind = {ComponentKind.CONTAINER: subject.container, ComponentKind.HOST: subject.host,
               ComponentKind.CLUSTER: subject.cluster}
    return bool(name) and by_kind.get(kind, subject.service) == name


def findings_of(evidence: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """All findings of stored evidence, in order. Those of a kind unknown today are left out."""
    out: list[Finding] = []
    for e in evidence:
        for data in e.get("findings", ()):
            try:
                out.append(Finding.from_dict(data))
            except (ValueError, KeyError, TypeError):
                continue  # written by an older or newer version: the rest still compares
    return out


def topology(service_kinds: Iterable[str]) -> str:
    """A fingerprint of what kinds of services there are: no names in it, so that a copy elsewhere has the same."""
    kinds = sorted(k for k in service_kinds if k)
    return ",".join(f"{k}:{kinds.count(k)}" for k in dict.fromkeys(kinds))[:64]

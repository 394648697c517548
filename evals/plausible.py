"""Does a word about an incident agree with what was found in it? Held against the evidence before anything is learned.

    doubts(example, known)     () where nothing speaks against the label; else the reasons, for a reviewer

A label is not judged true: it is judged not absurd. What is doubted stays a draft until a second voice, the outcome or
a reviewer confirms it. What a card would change elsewhere is rehearsed apart (`evals/rehearse.py`).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from agent.card import Card
from agent.codes import ComponentKind
from agent.conclusion import component
from agent.diagnosis import Component
from agent.odds import assess
from evals.contrast import NORMAL, Background, Fact
from evals.example import CLEARLY, Example
from evals.label import Cause
from tools.findings import Subject

CLEARLY_MORE = 2.0  # another of its kind carries at least twice as much
LATE_MS = 300_000  # two scrapes and a rule's `for` may pass between a cause and its first symptom


def doubts(example: Example, known: Sequence[Card]) -> tuple[str, ...]:
    """Why the label of this incident should not be believed on one word; () for no fault and where nothing is odd."""
    cause = example.cause
    if cause is None:
        return ()
    if example.culprit is None:
        return (f"no finding is about {cause.component.name}",)
    said = (_carries_little(example, cause, known), _began_after(example, cause),
            _unlike_its_kind(example, cause, known))
    return tuple(s for s in said if s)


def share_of_blame(example: Example, other: Component, known: Sequence[Card]) -> float:
    """0..1: what was found about the component the label names, as a share of that and of what was found about another.

    One half where both are the same, where neither shows anything, and where the label says that nothing is wrong.
    """
    cause = example.cause
    if cause is None or cause.component.name == other.name:
        return 0.5
    mine = carried(example, cause.component.kind, known).get(cause.component.name, 0.0)
    theirs = carried(example, other.kind, known).get(other.name, 0.0)
    return mine / (mine + theirs) if mine + theirs > 0 else 0.5


def carried(example: Example, kind: ComponentKind, known: Sequence[Card]) -> Mapping[str, float]:
    """Suspects of one kind by name, with the weight of what was found about each.

    A fact weighs its strength times the log of its rarity (`Background.prior`), less where its peers show it as well.
    A provider is held against providers: a service of ours is seen from within, and more is always found about it.
    """
    provided = kind is ComponentKind.PROVIDER and "provider" in example.service_kinds.values()
    facts: dict[str, dict[Fact, float]] = defaultdict(dict)
    names: set[str] = set()
    for f in example.findings:
        name = _name(f.subject, kind)
        if provided and example.service_kinds.get(name) != "provider":
            continue
        names |= {name} - {""}
        if name and f.strength >= CLEARLY and f.kind not in NORMAL:
            fact = Fact.of(f, "self")
            facts[name][fact] = max(facts[name].get(fact, 0.0), f.strength)
    shown = Counter(fact for mine in facts.values() for fact in mine)
    background = Background((), known, (example,))

    def weight(fact: Fact) -> float:
        return math.log(1.05 / (background.prior(fact.kind) + 0.05)) * (1 - (shown[fact] - 1) / len(names))

    return {name: sum(s * weight(fact) for fact, s in mine.items()) for name, mine in facts.items()}


def _carries_little(example: Example, cause: Cause, known: Sequence[Card]) -> str:
    """Nothing strong and abnormal is about it, or another of its kind carries clearly more."""
    suspects = carried(example, cause.component.kind, known)
    own = suspects.get(cause.component.name, 0.0)
    if own <= 0:
        return f"nothing out of the ordinary was found about {cause.component.name}"
    other = max(sorted(set(suspects) - {c.component.name for c in example.label.causes}),
                key=lambda n: suspects[n], default="")
    if other and suspects[other] >= CLEARLY_MORE * own:
        return f"far more was found about {other} ({suspects[other]:.1f}) than about {cause.component.name} ({own:.1f})"
    return ""


def _began_after(example: Example, cause: Cause) -> str:
    """Everything dated about it began after users were hurt already: an effect at most."""
    strong = [f for f in example.findings if f.since_ms is not None and f.strength >= CLEARLY and f.kind not in NORMAL]
    hurt = min((f.since_ms or 0 for f in strong if f.kind.startswith("user_")), default=None)
    own = min((f.since_ms or 0 for f in strong
               if _name(f.subject, cause.component.kind) == cause.component.name), default=None)
    if hurt is None or own is None or own <= hurt + LATE_MS:
        return ""
    return f"what was found about {cause.component.name} began {(own - hurt) // 1_000} s after users were hurt"


def _unlike_its_kind(example: Example, cause: Cause, known: Sequence[Card]) -> str:
    """Cards know this category for this kind of component, and none finds there what the category cannot be without."""
    cards = [c for c in known if c.category is cause.category and not c.learned
             and c.binds and c.binds[c.culprit].kind is cause.component.kind]
    if not cards:
        return ""
    fits = any(not c.open and not c.missing and component(c).name == cause.component.name
               for c in assess(cards, example.facts))
    return "" if fits else f"nothing of {cause.category.value} was found about {cause.component.name}"


def _name(subject: Subject, kind: ComponentKind) -> str:
    by_kind = {ComponentKind.CONTAINER: subject.container, ComponentKind.HOST: subject.host,
               ComponentKind.CLUSTER: subject.cluster}
    return by_kind.get(kind, subject.service)

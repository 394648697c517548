"""From verified incidents to an experience card.

    lesson = learn([example], contrasts=others, known=cards)
    lesson.card or lesson.why

The weight of a fact is the log of how much oftener it holds here than elsewhere (a likelihood ratio, as in
`agent/odds.py`), from few incidents and therefore bounded. Names and colours become variables bound by kind and role.
A lesson is kept only if the card finds its own incident again and takes none of the others away (`evals/rehearse.py`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.card import ActionTemplate, Binding, Card, Expectation, Provenance, Separation, Validity
from agent.codes import ActionKind, Category, ComponentKind
from agent.signature import names_it
from evals.contrast import NORMAL, Background, Fact, facts_of
from evals.example import FINDS, Example
from evals.lookalikes import Separator, separators
from evals.manners import manners_of
from evals.rehearse import Rehearsal, rehearse
from evals.wording_of_cards import mechanism_of, title_of
from tools.findings import Subject

PRIOR = -3.0
MOST_WEIGHT = 4.0
WORTH = 0.35  # log-odds below which a fact is left out
SURE, ENOUGH = 7.5, 5.2  # what all expectations together add at most, and at least
ELSEWHERE = 0.5  # what is felt elsewhere is a symptom: other causes are felt the same way
STRETCH = 4.0  # how far weights may be stretched to reach ENOUGH
MOST = {"self": 9, "sibling": 3, "any": 6}
REFUTES = 1.5
ROUNDS = 3
TRIAGE = ("metrics.onset", "changes.recent", "containers.state", "bluegreen.views", "logs.activity", "metrics.change",
          "metrics.health")


@dataclass(frozen=True)
class Lesson:
    """`card` None with `why` when nothing could be learned; `rehearsal` says what it would change."""

    card: Card | None
    why: str = ""
    rehearsal: Rehearsal | None = None


def learn(examples: Sequence[Example], *, contrasts: Sequence[Example], known: Sequence[Card],
          learned_at: str = "") -> Lesson:
    """One card from examples of one cause. `contrasts` are verified incidents of other causes or of none."""
    first = examples[0]
    cause, culprit = first.cause, first.culprit
    if cause is None:
        return Lesson(None, "no fault: nothing to recognise, but it is kept as contrast")
    if cause.category is Category.UNKNOWN:
        return Lesson(None, "the cause has no category yet")
    if culprit is None:
        return Lesson(None, f"no finding is about {cause.component.kind.value} {cause.component.name}")
    background = Background(contrasts, known, examples)
    weights = _weights(examples, background)
    needed = _needed(weights, examples)
    if needed is None:
        return Lesson(None, "nothing found about the culprit tells it from the bystanders")
    weighed = _telling(weights, needed)
    told = separators(first, needed.kind, known)
    lesson = Lesson(None)
    refutes: tuple[Expectation, ...] = ()
    for _ in range(ROUNDS):
        card = _card(examples, weighed, needed, told, refutes, learned_at)
        rehearsal = rehearse(card, examples, contrasts, known)
        lesson = Lesson(card if rehearsal.kept else None, rehearsal.why, rehearsal)
        if rehearsal.kept or not rehearsal.taken:
            return lesson
        refutes = _more_refutes(refutes, rehearsal.taken, examples)
    return lesson


def _weights(examples: Sequence[Example], background: Background) -> dict[Fact, tuple[float, float]]:
    """Fact -> (weight, mean strength) of all that tell anything, each finding stated in every manner."""
    strengths: dict[Fact, list[float]] = {}
    for example in examples:
        cause, culprit = example.cause, example.culprit
        if cause is not None and culprit is not None:
            for fact, strength in facts_of(example, culprit, cause.component.kind, cause.component.name).items():
                strengths.setdefault(fact, []).append(strength)
    out: dict[Fact, tuple[float, float]] = {}
    for fact, seen in strengths.items():
        share = (len(seen) + 0.5) / (len(examples) + 1.0)
        weight = min(MOST_WEIGHT, math.log((share + 0.05) / (background.rate(fact) + 0.05)))
        weight *= ELSEWHERE if fact.about == "any" else 1.0
        if weight >= WORTH:
            out[fact] = (weight, sum(seen) / len(seen))
    return out


def _telling(weights: dict[Fact, tuple[float, float]], needed: Fact) -> dict[Fact, tuple[float, float]]:
    """The most telling facts of each relation; a finding counts once, in its most telling manner."""
    best = sorted(weights, key=lambda f: (f != needed, -weights[f][0] * weights[f][1], f.order()))
    chosen: dict[Fact, tuple[float, float]] = {}
    for about, most in MOST.items():
        mine: list[Fact] = []
        for fact in best:
            if fact.about == about and len(mine) < most and not any(fact.overlaps(f) for f in mine):
                mine.append(fact)
        chosen.update({f: weights[f] for f in mine})
    return chosen


def _needed(weights: dict[Fact, tuple[float, float]], examples: Sequence[Example]) -> Fact | None:
    """The most telling fact about the culprit that every example shows."""
    in_all = []
    for fact in weights:
        if fact.about == "self" and fact.kind not in NORMAL and all(_shows(e, fact) for e in examples):
            in_all.append(fact)
    return min(in_all, key=lambda f: (-weights[f][0] * weights[f][1], f.order()), default=None)


def _shows(example: Example, fact: Fact) -> bool:
    cause, culprit = example.cause, example.culprit
    if cause is None or culprit is None:
        return False
    return fact in facts_of(example, culprit, cause.component.kind, cause.component.name)


def _card(examples: Sequence[Example], weighed: dict[Fact, tuple[float, float]], needed: Fact,
          told: Sequence[Separator], refutes: tuple[Expectation, ...], learned_at: str) -> Card:
    first = examples[0]
    cause = first.cause
    assert cause is not None  # `learn` has looked
    scale = _scale(weighed, needed)
    expects = tuple(
        _expectation(fact, max(0.1, min(MOST_WEIGHT, round(weight * scale(fact), 2))), needed=fact == needed)
        for fact, (weight, _) in sorted(weighed.items(), key=lambda item: (-item[1][0] * item[1][1], item[0].order()))
    )
    binds = {"culprit": _binding(examples)}
    if any(f.about == "sibling" for f in weighed):
        binds["sibling"] = Binding(kind=ComponentKind.CONTAINER, same="service", other=True)
    by = ", ".join(dict.fromkeys(e.by for e in examples if e.by))
    return Card(
        id=card_id(first), title=title_of(cause.category), category=cause.category, prior=PRIOR, component="culprit",
        binds=binds, expects=expects,
        refutes=(*(Expectation(finding=s.kind, weight=REFUTES) for s in told), *refutes),
        explains=tuple(sorted({f.kind for e in examples for f in e.findings if f.strength >= 0.3})),
        separates=tuple(Separation.model_validate({"from": s.card, "ask": s.ask, "because": s.because}) for s in told),
        asks=_asks(expects), mechanism=mechanism_of(cause.category), actions=_actions(examples),
        validity=Validity(topology=first.topology, builds=first.builds[:20]),
        provenance=Provenance(incidents=tuple(dict.fromkeys(e.incident for e in examples))[:50],
                              cases=tuple(dict.fromkeys(e.id for e in examples))[:50],
                              verified_by=by[:200], learned_at=learned_at),
    )


def _scale(weighed: dict[Fact, tuple[float, float]], needed: Fact) -> Callable[[Fact], float]:
    """Few incidents give weights that are neither independent nor exact: their sum is kept within bounds.

    What the cause is recognised by keeps its weight; what merely went with it that once shares the rest.
    """
    core = weighed[needed][0] * weighed[needed][1]
    rest = sum(w * s for fact, (w, s) in weighed.items() if fact != needed)
    if core + rest > SURE:
        return lambda fact: 1.0 if fact == needed else (SURE - core) / rest
    stretch = min(STRETCH, ENOUGH / (core + rest)) if 0 < core + rest < ENOUGH else 1.0
    return lambda _: stretch


def card_id(example: Example) -> str:
    """`learned-<category>-<hash of the first incident>`: the same lesson gets the same id."""
    cause = example.cause
    category = cause.category.value.replace("_", "-") if cause else "none"
    digest = hashlib.sha256(f"{example.incident}\x00{example.id}".encode()).hexdigest()[:8]
    return f"learned-{category}-{digest}"


def _expectation(fact: Fact, weight: float, *, needed: bool) -> Expectation:
    of = {"self": "culprit", "sibling": "sibling"}.get(fact.about, "")
    return Expectation(finding=fact.kind, of=of, direction=fact.direction, weight=weight,
                       needed=needed, where=dict(fact.manner), absent=None if needed else round(weight * 0.15, 2))


def _binding(examples: Sequence[Example]) -> Binding:
    """The role if all examples agree on one; the kind of service where there is no role."""
    cause = examples[0].cause
    assert cause is not None
    subjects = [s for e in examples if (s := e.culprit) is not None]
    roles = {s.role for s in subjects}
    role = roles.pop() if len(roles) == 1 and cause.component.kind is ComponentKind.CONTAINER else ""
    kinds = {e.service_kinds.get(s.service, "") for e, s in zip(examples, subjects, strict=False)}
    service_kind = kinds.pop() if len(kinds) == 1 and cause.component.kind is not ComponentKind.HOST else ""
    return Binding(kind=cause.component.kind, role=role, service_kind=service_kind)


def _asks(expects: Sequence[Expectation]) -> tuple[str, ...]:
    """The questions beyond the first ones that can find what is expected, the most telling first; two at most."""
    out: list[str] = []
    for e in expects:
        finders = [q for q, finds in FINDS.items() if e.finding in finds]
        if finders and not any(q in (*TRIAGE, *out) for q in finders):
            out.append(finders[0])
    return tuple(out[:2])


def _actions(examples: Sequence[Example]) -> tuple[ActionTemplate, ...]:
    """What worked, by kind, on the culprit. An action on something else is not learned: it has no variable."""
    out: dict[ActionKind, ActionTemplate] = {}
    for example in examples:
        cause, culprit = example.cause, example.culprit or Subject()
        for action in example.label.actions.right:
            if cause is None or action.kind is ActionKind.NONE:
                continue
            aimed = not action.target or action.target == cause.component.name or action.target == culprit.service
            if aimed or names_it(culprit, cause.component.kind, action.target):
                stops = action.kind in (ActionKind.STOP_CONTAINER, ActionKind.ISOLATE_CONTAINER)
                out.setdefault(action.kind, ActionTemplate(
                    kind=action.kind, target="culprit", precondition="capacity" if stops else ""))
    return tuple(out.values())[:1]


def _more_refutes(before: tuple[Expectation, ...], taken: Sequence[Example], own: Sequence[Example]
                  ) -> tuple[Expectation, ...]:
    """What the incidents it would take away show and its own do not: it speaks against the card from now on.

    Said as generally as it may be said: a kind that its own do not show, else a manner of it that they do not show.
    """
    have = {(f.kind, manner) for e in own for f in e.findings for manner in manners_of(f)}
    looked = frozenset.intersection(*(e.facts.looked_for for e in own))
    out = list(before)
    for example in taken:
        strong = sorted((f for f in example.findings if f.kind in looked and f.strength >= 0.5),
                        key=lambda f: (-f.strength, f.kind))
        told = {(e.finding, frozenset(e.where.items())) for e in out}
        news = [next(((f.kind, m) for m in manners_of(f) if (f.kind, m) not in have), None) for f in strong]
        fresh = [n for n in dict.fromkeys(news) if n is not None and (n[0], frozenset(n[1])) not in told]
        out += [Expectation(finding=kind, where=dict(manner), weight=3.0) for kind, manner in fresh[:2]]
    return tuple(out)

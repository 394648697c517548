"""What the findings themselves must carry before a model's cause, verdict or action is published.

A model chooses questions and words; the odds of the cards are the measure. It may be more careful than the analyst when
it says what speaks against the analyst's cause, and bolder nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.candidate import CONFIDENT, Candidate
from agent.card import ActionTemplate
from agent.codes import ActionKind, Category, ComponentKind, HypothesisStatus, Verdict
from agent.diagnosis import Hypothesis
from agent.draft import Draft, Proposal
from agent.explaining import roots

LEAST_CARRIED = 0.5  # a cause that the odds of its card do not make likelier than not is a lead, not a diagnosis
HARMLESS = frozenset({ActionKind.NONE, ActionKind.COLLECT_MORE, ActionKind.FIX_MONITORING})


def counterpart(h: Hypothesis, candidates: Sequence[Candidate]) -> Candidate | None:
    """The analyst's candidate for the same component and category, the likeliest first."""
    same = [c for c in candidates if not c.open and c.card.verdict is Verdict.DIAGNOSED and _is_about(h, c)
            and c.card.category in (h.category, Category.UNKNOWN)]
    return max(same, key=lambda c: c.confidence, default=None)


def carried(h: Hypothesis, candidates: Sequence[Candidate]) -> bool:
    """Whether the findings make this cause at least worth naming."""
    found = counterpart(h, candidates)
    return found is not None and found.confidence >= LEAST_CARRIED


def disagreement(draft: Draft, candidates: Sequence[Candidate]) -> str:
    """What a conclusion passes over: the analyst's confident cause, neither named nor answered. "" for nothing."""
    for c in roots(candidates):
        named = any(_is_about(h, c) and h.status is HypothesisStatus.ROOT and h.category is c.card.category
                    for h in draft.hypotheses)
        answered = draft.verdict is Verdict.UNDETERMINED and any(
            _is_about(h, c) and h.category is c.card.category and h.refutes for h in draft.hypotheses)
        if not named and not answered:
            who = c.culprit.container or c.culprit.service or c.culprit.host or c.culprit.cluster
            return (f"the findings make {c.card.category.value} of {who} {c.confidence:.2f} likely "
                    f"({', '.join(c.supports)}): name it as a root, or list it with what refutes it")
    return ""


def healthy_enough(candidates: Sequence[Candidate]) -> bool:
    """Whether some card of a harmless course of events fits, so that `no_fault` is more than an opinion."""
    return any(c.card.verdict is Verdict.NO_FAULT and not c.open and c.confidence >= CONFIDENT for c in candidates)


def capped(h: Hypothesis, candidates: Sequence[Candidate]) -> Hypothesis:
    """Confidence at most what the odds give, and the refuting evidence the draft left out."""
    c = counterpart(h, candidates)
    if c is None or h.status is HypothesisStatus.EXCLUDED:
        return h
    return h.model_copy(update={
        "refutes": tuple(dict.fromkeys((*h.refutes, *c.against))),
        "confidence": min(h.confidence, round(c.confidence, 2)) if c.confidence < CONFIDENT or c.against
        else h.confidence,
    })


def admitted(action: Proposal, hypotheses: Sequence[Hypothesis], candidates: Sequence[Candidate]) -> Proposal | None:
    """The action as a card of a standing root proposes it, for the targets asked; None when no card does.

    Precondition and durable advice are the card's: a model can neither drop the one nor write the other.
    """
    if action.kind in HARMLESS:
        return Proposal(kind=action.kind, targets=action.targets, durable_fix=_advice(action, candidates))
    for h in hypotheses:
        c = counterpart(h, candidates) if h.status is HypothesisStatus.ROOT else None
        for template in c.card.actions if c else ():
            targets = _targets(template, c) if c else frozenset()
            if template.kind is action.kind and action.targets and set(action.targets) <= targets:
                return Proposal(kind=action.kind, targets=action.targets, precondition=template.precondition,
                                durable_fix=template.durable_fix)
    return None


def _advice(action: Proposal, candidates: Sequence[Candidate]) -> dict[str, str]:
    known = [a.durable_fix for c in candidates for a in c.card.actions]
    return action.durable_fix if action.durable_fix in known else {}


def _targets(template: ActionTemplate, c: Candidate) -> frozenset[str]:
    return frozenset(s.container or s.service or s.host or s.cluster for s in c.bound.get(template.target, ()))


def _is_about(h: Hypothesis, c: Candidate) -> bool:
    """Same component. A service is meant by its name only where the hypothesis says so: a container may share it."""
    who, name = c.culprit, h.component.name
    if who.container and name == who.service and name != who.container:
        return h.component.kind is ComponentKind.SERVICE
    return name in {n for n in (who.container, who.service, who.host, who.cluster) if n}

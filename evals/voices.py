"""Who says the same of what: words about incidents that look alike bear each other out or contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.signature import similarity
from evals.example import Example

SAME_LESSON = 0.3
SECOND_VOICE = 0.5  # how alike another incident must be to bear out a word about this one
# So alike that one teaches what the other did, and two causes for them contradict each other. Three in four edits of
# one recording are 0.93 alike or more, one in twenty less than 0.8; incidents of other causes 0.89 at most (F17, X02).
SAME_AGAIN = 0.9
ABOUT_AS_LIKE = 0.05  # most edits of one recording are as near to each other, and other causes are further off


def same_cause(a: Example, b: Example) -> bool:
    """Same category and kind of component; names aside."""
    if a.cause is None or b.cause is None:
        return a.cause is b.cause
    return a.cause.category is b.cause.category and a.cause.component.kind is b.cause.component.kind


def same_lesson(a: Example, b: Example) -> bool:
    """Also the same kind of service, so that one card can state it."""
    if not same_cause(a, b) or a.culprit is None or b.culprit is None:
        return False
    return a.service_kinds.get(a.culprit.service, "") == b.service_kinds.get(b.culprit.service, "")


def bears_out(other: Example, example: Example) -> bool:
    """A word about another incident that looks like this one and names the same kind of cause.

    That nothing is wrong is said of many incidents: only of one that looks the same does it bear anything out.
    """
    if other.incident == example.incident:
        return False
    if example.cause is None:
        return other.cause is None and alike(other, example) >= SAME_AGAIN
    return same_lesson(other, example) and alike(other, example) >= SECOND_VOICE


def alike(a: Example, b: Example) -> float:
    """How much of what was found is the same, names aside: 0..1. Compared once a pair."""
    kept = a.compared.get(b.id)
    if kept is None or kept[0] is not b.observations:
        kept = a.compared[b.id] = (b.observations, similarity(a.signature, b.signature))
    return kept[1]


def nearest(example: Example, others: Iterable[Example]) -> float:
    """To the most alike of them; 0 without any."""
    return max((alike(example, other) for other in others if other.id != example.id), default=0.0)


def contradicting(example: Example, others: Iterable[Example]) -> tuple[Example, ...]:
    """Words about incidents that look the same, which name another cause."""
    return tuple(o for o in others if o.incident != example.incident and not same_cause(o, example)
                 and alike(o, example) >= SAME_AGAIN)


def neighbours(example: Example, words: Sequence[Example], *, among: Sequence[Example] = ()) -> list[Example]:
    """Those of `words` about incidents about as like this one as the nearest of all is, `among` counted in.

    Who speaks of the same has a say; how many speak of something that merely resembles it does not count.
    """
    least = nearest(example, (*words, *among)) - ABOUT_AS_LIKE
    return [word for word in words if alike(example, word) >= least]

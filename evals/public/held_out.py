"""Were the weights fitted to these sets? Choose them on all sets but one, and report on that one.

Sets scored by commit take no part: no weight of the ranking is theirs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass

from evals.public.components import complete, hurts, moved
from evals.public.folder import PublicCase
from evals.public.truth import read_truth
from tools.analysis.departure import FINENESS, Fineness
from tools.analysis.ranking import WEIGHTS, Weights, rank
from tools.moves import symptoms

FINE = (FINENESS, Fineness(steadier=0.25), Fineness(steadier=0.5), Fineness(peer=0.001), Fineness(peer=0.01))
EXPLAINED, WAITS, FALL, REACH = (0.6, 0.8, 0.95), (0.4, 0.8), (0.25, 0.5), (0.5, 1.0)
Choice = tuple[Fineness, Weights]
SHIPPED: Choice = (FINENESS, WEIGHTS)


@dataclass(frozen=True)
class HeldOut:
    """AC@1 and AC@3 of a set with the shipped weights, with those `chosen` on the other sets, and over all `tried`
    combinations the lowest and the highest of each."""

    set: str
    n: int
    shipped: tuple[float, float]
    chosen: tuple[float, float]
    choice: Choice
    tried: int
    lowest: tuple[float, float]
    highest: tuple[float, float]


def held_out(cases: Sequence[PublicCase]) -> list[HeldOut]:
    """One row a set scored by component, in the order of the cases. Raises BadSnapshot where a truth is missing.

    Chosen is the combination with the largest sum of AC@1 and AC@3 over the other sets, each set counting once; of
    equals the one with most values in common with the shipped.
    """
    by_set: dict[str, list[PublicCase]] = {}
    for case in cases:
        if not case.events:
            by_set.setdefault(case.folder.parent.name, []).append(case)
    scores = {name: _scores(of) for name, of in by_set.items()}
    return [_row(name, len(by_set[name]), scores) for name in by_set]


def choices() -> Iterator[Choice]:
    """Every combination tried, the shipped among them."""
    for fine, *rest in itertools.product(FINE, EXPLAINED, WAITS, FALL, REACH):
        yield fine, Weights(*rest)


def _row(name: str, n: int, scores: Mapping[str, Mapping[Choice, tuple[float, float]]]) -> HeldOut:
    others = [s for other, s in scores.items() if other != name]
    best = max(choices(), key=lambda c: (round(sum(sum(s[c]) for s in others), 9), _likeness(c))) if others else SHIPPED
    mine = scores[name]
    low, high = (tuple(pick(s[i] for s in mine.values()) for i in (0, 1)) for pick in (min, max))
    return HeldOut(name, n, mine[SHIPPED], mine[best], best, len(mine), (low[0], low[1]), (high[0], high[1]))


def _likeness(choice: Choice) -> int:
    """How many values are the shipped ones."""
    mine, shipped = ([*astuple(fine), *astuple(weights)] for fine, weights in (choice, SHIPPED))
    return sum(a == b for a, b in zip(mine, shipped, strict=True))


def _scores(cases: Sequence[PublicCase]) -> dict[Choice, tuple[float, float]]:
    """AC@1 and AC@3 of a set's cases by choice."""
    hits: dict[Choice, list[int]] = {c: [] for c in choices()}
    for case in cases:
        truth = read_truth(case.folder).service
        seen = {f: symptoms(moved(case, fineness=f), hurts(case)) for f in FINE}
        for choice, places in hits.items():
            order = rank(seen[choice[0]], case.calls, choice[1])
            found = complete([s.name for s in order], case)
            places.append(found.index(truth) if truth in found else len(found))
    return {c: (_share(places, 1), _share(places, 3)) for c, places in hits.items()}


def _share(places: Sequence[int], k: int) -> float:
    return sum(p < k for p in places) / len(places)

"""The same incidents told worse: other names, no call graph, fewer series, fewer samples, noise, other units."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evals.public.baselines import n_sigma
from evals.public.components import suspects
from evals.public.folder import PublicCase, PublicSeries
from evals.public.truth import read_truth

Edit = Callable[[PublicCase], PublicCase]
NOISE = 0.05


@dataclass(frozen=True)
class Perturbed:
    """AC@1 and AC@3 of ours and of n-sigma on a set, told so."""

    set: str
    told: str
    ours: tuple[float, float]
    n_sigma: tuple[float, float]


def perturbed(cases: Sequence[PublicCase]) -> list[Perturbed]:
    """A row a set scored by component and way of telling it. Raises BadSnapshot where a truth is missing."""
    by_set: dict[str, list[PublicCase]] = {}
    for case in cases:
        if not case.events:
            by_set.setdefault(case.folder.parent.name, []).append(case)
    return [_row(name, told, edit, of) for name, of in by_set.items() for told, edit in EDITS.items()]


def _row(name: str, told: str, edit: Edit, cases: Sequence[PublicCase]) -> Perturbed:
    ours, theirs = list[int](), list[int]()
    for case in cases:
        truth, changed = read_truth(case.folder).service, edit(case)
        if edit is renamed:
            truth = _alias(truth)
        for places, order in ((ours, suspects(changed)), (theirs, n_sigma(changed))):
            places.append(order.index(truth) if truth in order else len(order))
    share = [tuple(sum(p < k for p in places) / len(places) for k in (1, 3)) for places in (ours, theirs)]
    return Perturbed(name, told, (share[0][0], share[0][1]), (share[1][0], share[1][1]))


def renamed(case: PublicCase) -> PublicCase:
    """Components under names that mean nothing and sort differently."""
    return replace(
        case, candidates=tuple(_alias(c) for c in case.candidates),
        calls=tuple((_alias(a), _alias(b)) for a, b in case.calls),
        series=tuple(replace(s, component=_alias(s.component)) if s.component else s for s in case.series),
    )


def nameless(case: PublicCase) -> PublicCase:
    """Metrics under names that tell no kind."""
    return _each(case, lambda s, _: replace(s, metric=f"signal_{zlib.crc32(s.metric.encode()) % 997}"))


def without_calls(case: PublicCase) -> PublicCase:
    """No call graph."""
    return replace(case, calls=())


def fewer_series(case: PublicCase) -> PublicCase:
    """A quarter of the series missing."""
    keep = _random(case).random(len(case.series)) >= 0.25
    return replace(case, series=tuple(s for s, kept in zip(case.series, keep, strict=True) if kept))


def fewer_samples(case: PublicCase) -> PublicCase:
    """A third of the samples lost, here and there."""
    return _each(case, lambda s, random: _only(s, random.random(s.ms.size) >= 1 / 3))


def noisy(case: PublicCase) -> PublicCase:
    """Every sample off by some five per cent."""
    return _each(case, lambda s, random: replace(s, values=s.values * (1 + NOISE * random.standard_normal(s.ms.size))))


def other_units(case: PublicCase) -> PublicCase:
    """Values a thousand times as large, names as before."""
    return _each(case, lambda s, _: replace(s, values=s.values * 1000))


EDITS: Mapping[str, Edit] = {
    "as it is": lambda case: case, "components renamed": renamed, "values x 1000": other_units, "noise of 5 %": noisy,
    "a third of samples lost": fewer_samples, "a quarter of series lost": fewer_series, "no call graph": without_calls,
    "metric names that tell no kind": nameless,
}


def _each(case: PublicCase, edit: Callable[[PublicSeries, np.random.Generator], PublicSeries]) -> PublicCase:
    random = _random(case)
    return replace(case, series=tuple(edit(s, random) for s in case.series))


def _only(series: PublicSeries, keep: np.ndarray) -> PublicSeries:
    return replace(series, ms=series.ms[keep], values=series.values[keep])


def _random(case: PublicCase) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(case.id.encode()))


def _alias(name: str) -> str:
    return f"c{zlib.crc32(name.encode()):08x}"

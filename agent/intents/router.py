"""From a sentence to an intent, without a model: ridge regression on pieces of words, plus weighted stems.

The classifier is least squares with a penalty (Hoerl and Kennard 1970) from tf-idf vectors to one column an intent,
solved in closed form over the example sentences; a fraction of a second once a process, microseconds a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import yaml

from agent.intents.examples import examples
from agent.intents.features import mean_vector, words_of
from agent.intents.intent import Intent
from tools.analysis.robust import Floats

PENALTY = 0.2
SURE = 0.15  # below this score nothing that was said resembles an example
CLOSE = 0.06  # a runner-up this near makes the choice worth asking about


@dataclass(frozen=True)
class Route:
    """`intent` is the best; `scores` sorts the rest. `sure` is false where nothing resembles any example."""

    intent: Intent
    scores: tuple[tuple[Intent, float], ...]

    @property
    def sure(self) -> bool:
        return self.scores[0][1] >= SURE

    @property
    def close(self) -> bool:
        """Whether the second best could be meant as well."""
        return self.scores[0][1] - self.scores[1][1] < CLOSE


@dataclass(frozen=True)
class _Trained:
    weights: Floats
    idf: Floats


def route(masked: str) -> Route:
    """The intent of a sentence whose names, colours and times are already X, C and T."""
    trained = _trained()
    row = _scaled(mean_vector((masked,))[None, :], trained.idf)
    scores = (row @ trained.weights)[0]
    stems = stem_scores(masked)
    added = {i: float(scores[n]) + stems.get(i, 0.0) for n, i in enumerate(Intent)}
    ranked = sorted(added.items(), key=lambda s: -s[1])
    return Route(ranked[0][0], tuple(ranked))


def stem_scores(masked: str) -> Mapping[Intent, float]:
    """What the stems of `stems.yaml` add: the heaviest two that stand in the sentence, by intent."""
    words = words_of(masked)
    squashed, latin = "".join(words), f" {' '.join(words)} "
    found: dict[Intent, list[float]] = {}
    for intent, stem, weight in _stems():
        if _stands(stem, latin, squashed):
            found.setdefault(intent, []).append(weight)
    return {i: sum(sorted(w, reverse=True)[:2]) for i, w in found.items()}


def _stands(stem: str, latin: str, squashed: str) -> bool:
    """At the start of a word; with ^ at the start of the sentence; Korean anywhere."""
    if stem.startswith("^"):
        return latin.startswith(f" {stem[1:]} ")
    return f" {stem}" in latin if stem.isascii() else stem in squashed


@lru_cache
def _stems() -> tuple[tuple[Intent, str, float], ...]:
    text = (Path(__file__).parent / "stems.yaml").read_text(encoding="utf-8")
    loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return tuple((Intent(i), str(s), float(w)) for i, stems in loaded.items() for s, w in stems.items())


@lru_cache
def _trained() -> _Trained:
    """One row a pattern, the mean of its sentences: as telling as all of them, and a hundredth of the work."""
    told = examples()
    raw = np.stack([mean_vector(e.sentences) for e in told])
    idf = np.log((1 + len(told)) / (1 + (raw > 0).sum(axis=0))) + 1
    scaled = _scaled(raw, idf)
    wanted = np.array([[1.0 if e.intent is i else 0.0 for i in Intent] for e in told])
    gram = scaled @ scaled.T + PENALTY * np.eye(len(told))
    return _Trained(np.asarray(scaled.T @ np.linalg.solve(gram, wanted)), np.asarray(idf))


def _scaled(rows: Floats, idf: Floats) -> Floats:
    weighted = rows * idf
    length = np.linalg.norm(weighted, axis=1, keepdims=True)
    return np.asarray(weighted / np.where(length == 0, 1, length))

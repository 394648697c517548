"""Past incidents, recalled by what was found then: traits first, words second, weighted by age and by outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.bigrams import BigramIndex, Floats
from agent.signature import Signature, Trait

WORDS_WEIGH = 0.15  # words may break ties between like findings, never outvote them
HALF_LIFE_DAYS = 365.0
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Seen:
    """One verified incident. `text` is prose in any language; `right` and `wrong` count what came of recalling it."""

    id: str
    incident: str
    at_ms: int
    signature: Signature
    category: str = ""
    service: str = ""
    text: str = ""
    card: str = ""
    right: int = 0
    wrong: int = 0


@dataclass(frozen=True)
class Recalled:
    """A past incident with how alike it is, 0..1, and what is shared."""

    past: Seen
    similarity: float
    shared: tuple[Trait, ...] = field(default=())


class Precedents:
    """An index over past incidents: built once, searched in a few milliseconds for a thousand."""

    def __init__(self, incidents: Sequence[Seen] = ()) -> None:
        self._incidents = tuple(incidents)
        n = len(self._incidents)
        found: dict[Trait, list[tuple[int, float]]] = {}
        for position, one in enumerate(self._incidents):
            for trait, strength in one.signature.items():
                found.setdefault(trait, []).append((position, strength))
        self._rarity = {t: math.log(1 + (n + 1) / (len(p) + 0.5)) for t, p in found.items()}
        self._unseen = math.log(1 + (n + 1) / 0.5)
        self._postings = {t: (np.array([p for p, _ in pairs], dtype=np.int64), np.array([s for _, s in pairs]))
                          for t, pairs in found.items()}
        self._sizes: dict[str, Floats] = {}  # by kind, so that only what was looked for is compared
        for trait, (positions, strengths) in self._postings.items():
            size = self._sizes.setdefault(trait.kind, np.zeros(n))
            size[positions] += self._rarity[trait] * strengths
        self._at = np.array([one.at_ms for one in self._incidents], dtype=np.float64)
        self._outcome = np.array([(one.right + 1.0) / (one.right + one.wrong + 1.0) for one in self._incidents])
        self._words = BigramIndex([one.text for one in self._incidents])

    def __len__(self) -> int:
        return len(self._incidents)

    def search(self, traits: Signature, *, looked_for: frozenset[str] | None = None, text: str = "",
               service: str = "", now_ms: int = 0, most: int = 3) -> tuple[Recalled, ...]:
        """The most alike, best first. Similarity is the weighted overlap of traits (Ruzicka) by rarity.

        `looked_for`: kinds that were asked about; what past incidents showed beyond them says nothing yet. What was
        found was looked for, also where the question that found it was answered in part only.
        """
        if not self._incidents:
            return ()
        overlap, own = np.zeros(len(self._incidents)), 0.0
        for trait, strength in traits.items():
            rarity = self._rarity.get(trait, self._unseen)
            own += rarity * strength
            if trait in self._postings:
                positions, theirs = self._postings[trait]
                overlap[positions] += rarity * np.minimum(strength, theirs)
        kinds = self._sizes.keys() if looked_for is None else looked_for | {t.kind for t in traits}
        sizes = sum((size for kind, size in self._sizes.items() if kind in kinds), np.zeros(len(self._incidents)))
        alike = overlap / np.maximum(own + sizes - overlap, 1e-9)
        score = ((1 - WORDS_WEIGH) * alike + WORDS_WEIGH * self._by_words(text)) * self._worth(service, now_ms)
        best = np.argsort(-score, kind="stable")[:most]
        return tuple(self._recalled(int(p), float(alike[p]), traits) for p in best if score[p] > 0)

    def _by_words(self, text: str) -> Floats:
        scores = self._words.scores(text)
        best = float(scores.max()) if text else 0.0
        return scores / best if best else scores

    def _worth(self, service: str, now_ms: int) -> Floats:
        """Older ones fade (half in a year, to half at most), wrong ones fade faster, the same service counts more."""
        age = np.maximum(0.0, (now_ms - self._at) / DAY_MS) * ((self._at > 0) & (now_ms > 0))
        recency = 0.5 + 0.5 * np.exp2(-age / HALF_LIFE_DAYS)
        same = np.array([1.05 if service and service == one.service else 1.0 for one in self._incidents])
        return np.asarray(recency * (0.5 + 0.5 * self._outcome) * same)

    def _recalled(self, position: int, alike: float, traits: Signature) -> Recalled:
        one = self._incidents[position]
        shared = sorted((t for t in traits if t in one.signature), key=lambda t: (-self._rarity[t], t))
        return Recalled(one, round(alike, 3), tuple(shared[:5]))

"""Past incidents, recalled by what was found then: traits first, words second, weighted by age and by outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.bigrams import BigramIndex
from agent.signature import Signature, Trait

WORDS_WEIGH = 0.15  # words may break ties between like findings, never outvote them
HALF_LIFE_DAYS = 365.0
DAY_MS = 86_400_000


@dataclass(frozen=True)
class PastIncident:
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

    past: PastIncident
    similarity: float
    shared: tuple[Trait, ...] = field(default=())


class Past:
    """An index over past incidents: built once, searched in a few milliseconds for a thousand."""

    def __init__(self, incidents: Sequence[PastIncident] = ()) -> None:
        self._incidents = tuple(incidents)
        self._postings: dict[Trait, list[tuple[int, float]]] = {}
        for position, one in enumerate(self._incidents):
            for trait, strength in one.signature.items():
                self._postings.setdefault(trait, []).append((position, strength))
        n = len(self._incidents)
        self._rarity = {t: math.log(1 + (n + 1) / (len(p) + 0.5)) for t, p in self._postings.items()}
        self._unseen = math.log(1 + (n + 1) / 0.5)
        self._sizes = [sum(self._rarity[t] * s for t, s in one.signature.items()) for one in self._incidents]
        self._words = BigramIndex([one.text for one in self._incidents])

    def __len__(self) -> int:
        return len(self._incidents)

    def search(self, traits: Signature, *, text: str = "", service: str = "", now_ms: int = 0, most: int = 3
               ) -> tuple[Recalled, ...]:
        """The most alike, best first. Similarity is the weighted overlap of traits (Ruzicka) by rarity."""
        overlap: dict[int, float] = {}
        own = 0.0
        for trait, strength in traits.items():
            rarity = self._rarity.get(trait, self._unseen)
            own += rarity * strength
            for position, theirs in self._postings.get(trait, ()):
                overlap[position] = overlap.get(position, 0.0) + rarity * min(strength, theirs)
        words = self._by_words(text)
        scored = []
        for position in overlap.keys() | words.keys():
            top = overlap.get(position, 0.0)
            whole = own + self._sizes[position] - top
            alike = top / whole if whole else 0.0
            score = (1 - WORDS_WEIGH) * alike + WORDS_WEIGH * words.get(position, 0.0)
            scored.append((score * self._worth(position, service, now_ms), alike, position))
        scored.sort(key=lambda s: (-s[0], s[2]))
        return tuple(self._recalled(position, alike, traits) for _, alike, position in scored[:most])

    def _by_words(self, text: str) -> Mapping[int, float]:
        found = self._words.search(text, most=50) if text else []
        best = found[0][1] if found else 1.0
        return {position: score / best for position, score in found}

    def _worth(self, position: int, service: str, now_ms: int) -> float:
        """Older ones fade (half in a year, to half at most), wrong ones fade faster, the same service counts more."""
        one = self._incidents[position]
        age = max(0.0, (now_ms - one.at_ms) / DAY_MS) if now_ms and one.at_ms else 0.0
        recency = 0.5 + 0.5 * math.exp2(-age / HALF_LIFE_DAYS)
        outcome = (one.right + 1.0) / (one.right + one.wrong + 1.0)
        return recency * (0.5 + 0.5 * outcome) * (1.05 if service and service == one.service else 1.0)

    def _recalled(self, position: int, alike: float, traits: Signature) -> Recalled:
        one = self._incidents[position]
        shared = sorted((t for t in traits if t in one.signature), key=lambda t: (-self._rarity[t], t))
        return Recalled(one, round(alike, 3), tuple(shared[:5]))

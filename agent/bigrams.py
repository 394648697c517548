"""Lexical search that works for Korean as for English: character bigrams ranked by BM25 (Robertson and Zaragoza, 2009).

A trigram index (SQLite's FTS5) finds no Korean word of two syllables; bigrams of characters need no dictionary, no
word boundaries and no engine, so both databases answer alike.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
K1, B = 1.2, 0.75
MAX_CHARS = 4_000  # of one text or query that is looked at
_WORDS = re.compile(r"[^\W_]+")


def bigrams(text: str) -> list[str]:
    """Pairs of neighbouring characters of each word, case folded; a word of one character stands alone."""
    folded = unicodedata.normalize("NFC", text[:MAX_CHARS]).casefold()
    out: list[str] = []
    for word in _WORDS.findall(folded):
        out += [word] if len(word) == 1 else [word[i:i + 2] for i in range(len(word) - 1)]
    return out


class BigramIndex:
    """Texts by position. `search` gives (position, score) of those that share anything, best first."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(bigrams(text)) for text in texts]
        self._n = len(counts)
        lengths = np.array([sum(c.values()) for c in counts], dtype=np.float64)
        mean = float(lengths.mean()) if counts else 1.0
        found: dict[str, list[tuple[int, int]]] = {}
        for position, count in enumerate(counts):
            for gram, times in count.items():
                found.setdefault(gram, []).append((position, times))
        self._postings: dict[str, tuple[Integers, Floats]] = {}
        for gram, pairs in found.items():
            positions = np.array([p for p, _ in pairs], dtype=np.int64)
            times_in = np.array([t for _, t in pairs], dtype=np.float64)
            rarity = math.log(1 + (self._n - len(pairs) + 0.5) / (len(pairs) + 0.5))
            length = 1 - B + B * lengths[positions] / (mean or 1.0)
            self._postings[gram] = positions, rarity * times_in * (K1 + 1) / (times_in + K1 * length)

    def scores(self, query: str) -> Floats:
        """The score of every text, by position."""
        out = np.zeros(self._n)
        for gram in dict.fromkeys(bigrams(query)):
            if gram in self._postings:
                positions, worth = self._postings[gram]
                out[positions] += worth
        return out

    def search(self, query: str, *, most: int = 10) -> list[tuple[int, float]]:
        """Ties keep the order of the texts."""
        scores = self.scores(query)
        best = np.argsort(-scores, kind="stable")[:most]
        return [(int(p), float(scores[p])) for p in best if scores[p] > 0]

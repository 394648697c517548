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
        self._lengths = [sum(c.values()) for c in counts]
        self._mean = sum(self._lengths) / len(counts) if counts else 0.0
        self._postings: dict[str, list[tuple[int, int]]] = {}
        for position, count in enumerate(counts):
            for gram, times in count.items():
                self._postings.setdefault(gram, []).append((position, times))

    def search(self, query: str, *, most: int = 10) -> list[tuple[int, float]]:
        """Ties keep the order of the texts."""
        scores: dict[int, float] = {}
        for gram in set(bigrams(query)):
            postings = self._postings.get(gram, ())
            rarity = math.log(1 + (len(self._lengths) - len(postings) + 0.5) / (len(postings) + 0.5))
            for position, times in postings:
                length = 1 - B + B * self._lengths[position] / self._mean
                scores[position] = scores.get(position, 0.0) + rarity * times * (K1 + 1) / (times + K1 * length)
        return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:most]

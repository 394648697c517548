"""A sentence as a sparse vector: pieces of words, pieces of Korean letters, words and pairs of words.

Korean is read without its spaces (people leave them out, or put them anywhere) and broken into its letters, so that
endings, contractions and one wrong vowel share most of their pieces. Latin words are read with their bounds.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tools.analysis.robust import Floats

SIZE = 1 << 13
_WORD = re.compile(r"[a-z0-9']+|[XCT]+|[가-힣ㄱ-ㅎㅏ-ㅣ]+")
_HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")


def words_of(text: str) -> list[str]:
    """Lower-case Latin words, Hangul runs, and the placeholders X, C and T as they are."""
    lowered = re.sub(r"[A-Z](?=[A-Za-z'])|(?<=[A-Za-z'])[A-Z]", lambda m: m.group(0).lower(), text)
    lowered = re.sub(r"\b[ABD-SU-WYZ]\b", lambda m: m.group(0).lower(), lowered)
    return _WORD.findall(lowered)


def pieces(text: str) -> Counter[str]:
    """Each piece with how often it stands there."""
    words = words_of(text)
    out: Counter[str] = Counter()
    latin = [w for w in words if not _HANGUL.match(w)]
    for w in latin:
        out[f"w:{w}"] += 2
        if len(w) > 2:
            bounded = f"<{w}>"
            out.update(f"l:{bounded[i:i + n]}" for n in (3, 4) for i in range(len(bounded) - n + 1))
    out.update(f"p:{a} {b}" for a, b in zip(["^", *words], [*words, "$"], strict=True))
    squashed = "".join(words)
    if len(latin) < len(words):
        syllables = re.sub(r"[^가-힣ㄱ-ㅎㅏ-ㅣXCT]", "", squashed)
        out.update(f"s:{syllables[i:i + n]}" for n in (1, 2, 3) for i in range(len(syllables) - n + 1))
        letters = "^" + unicodedata.normalize("NFD", syllables) + "$"
        out.update(f"j:{letters[i:i + n]}" for n in (4, 6) for i in range(len(letters) - n + 1))
    return out


def mean_vector(texts: Sequence[str]) -> Floats:
    """The mean of the texts' vectors, shape (SIZE,). Hashed with a checksum: the same on every machine and day."""
    total: Counter[str] = Counter()
    for text in texts:
        total.update(pieces(text))
    out = np.zeros(SIZE)
    if total:
        places = np.array([zlib.crc32(piece.encode()) % SIZE for piece in total])
        np.add.at(out, places, np.log1p(np.array(list(total.values())) / len(texts)))
    return out

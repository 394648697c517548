"""Which change could have caused what the telemetry says? By words, place and time; "none" is an answer too.

Language-neutral: a change is its words (message, paths, diff), the trouble is the words that only came with it. A rare
word in common counts most (inverse document frequency over the changes, Spärck Jones 1972).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_UNEXECUTED = re.compile(
    r"(^|/)(docs?|\.github|testdata|tests?)(/|$)|_test\.|\.test\.|\.md$|CODEOWNERS|\.css$|_spec\.", re.I
)
LEAST_LENGTH = 3
LEAST_RELEVANCE = 2.0  # below it no change explains the trouble
_HOST = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|cloud|dev|app)\b", re.I)
OUTSIDE = 0.5  # share of the failing lines that name a host outside, from which the trouble is taken to be theirs
INERT = 0.1  # tests, documents and styles seldom run in production
ELSEWHERE = 0.4  # a change of another service
UNDEPLOYED = 0.5
PLACE = 1.0


@dataclass(frozen=True)
class Candidate:
    """A change: `text` its message and diff, `paths` what it touched, `services` where it went. `live_ms`: when it
    began to run (deployed or switched on), None where nobody says."""

    id: str
    text: str
    paths: tuple[str, ...]
    services: tuple[str, ...]
    at_ms: int
    live_ms: int | None = None


@dataclass(frozen=True)
class Relevance:
    """How well a change explains the trouble, and the words in common."""

    id: str
    score: float
    words: tuple[str, ...]


def words_of(text: str) -> frozenset[str]:
    """Lower-case words of three letters or more; snake, camel and kebab case are split."""
    return frozenset(w.lower() for w in _WORD.findall(text) if len(w) >= LEAST_LENGTH)


def outside_hosts(failing: Sequence[str]) -> tuple[str, ...]:
    """Public host names that at least OUTSIDE of the failing lines name; () where it is not about an outside party."""
    count: dict[str, int] = {}
    for line in failing:
        for host in {h.lower() for h in _HOST.findall(line)}:
            count[host] = count.get(host, 0) + 1
    named = sum(1 for line in failing if _HOST.search(line))
    return tuple(sorted(count)) if failing and named >= OUTSIDE * len(failing) else ()


def relevance(
    changes: Sequence[Candidate], trouble: Collection[str], suspects: Iterable[str], *, onset_ms: int
) -> list[Relevance]:
    """Changes that could have caused it, best first; those that came after the onset are left out."""
    names = [words_of(n) - {"service", "svc"} for n in suspects]
    said = {c.id: words_of(" ".join((c.text, *c.paths))) for c in changes}
    count: dict[str, int] = {}
    for words in said.values():
        for word in words:
            count[word] = count.get(word, 0) + 1
    out = []
    for c in changes:
        began = c.at_ms if c.live_ms is None else c.live_ms
        if min(began, c.at_ms) > onset_ms or began > onset_ms:
            continue
        common = said[c.id] & frozenset(trouble)
        weight = sum(math.log(1 + len(changes) / count[w]) for w in common) / math.sqrt(1 + len(said[c.id]) / 20)
        here = any(n and n <= said[c.id] for n in names) or any(s in suspects for s in c.services)
        score = (weight + PLACE) * (1.0 if here else ELSEWHERE) * (1.0 if c.live_ms is not None else UNDEPLOYED)
        if c.paths and all(_UNEXECUTED.search(p) for p in c.paths):
            score *= INERT
        out.append(Relevance(c.id, score, tuple(sorted(common))))
    return sorted(out, key=lambda r: (-r.score, r.id))

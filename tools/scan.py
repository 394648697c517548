"""Which of many lines a pattern is found in: one pass over all of them joined, then a look at each candidate."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Protocol

MAX_LINE = 8_000


class Pattern(Protocol):
    """A compiled pattern of RE2, over text and bytes."""

    def finditer(self, text: bytes) -> Iterator[Any]:
        """Matches, left to right."""
        ...

    def search(self, text: str) -> Any:
        """The first match, or None."""
        ...


def hits(pattern: Pattern, lines: Sequence[str]) -> list[int]:
    """Positions of the lines (cut at 8,000 characters) in which the pattern is found, ascending."""
    encoded = [line[:MAX_LINE].encode("utf-8", "replace") for line in lines]
    starts = [0, *accumulate(len(e) + 1 for e in encoded)]
    candidates: set[int] = set()
    for match in pattern.finditer(b"\n".join(encoded)):
        first, last = (bisect_right(starts, at) - 1 for at in (match.start(), max(match.end() - 1, match.start())))
        candidates.update(range(first, last + 1))  # a match may reach over a line's end, where none is
    return [i for i in sorted(candidates) if i < len(lines) and pattern.search(lines[i][:MAX_LINE])]

"""Which row belongs to which series: rows are found, added, handed over when labels are renamed, and reused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from tools.analysis.bank import Bank
from tools.analysis.sensitivity import sensitivity
from tools.analysis.stillness import Stillness
from tools.anomalies.sample import Watched

MAX_ROWS = 50_000
ALIKE = 0.5  # relative difference of levels that a renamed series may have
HANDOVER = 3  # intervals after its disappearance in which a series may come back under another name
FORGET_MS = 2 * 86_400_000


class Roster:
    """Rows of a bank and its stillness, by series."""

    def __init__(self, bank: Bank, stillness: Stillness) -> None:
        self._bank, self._stillness = bank, stillness
        self.rows: dict[Watched, int] = {}
        self.seen_ms: dict[Watched, int] = {}
        self._free: list[int] = []

    def find(self, values: Mapping[Watched, float], at_ms: int) -> dict[Watched, int]:
        """The row of each series of this sample; series beyond `MAX_ROWS` are left out."""
        new = [key for key in values if key not in self.rows]
        if new:
            self._take_over(new, values, at_ms)
            self._add([key for key in new if key not in self.rows])
        for key in values:
            self.seen_ms[key] = at_ms
        return {key: self.rows[key] for key in values if key in self.rows}

    def _take_over(self, new: Iterable[Watched], values: Mapping[Watched, float], at_ms: int) -> None:
        """A series that vanished just now, and one like it that appears, are one series with a new name."""
        recent = at_ms - HANDOVER * self._bank.interval_ms
        gone = [key for key in self.rows if key not in values and self.seen_ms.get(key, 0) >= recent]
        if not gone:
            return
        by_shape: dict[tuple[str, ...], list[Watched]] = {}
        for key in gone:
            for shape in _shapes(key):
                by_shape.setdefault(shape, []).append(key)
        level = self._bank.state["level"]
        for key in new:
            candidates = [old for shape in _shapes(key) for old in by_shape.get(shape, ()) if old in self.rows]
            fits = [old for old in candidates if _alike(float(level[self.rows[old]]), values[key])]
            if fits:
                best = min(fits, key=lambda old: abs(float(level[self.rows[old]]) - values[key]))
                self.rows[key] = self.rows.pop(best)
                self.seen_ms.pop(best, None)

    def _add(self, new: list[Watched]) -> None:
        reused, fresh = new[: len(self._free)], new[len(self._free) :]
        for key in reused:
            row = self._free.pop()
            self._bank.replace(row, sensitivity(key.kind))
            self._stillness.clear(row)
            self.rows[key] = row
        fresh = fresh[: max(MAX_ROWS - len(self._bank), 0)]
        start = len(self._bank)
        self._bank.extend([sensitivity(key.kind) for key in fresh])
        self._stillness.extend(len(fresh))
        self.rows.update({key: start + i for i, key in enumerate(fresh)})

    def forget(self, at_ms: int) -> None:
        """Give up rows of series not seen for days."""
        for key in [k for k, seen in self.seen_ms.items() if at_ms - seen > FORGET_MS]:
            del self.seen_ms[key]
            if key in self.rows:
                self._free.append(self.rows.pop(key))

    def restore(self, keys: Iterable[tuple[Watched, int, int]]) -> None:
        """(series, row, seen_ms) as saved."""
        for key, row, seen in keys:
            self.rows[key], self.seen_ms[key] = row, seen
        taken = set(self.rows.values())
        self._free = [row for row in range(len(self._bank)) if row not in taken]


def _shapes(key: Watched) -> list[tuple[str, ...]]:
    """The series with one of its names left out; kind and what it measures must stay."""
    return [("service", key.kind, key.container, key.name, key.cluster),
            ("container", key.kind, key.service, key.name, key.cluster),
            ("cluster", key.kind, key.service, key.container, key.name)]


def _alike(level: float, value: float) -> bool:
    return bool(np.isfinite(value)) and abs(level - value) <= ALIKE * max(abs(level), abs(value), 1e-9)

"""The steps of one evaluation and the sample budget it draws on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from config.errors import QueryBudget
from tools.recorded.promql.arrays import Ints
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.syntax import At, Subquery


class Budget:
    """Counts samples read and produced by one query, and stops it past the limit, before memory is taken."""

    def __init__(self, max_samples: int) -> None:
        self.max_samples = max_samples
        self.spent = 0

    def spend(self, samples: int) -> None:
        self.spent += samples
        if self.spent > self.max_samples:
            raise QueryBudget(f"the query needs more than {self.max_samples} samples in memory")


@dataclass(frozen=True)
class Moments:
    """times: (steps,) the evaluation times in ms; start, end: what `@ start()` and `@ end()` mean."""

    times: Ints
    start: int
    end: int

    @property
    def count(self) -> int:
        return len(self.times)

    def read_times(self, offset_ms: int, at: At) -> Ints:
        """When a selector looks, for each step: (steps,)."""
        if at is None:
            return self.times - offset_ms
        fixed = {"start": self.start, "end": self.end}.get(at, 0) if isinstance(at, str) else at
        return np.full(self.count, fixed - offset_ms, np.int64)

    def inside(self, subquery: Subquery, semantics: Semantics, budget: Budget) -> Moments:
        """The steps of a subquery: multiples of its step, wherever the outer steps lie."""
        ends = self.read_times(subquery.offset_ms, subquery.at)
        step = subquery.step_ms or semantics.default_subquery_step_ms
        opening = int(ends.min()) - subquery.range_ms
        first = -(-opening // step) * step
        if semantics.left_open and first == opening:
            first += step
        last = int(ends.max())
        budget.spend(max(0, (last - first) // step + 1))
        return replace(self, times=np.arange(first, last + 1, step, dtype=np.int64))

"""The engine's instant vector: many series at every step of a query, at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from config.errors import QueryError
from tools.recorded.promql.arrays import Floats, Ints, Mask
from tools.recorded.promql.labelsets import NAME, LabelSets, group

SAME_LABELSET = "vector cannot contain metrics with the same labelset"


@dataclass(frozen=True)
class Frame:
    """values, present: (steps, series). Where `present` is false the value means nothing; a NaN may be present."""

    labels: LabelSets
    values: Floats
    present: Mask

    @classmethod
    def empty(cls, steps: int) -> Frame:
        return cls(LabelSets.bare(0), np.empty((steps, 0)), np.empty((steps, 0), bool))

    @property
    def inhabited(self) -> Mask:
        """(steps,): whether any series is present."""
        return np.asarray(self.present.any(axis=1))

    def take(self, index: Ints) -> Frame:
        return Frame(self.labels.take(index), self.values[:, index], self.present[:, index])

    def pruned(self) -> Frame:
        """Without series that are never present."""
        seen = self.present.any(axis=0)
        return self if seen.all() else self.take(np.flatnonzero(seen))

    def with_values(self, values: Floats) -> Frame:
        return replace(self, values=values)

    def nameless(self) -> Frame:
        """Without metric names; two series that become the same must not meet at a step."""
        if NAME not in self.labels.columns:
            return self
        bare = replace(self, labels=self.labels.without([NAME]))
        return bare if self.labels.constant(NAME) else bare.merged()

    def merged(self) -> Frame:
        """Series of equal label sets made one. Raises QueryError where two of them are present at the same step."""
        groups = group(self.labels)
        if groups.count == self.labels.size:
            return self
        if clash(self.present, groups.ids, groups.count).any():
            raise QueryError(SAME_LABELSET)
        values, present = self.values[:, groups.first].copy(), self.present[:, groups.first].copy()
        extra = np.setdiff1d(np.arange(self.labels.size), groups.first)
        for row in extra.tolist():
            at, mask = groups.ids[row], self.present[:, row]
            values[mask, at] = self.values[mask, row]
            present[:, at] |= mask
        return Frame(self.labels.take(groups.first), values, present)

    def distinct(self) -> Frame:
        """Itself. Raises QueryError if two series that appear at all, even at different steps, have equal labels."""
        pruned = self.pruned()
        if group(pruned.labels).count < pruned.labels.size:
            raise QueryError(SAME_LABELSET)
        return pruned


def clash(present: Mask, ids: Ints, count: int) -> Mask:
    """(steps, groups) or narrower: true where more than one series of a crowded group is present at a step."""
    crowded = np.bincount(ids, minlength=count)[ids] > 1
    if not crowded.any():
        return np.zeros((len(present), 1), bool)
    rows = np.flatnonzero(crowded)
    rows = rows[np.argsort(ids[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(ids[rows], prepend=-1))
    meetings = np.add.reduceat(present[:, rows].astype(np.int64), starts, axis=1)
    return np.asarray(meetings > 1)

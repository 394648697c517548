"""The label sets of many series, stored by column."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tools.recorded.promql.arrays import Ints
from tools.recorded.promql.vocabulary import Vocabulary

NAME = "__name__"


@dataclass(frozen=True)
class LabelSets:
    """`size` label sets: one code array (size,) for each label name; code 0 means the label is absent."""

    size: int
    columns: Mapping[str, Ints]

    @classmethod
    def bare(cls, size: int = 1) -> LabelSets:
        return cls(size, {})

    @classmethod
    def of(cls, rows: Collection[Mapping[str, str]], vocabulary: Vocabulary) -> LabelSets:
        """Columns from label dictionaries; empty values are absent labels."""
        names = {name: None for row in rows for name in row}
        code = vocabulary.code
        columns = {n: np.fromiter((code(r.get(n, "")) for r in rows), np.int64, len(rows)) for n in names}
        return cls(len(rows), columns)

    def take(self, index: Ints) -> LabelSets:
        """The label sets at these positions, in this order."""
        taken = ((name, column[index]) for name, column in self.columns.items())
        return LabelSets(len(index), {name: column for name, column in taken if column.any()})

    def without(self, names: Iterable[str]) -> LabelSets:
        gone = set(names)
        return LabelSets(self.size, {n: c for n, c in self.columns.items() if n not in gone})

    def only(self, names: Iterable[str]) -> LabelSets:
        kept = set(names)
        return LabelSets(self.size, {n: c for n, c in self.columns.items() if n in kept})

    def with_column(self, name: str, codes: Ints) -> LabelSets:
        return LabelSets(self.size, {**self.columns, name: codes})

    def column(self, name: str) -> Ints:
        """The codes of one label, zeros where it is absent."""
        found = self.columns.get(name)
        return found if found is not None else np.zeros(self.size, np.int64)

    def constant(self, name: str) -> bool:
        """Whether every set has the same value for this label."""
        column = self.columns.get(name)
        return column is None or self.size < 2 or bool((column == column[0]).all())

    def texts(self, vocabulary: Vocabulary) -> list[dict[str, str]]:
        """The label sets as dictionaries, names in alphabetical order, absent labels left out."""
        names = sorted(self.columns)
        known: dict[int, str] = {}
        spelled = []
        for name in names:
            codes = self.columns[name].tolist()
            for code in set(codes):
                if code not in known:
                    known[code] = vocabulary.text(code)
            spelled.append([known[code] for code in codes])
        if not names:
            return [{} for _ in range(self.size)]
        return [{n: v for n, v in zip(names, row, strict=True) if v} for row in zip(*spelled, strict=True)]


@dataclass(frozen=True)
class Groups:
    """A partition of rows: `ids` (rows,) numbers each row's group from 0; `first` (count,) is a row of each group."""

    ids: Ints
    first: Ints

    @property
    def count(self) -> int:
        return len(self.first)

    def by_size(self) -> Iterator[tuple[Ints, Ints]]:
        """Groups of equal size together: their numbers (groups,) and their rows (groups, size)."""
        sizes = np.bincount(self.ids, minlength=self.count)
        order = np.argsort(self.ids, kind="stable")
        starts = np.cumsum(sizes) - sizes
        for size in np.unique(sizes).tolist():
            numbers = np.flatnonzero(sizes == size)
            yield numbers, order[starts[numbers][:, None] + np.arange(size)]


def group(labels: LabelSets) -> Groups:
    """Rows with equal label sets share a group; groups are numbered by their first row."""
    key = _key(labels)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    by_first = np.argsort(first, kind="stable")
    rank[by_first] = np.arange(len(first))
    return Groups(rank[inverse.reshape(-1)], first[by_first])


def group_both(left: LabelSets, right: LabelSets) -> tuple[Ints, Ints, int]:
    """Number the label sets of two tables alike: equal numbers are equal sets. Also how many numbers there are."""
    names = dict.fromkeys([*left.columns, *right.columns])
    joined = {n: np.concatenate([left.column(n), right.column(n)]) for n in names}
    groups = group(LabelSets(left.size + right.size, joined))
    return groups.ids[: left.size], groups.ids[left.size :], groups.count


def _key(labels: LabelSets) -> Ints:
    """One integer for each row, equal exactly where all columns are equal."""
    key = np.zeros(labels.size, np.int64)
    span = 1
    for column in labels.columns.values():
        width = int(column.max(initial=0)) + 1
        if span * width >= 2**62:
            key = np.unique(key, return_inverse=True)[1].reshape(-1).astype(np.int64)
            span = labels.size
        key = key * width + column
        span *= width
    return key

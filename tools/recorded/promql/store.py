"""Series in memory: labels by column, samples by block, selection by matchers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from config.errors import BadSnapshot
from tools.recorded.promql.arrays import Floats, Ints, Mask, is_stale
from tools.recorded.promql.labelsets import LabelSets, group
from tools.recorded.promql.layout import Layout, arrange
from tools.recorded.promql.regexes import compile_full
from tools.recorded.promql.syntax import Matcher
from tools.recorded.promql.vocabulary import Vocabulary

_REMEMBERED_SELECTIONS = 256


class SeriesStore:
    """An immutable set of series, ordered by their labels.

    Built from (labels, milliseconds, values) triples: int64 times strictly increasing, float64 values of the same
    length, stale markers as the NaN of `arrays.STALE_BITS`. Series that share one `milliseconds` array object are
    stored together. Raises BadSnapshot on unordered times, unequal lengths or the same label set twice.
    """

    def __init__(self, series: Iterable[tuple[Mapping[str, str], ArrayLike, ArrayLike]]) -> None:
        kept = [({k: v for k, v in labels.items() if v}, ms, values) for labels, ms, values in series]
        kept.sort(key=lambda one: sorted(one[0].items()))
        self.vocabulary = Vocabulary()
        self.labels = LabelSets.of([labels for labels, _, _ in kept], self.vocabulary)
        converted: dict[int, Ints] = {}
        self._times = [_converted(ms, converted) for _, ms, _ in kept]
        self._values = [np.ascontiguousarray(values, np.float64) for _, _, values in kept]
        self._check([labels for labels, _, _ in kept])
        self.layout: Layout = arrange(self._times, self._values)
        self._selections: dict[tuple[tuple[Matcher, ...], bool], tuple[Ints, LabelSets]] = {}

    def __len__(self) -> int:
        return self.labels.size

    @property
    def samples(self) -> int:
        return sum(len(times) for times in self._times)

    @cached_property
    def markerless(self) -> Layout:
        """The layout that ranges read: stale markers are not samples there."""
        if not self.layout.pool.stale and not any(block.stale for block in self.layout.blocks):
            return self.layout
        masks = [is_stale(values) for values in self._values]
        shared: dict[tuple[int, bytes], Ints] = {}
        times, values = list(self._times), list(self._values)
        for row, mask in enumerate(masks):
            if mask.any():
                key = (id(times[row]), mask.tobytes())
                times[row] = shared.setdefault(key, self._times[row][~mask])
                values[row] = values[row][~mask]
        return arrange(times, values)

    def select(self, matchers: tuple[Matcher, ...], dot_matches_newline: bool = False) -> tuple[Ints, LabelSets]:
        """The rows that satisfy all matchers, and their labels. An absent label has the empty value."""
        key = (matchers, dot_matches_newline)
        known = self._selections.get(key)
        if known is not None:
            return known
        mask = np.ones(len(self), bool)
        for matcher in matchers:
            mask &= self._satisfies(matcher, dot_matches_newline)
        rows = np.flatnonzero(mask)
        selected = rows, self.labels.take(rows)
        if len(self._selections) >= _REMEMBERED_SELECTIONS:
            self._selections.clear()
        self._selections[key] = selected
        return selected

    def label_values(self, name: str, rows: Ints | None = None) -> list[str]:
        codes = self.labels.column(name) if rows is None else self.labels.column(name)[rows]
        return sorted(self.vocabulary.text(code) for code in set(codes.tolist()) if code)

    def raw(self, row: int) -> tuple[dict[str, str], Ints, Floats]:
        """One series as it was given: labels, times, values with stale markers."""
        return self.labels.take(np.array([row])).texts(self.vocabulary)[0], self._times[row], self._values[row]

    def _satisfies(self, matcher: Matcher, dot_matches_newline: bool) -> Mask:
        column = self.labels.column(matcher.name)
        if matcher.kind in ("=", "!="):
            code = self.vocabulary.find(matcher.value)
            equal = np.zeros(len(self), bool) if code is None else column == code
            return np.asarray(equal if matcher.kind == "=" else ~equal)
        pattern = compile_full(matcher.value, dot_matches_newline)
        present = np.unique(column)
        hits = [code for code in present.tolist() if pattern.fullmatch(self.vocabulary.text(code)) is not None]
        matched = np.isin(column, np.array(hits, np.int64))
        return np.asarray(matched if matcher.kind == "=~" else ~matched)

    def _check(self, labels: list[dict[str, str]]) -> None:
        checked: set[int] = set()
        for row, (times, values) in enumerate(zip(self._times, self._values, strict=True)):
            if len(times) != len(values):
                raise BadSnapshot(f"{labels[row]}: {len(times)} times but {len(values)} values")
            if id(times) not in checked and len(times) > 1 and not (times[1:] > times[:-1]).all():
                raise BadSnapshot(f"{labels[row]}: times are not strictly increasing")
            checked.add(id(times))
        groups = group(self.labels)
        if groups.count < len(labels):
            twice = int(np.flatnonzero(np.bincount(groups.ids) > 1)[0])
            raise BadSnapshot(f"the series {labels[int(groups.first[twice])]} appears twice")


def _converted(ms: ArrayLike, known: dict[int, Ints]) -> Ints:
    """The times as an int64 array; one object for one object, so that sharing survives."""
    if isinstance(ms, np.ndarray) and ms.dtype == np.int64 and ms.flags.c_contiguous:
        return ms
    if id(ms) not in known:
        known[id(ms)] = np.ascontiguousarray(ms, np.int64)
    return known[id(ms)]

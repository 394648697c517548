"""PromQL over series in memory: what a Prometheus server of a given version would have answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from config.errors import QueryBudget, QueryError
from tools.recorded.promql.annotations import Annotations
from tools.recorded.promql.arrays import Floats, Ints
from tools.recorded.promql.evaluation import Evaluation, is_vector
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.grammar import parse
from tools.recorded.promql.moments import Budget, Moments
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.store import SeriesStore
from tools.recorded.promql.syntax import Node, RangeSelector, Subquery, Text, bare
from tools.recorded.promql.windows import Shared, Windows

PROMETHEUS_2_42 = Semantics()
MAX_STEPS = 1_000_000

Kind = Literal["scalar", "vector", "matrix", "string"]
Series = tuple[dict[str, str], Ints, Floats]


@dataclass(frozen=True)
class Answer:
    """What a query gave. series: (labels, times in ms, values); a scalar is one series without labels; a string is
    in `text`, with its time in the only series' times. An instant vector keeps the engine's order (sort, topk);
    a matrix is ordered by labels. warnings and infos are what the server of that version would have annotated."""

    kind: Kind
    series: Sequence[Series]
    text: str = ""
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()


@dataclass(frozen=True)
class Engine:
    """Answers PromQL from a store. Raises QueryError (malformed, or refused as a server would), UnsupportedQuery (a
    construct we do not have) and QueryBudget (more than `max_samples` in memory)."""

    store: SeriesStore
    semantics: Semantics = PROMETHEUS_2_42
    max_samples: int = 50_000_000

    def instant(self, query: str, at_ms: int) -> Answer:
        """The query at one moment."""
        node = parse(query, self.semantics)
        evaluation = self._evaluation(np.array([at_ms], np.int64), at_ms, at_ms)
        match bare(node):
            case Text(value):
                return Answer("string", [({}, evaluation.moments.times, np.array([np.nan]))], value)
            case RangeSelector() | Subquery():
                return _answer("matrix", _samples(evaluation.windows(node), evaluation), evaluation)
        if not is_vector(node):
            return _answer("scalar", [({}, evaluation.moments.times, evaluation.scalar(node))], evaluation)
        return _answer("vector", _series(evaluation.vector(node), evaluation), evaluation)

    def range(self, query: str, start_ms: int, end_ms: int, step_ms: int) -> Answer:
        """The query at start, start + step, ... up to end inclusive."""
        if step_ms <= 0:
            raise QueryError("zero or negative query resolution step widths are not accepted")
        if end_ms < start_ms:
            raise QueryError("end timestamp must not be before start time")
        if (end_ms - start_ms) // step_ms >= MAX_STEPS:
            raise QueryBudget(f"the query has more than {MAX_STEPS} steps")
        node = parse(query, self.semantics)
        _refuse_as_range(node)
        evaluation = self._evaluation(np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64), start_ms, end_ms)
        frame = evaluation.vector(node) if is_vector(node) else evaluation.scalar_frame(node)
        return _answer("matrix", _ordered(_series(frame, evaluation)), evaluation)

    def _evaluation(self, times: Ints, start_ms: int, end_ms: int) -> Evaluation:
        moments = Moments(times, start_ms, end_ms)
        notes = Annotations(self.semantics.annotates)
        vocabulary = self.store.vocabulary.fork()
        return Evaluation(self.store, self.semantics, Budget(self.max_samples), vocabulary, moments, notes)


def _answer(kind: Kind, series: Sequence[Series], evaluation: Evaluation) -> Answer:
    notes = evaluation.annotations
    return Answer(kind, series, warnings=notes.warnings, infos=notes.infos)


def _refuse_as_range(node: Node) -> None:
    kind = {Text: "string", RangeSelector: "range vector", Subquery: "range vector"}.get(type(bare(node)))
    if kind is not None:
        raise QueryError(f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector')


def _series(frame: Frame, evaluation: Evaluation) -> list[Series]:
    """One entry for each series that is present at all, with the steps it is present at."""
    frame = frame.pruned()
    times = evaluation.moments.times
    values = np.ascontiguousarray(frame.values.T)
    labels = frame.labels.texts(evaluation.vocabulary)
    if frame.present.all():
        return [(one, times, row) for one, row in zip(labels, values, strict=True)]
    masks = np.ascontiguousarray(frame.present.T)
    whole = np.asarray(masks.all(axis=1)).tolist()
    rows = zip(labels, values, masks, whole, strict=True)
    return [(one, times, row) if full else (one, times[mask], row[mask]) for one, row, mask, full in rows]


def _samples(windows: Windows, evaluation: Evaluation) -> list[Series]:
    """The raw samples of a range expression at a single step."""
    labels = windows.labels.texts(evaluation.vocabulary)
    found: list[Series] = []
    for part in windows.parts:
        places = np.arange(len(labels))[part.out].tolist()
        for column, place in enumerate(places):
            if isinstance(part, Shared):
                lo, hi, values = int(part.lo[0]), int(part.hi[0]), part.values[:, column]
            else:
                lo, hi, values = int(part.lo[0, column]), int(part.hi[0, column]), part.values
            if hi > lo:
                found.append((labels[place], part.times[lo:hi], values[lo:hi].copy()))
    return _ordered(found)


def _ordered(series: list[Series]) -> list[Series]:
    return sorted(series, key=lambda one: tuple(one[0].items()))

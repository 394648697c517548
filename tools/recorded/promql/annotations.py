"""What a server says beside an answer: warnings (the answer is doubtful) and infos (the query may not be meant so)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tools.recorded.promql.arrays import Floats, Ints, Mask
from tools.recorded.promql.frame import Frame
from tools.recorded.promql.labelsets import NAME, LabelSets
from tools.recorded.promql.vocabulary import Vocabulary

COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")


@dataclass(frozen=True)
class Annotations:
    """Collects, each text once and in order of appearance. Servers that do not annotate yet collect nothing.

    The texts carry the server's prefixes, which tools look for; positions in the query are left out.
    """

    enabled: bool
    found: dict[str, None] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(text for text in self.found if text.startswith("PromQL warning"))

    @property
    def infos(self) -> tuple[str, ...]:
        return tuple(text for text in self.found if text.startswith("PromQL info"))

    def judge_quantile(self, level: Floats, asked: Mask) -> None:
        """level, asked: (steps,). Warns of levels outside 0..1, NaN among them, at steps where one is asked for."""
        for value in np.unique(level[asked & ~((level >= 0) & (level <= 1))]).tolist():
            self._warn(f"a quantile should be between 0 and 1, got {value:g}")

    def judge_bounds(self, frame: Frame, usable: Ints, bound: str, vocabulary: Vocabulary) -> None:
        """Warns of present series whose bucket boundary is missing or no number; usable: rows that have one."""
        shown = np.flatnonzero(frame.present.any(axis=0))
        rows = np.setdiff1d(shown, usable)
        names, texts = frame.labels.column(NAME)[rows], frame.labels.column(bound)[rows]
        for name, text in dict.fromkeys(zip(names.tolist(), texts.tolist(), strict=True)):
            value, metric = vocabulary.text(text), vocabulary.text(name)
            self._warn(f'the bucket label "{bound}" is missing or malformed: "{value}" in metric "{metric}"')

    def judge_monotonicity(self, labels: LabelSets, forced: Ints, vocabulary: Vocabulary) -> None:
        """Tells of histograms (forced: their rows in `labels`) whose cumulative counts fell and had to be lifted."""
        for name in np.unique(labels.column(NAME)[forced]).tolist():
            metric = vocabulary.text(name)
            self._inform(f'bucket counts fell where they accumulate and were lifted, in metric "{metric}"')

    def judge_counters(self, frame: Frame, vocabulary: Vocabulary) -> None:
        """Tells of metrics with a result of rate() or increase() whose name is not that of a counter."""
        shown = frame.present.any(axis=0)
        for name in np.unique(frame.labels.column(NAME)[shown]).tolist():
            metric = vocabulary.text(name)
            if metric and not metric.endswith(COUNTER_SUFFIXES):
                suffixes = "/".join(COUNTER_SUFFIXES)
                self._inform(f'metric might not be a counter, its name does not end in {suffixes}: "{metric}"')

    def _warn(self, text: str) -> None:
        if self.enabled:
            self.found[f"PromQL warning: {text}"] = None

    def _inform(self, text: str) -> None:
        if self.enabled:
            self.found[f"PromQL info: {text}"] = None

"""Recorded lines in memory: for each stream an array of times beside a list of lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tools.sources.logs import LabelMatcher, label_pattern

Metadata = Mapping[str, str]


@dataclass(frozen=True)
class LogStream:
    """One stream: `ns` int64 ascending (equal times allowed) and `lines`, both of length n.

    `metadata` is structured metadata, one mapping a line, or None where no line has any.
    """

    labels: Mapping[str, str]
    ns: npt.NDArray[np.int64]
    lines: Sequence[str]
    metadata: Sequence[Metadata] | None = None

    def span(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        """Positions [low, high) of the lines with start_ns <= ns < end_ns."""
        low, high = np.searchsorted(self.ns, (start_ns, end_ns), side="left")
        return int(low), int(high)

    def metadata_at(self, position: int) -> Metadata:
        """The structured metadata of one line."""
        return self.metadata[position] if self.metadata is not None else {}


def stream_of(labels: Mapping[str, str], entries: Iterable[tuple[int, str] | tuple[int, str, Metadata]]) -> LogStream:
    """A stream from (ns, line[, metadata]) in any order; lines of the same moment keep the order given."""
    ordered = sorted(entries, key=lambda entry: entry[0])
    metadata = [entry[2] if len(entry) == 3 else {} for entry in ordered]
    return LogStream(
        labels=dict(labels),
        ns=np.array([entry[0] for entry in ordered], dtype=np.int64),
        lines=[entry[1] for entry in ordered],
        metadata=metadata if any(metadata) else None,
    )


def sorted_streams(streams: Iterable[LogStream]) -> tuple[LogStream, ...]:
    """Streams in the order of their labels, so that every answer is the same every time."""
    return tuple(sorted(streams, key=lambda stream: sorted(stream.labels.items())))


def matches(labels: Mapping[str, str], matchers: Iterable[LabelMatcher]) -> bool:
    """Whether a stream satisfies all matchers; an absent label counts as "" (as Loki treats it)."""
    return all(matches_value(matcher, labels.get(matcher.name, "")) for matcher in matchers)


def matches_value(matcher: LabelMatcher, value: str) -> bool:
    """One matcher against one value."""
    if matcher.op in ("=", "!="):
        return (value == matcher.value) == (matcher.op == "=")
    return (label_pattern(matcher.value).match(value) is not None) == (matcher.op == "=~")

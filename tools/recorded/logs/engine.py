"""Evaluates a LogQuery on recorded streams as Loki would: lines in [start, end), counts in (t - window, t].

Work is done stream by stream on positions: the window by binary search, the line filters on whole slices, and only
what is left is parsed. A search reads from its near end and stops at the limit.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from tools.recorded.logs.conditions import condition_test, keep_lines, may_hold, needed_texts
from tools.recorded.logs.field_names import without_clashes
from tools.recorded.logs.json_fields import NotJson, json_fields
from tools.recorded.logs.levels import DETECTED_LEVEL, detected_level, with_service_name
from tools.recorded.logs.logfmt_fields import logfmt_fields
from tools.recorded.logs.store import LogStream, matches, sorted_streams
from tools.sources.logs import (
    CountResult,
    CountSeries,
    LabelMatcher,
    LogEntry,
    LogQuery,
    LogResult,
    check_count,
    check_matchers,
)

NS_PER_MS = 1_000_000
_SLICE = 4096

Labels = Mapping[str, str]
_PARSERS: Mapping[str, Callable[[str], Iterator[tuple[str, str]]]] = {"json": json_fields, "logfmt": logfmt_fields}


class LogEngine:
    """Recorded streams and the questions they answer. With `discover`, the labels Loki 3 adds by itself are added."""

    def __init__(self, streams: Iterable[LogStream], *, discover: bool = False) -> None:
        self._discover = discover
        if discover:
            streams = (_with_service_name(stream) for stream in streams)
        self.streams = sorted_streams(streams)

    def search(self, query: LogQuery) -> LogResult:
        """Lines of all streams merged by time; lines of the same moment in the order of their streams' labels."""
        forward = query.direction == "forward"
        merged = heapq.merge(
            *(self._in_order(rank, stream, query) for rank, stream in enumerate(self._selected(query.matchers))),
            key=lambda row: row[0],
            reverse=not forward,
        )
        found = list(islice(merged, query.limit + 1))
        entries = tuple(LogEntry(ns=place[0], line=line, labels=labels) for place, line, labels in found)
        return LogResult(entries=entries[: query.limit], truncated=len(found) > query.limit)

    def count(
        self,
        query: LogQuery,
        by: tuple[str, ...],
        step_ms: int,
        window_ms: int | None = None,
        before_ns: int = 2**63 - 1,
    ) -> CountResult:
        """Lines in (t - window, t] by label, t at each multiple of the step around the query's window.

        Lines at or after `before_ns` do not count: rounding the end up must not reach into the future.
        """
        check_count(query, by, step_ms, window_ms)
        moments = count_moments(query, step_ms)
        window = (window_ms or step_ms) * NS_PER_MS
        low, high = int(moments[0]) - window + 1, min(int(moments[-1]) + 1, before_ns)
        groups: dict[tuple[str, ...], list[npt.NDArray[np.int64]]] = defaultdict(list)
        for stream in self._selected(query.matchers):
            for group, times in self._grouped(stream, query, by, low, high):
                groups[group].append(times)
        series = [
            _count_series(dict(zip(by, group, strict=True)), times, moments, window) for group, times in groups.items()
        ]
        series.sort(key=lambda each: sorted(each.labels.items()))
        return CountResult(series=tuple(each for each in series if each.ms))

    def series(self, matchers: tuple[LabelMatcher, ...], start_ns: int, end_ns: int) -> tuple[Labels, ...]:
        """Labels of the selected streams that have a line in [start, end); no matchers select all."""
        if matchers:
            check_matchers(matchers)
        spans = ((stream.labels, *stream.span(start_ns, end_ns)) for stream in self._selected(matchers))
        return tuple(labels for labels, low, high in spans if low < high)

    def sizes(
        self, matchers: tuple[LabelMatcher, ...], start_ns: int, end_ns: int
    ) -> tuple[tuple[Labels, int, int], ...]:
        """(labels, lines, bytes of text) of the selected streams that have a line in [start, end)."""
        spans = ((stream, *stream.span(start_ns, end_ns)) for stream in self._selected(matchers))
        return tuple(
            (stream.labels, high - low, sum(len(line.encode()) for line in stream.lines[low:high]))
            for stream, low, high in spans
            if low < high
        )

    def _selected(self, matchers: tuple[LabelMatcher, ...]) -> list[LogStream]:
        return [stream for stream in self.streams if matches(stream.labels, matchers)]

    def _in_order(
        self, rank: int, stream: LogStream, query: LogQuery
    ) -> Iterator[tuple[tuple[int, int, int], str, Labels]]:
        low, high = stream.span(query.start_ns, query.end_ns)
        forward = query.direction == "forward"
        starts: Sequence[int] = range(low, high, _SLICE)
        for start in starts if forward else reversed(starts):
            passing = self._passing(stream, query, start, min(start + _SLICE, high))
            for at, labels in passing if forward else reversed(list(passing)):
                yield (int(stream.ns[at]), rank, at), stream.lines[at], labels

    def _grouped(
        self, stream: LogStream, query: LogQuery, by: tuple[str, ...], low_ns: int, high_ns: int
    ) -> Iterator[tuple[tuple[str, ...], npt.NDArray[np.int64]]]:
        """(values of the `by` labels, times of the lines) within one stream."""
        low, high = stream.span(low_ns, high_ns)
        if not (query.parser or query.conditions) and all(name in stream.labels for name in by):
            kept = keep_lines(stream.lines, low, high, query.filters)
            yield tuple(stream.labels[name] for name in by), stream.ns[np.array(kept, dtype=np.int64)]
            return
        groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for at, labels in self._passing(stream, query, low, high):
            groups[tuple(labels.get(name, "") for name in by)].append(at)
        for group, positions in groups.items():
            yield group, stream.ns[positions]

    def _passing(self, stream: LogStream, query: LogQuery, low: int, high: int) -> Iterator[tuple[int, Labels]]:
        """(position, labels and fields) of the lines in [low, high) that pass filters, parser and conditions."""
        read = _PARSERS[query.parser] if query.parser else None
        tests = [condition_test(condition) for condition in query.conditions]
        needed = needed_texts(query.conditions, self._from_elsewhere(stream)) if read else []
        for at in keep_lines(stream.lines, low, high, query.filters):
            line = stream.lines[at]
            if needed and not may_hold(line, needed):
                continue
            labels = self._labels_at(stream, at)
            if read is not None:
                try:
                    labels = {**labels, **without_clashes(read(line), labels)}
                except NotJson:
                    continue
            if all(test(labels) for test in tests):
                yield at, labels

    def _labels_at(self, stream: LogStream, at: int) -> Labels:
        metadata = stream.metadata_at(at)
        if self._discover and DETECTED_LEVEL not in metadata:
            level = detected_level(stream.lines[at], {**stream.labels, **metadata})
            metadata = {**metadata, DETECTED_LEVEL: level}
        return {**stream.labels, **without_clashes(metadata.items(), stream.labels)} if metadata else stream.labels

    def _from_elsewhere(self, stream: LogStream) -> Callable[[str], bool]:
        """Whether a field's value may come from labels or metadata, so that the line need not hold it."""
        return lambda name: name in stream.labels or stream.metadata is not None or name == DETECTED_LEVEL


def count_moments(query: LogQuery, step_ms: int) -> npt.NDArray[np.int64]:
    """Unix nanoseconds at which a count is taken: multiples of the step, start rounded down, end rounded up."""
    step = step_ms * NS_PER_MS
    return np.arange(query.start_ns // step, -(-query.end_ns // step) + 1, dtype=np.int64) * step


def _count_series(
    labels: Labels, times: list[npt.NDArray[np.int64]], moments: npt.NDArray[np.int64], window_ns: int
) -> CountSeries:
    ns = np.sort(np.concatenate(times))
    counts = np.searchsorted(ns, moments, side="right") - np.searchsorted(ns, moments - window_ns, side="right")
    seen = np.flatnonzero(counts)
    return CountSeries(
        labels={name: value for name, value in labels.items() if value},
        ms=tuple(int(ns) // NS_PER_MS for ns in moments[seen]),
        counts=tuple(int(count) for count in counts[seen]),
    )


def _with_service_name(stream: LogStream) -> LogStream:
    return LogStream(
        labels=with_service_name(stream.labels), ns=stream.ns, lines=stream.lines, metadata=stream.metadata
    )

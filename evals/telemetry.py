"""The two large parts of a capture: metrics one name at a time, logs one stream at a time, each a piece on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from config.redact import Redactor
from evals.capture_plan import Plan
from evals.log_pages import read_stream
from evals.pieces import Pieces
from tools.recorded.logs.logql_parser import parse_selector
from tools.recorded.logs.store import LogStream
from tools.recorded.logs_file import read_logs, write_logs
from tools.recorded.metrics import selector_matchers
from tools.recorded.metrics_file import read_metrics, write_metrics
from tools.recorded.promql.semantics import Semantics
from tools.sources.logql import compile_selector
from tools.sources.logs import LabelMatcher
from tools.sources.raw_samples import RawSamples, ServerFacts
from tools.world import World

Matchers = tuple[LabelMatcher, ...]


@dataclass(frozen=True)
class Kept:
    """What was written: `scope` for snapshot.yaml, the names or streams that a limit left out, bytes before packing.

    histograms: names of metrics whose native histograms were left out.
    """

    scope: tuple[str, ...]
    left_out: tuple[str, ...]
    bytes: int
    histograms: tuple[str, ...] = ()


async def capture_metrics(samples: RawSamples, plan: Plan, facts: ServerFacts, pieces: Pieces, redactor: Redactor,
                          folder: Path, on_progress: Callable[[str, int, int], None]) -> Kept:
    """metrics.jsonl.gz, redacted labels. The window is read whole for one metric name after another."""
    selectors = _selectors(plan, facts)
    names = await samples.names(plan.metrics, start_ms=plan.start_ms, end_ms=plan.end_ms)
    clean = _Cleaner(redactor)
    size, done = 0, []
    for index, name in enumerate(names):
        on_progress("metrics", index, len(names))
        if not pieces.has("metrics", name):
            series = {}
            for selector in selectors:
                for one in await samples.read(
                    (*selector, LabelMatcher("__name__", "=", name)), start_ms=plan.start_ms, end_ms=plan.end_ms,
                    external=facts.external_labels, interval_ms=round(facts.scrape_interval_s * 1000),
                ):
                    series[tuple(sorted(one.labels.items()))] = (clean.labels(one.labels), one.ms, one.values)
            pieces.put("metrics", name, lambda path, found=series: write_metrics(path, found.values()))  # type: ignore[misc]
            pieces.note("remote read", samples.refused)
            pieces.note(f"native histograms of {name}", name if name in samples.histograms else "")
        size += pieces.size("metrics", name)
        if size > plan.max_bytes:
            break
        done.append(name)
    on_progress("metrics", len(names), len(names))
    write_metrics(folder / "metrics.jsonl.gz",
                  [one for name in done for one in read_metrics(pieces.path("metrics", name))])
    left_out = tuple(name for name in names if name not in done)
    narrowed = [(*selector, LabelMatcher("__name__", "=", name)) for name in done for selector in selectors]
    scope = tuple(_text(selector) for selector in narrowed) if left_out else plan.metrics
    histograms = tuple(name for name in done if pieces.note(f"native histograms of {name}", ""))
    return Kept(scope or (_NOTHING if left_out else ()), left_out, size, histograms)


_NOTHING = ('{__name__="nothing_was_captured"}',)


def _selectors(plan: Plan, facts: ServerFacts) -> list[Matchers]:
    major, minor, *_ = facts.version.split(".")
    semantics = Semantics((int(major), int(minor)))
    parsed = [selector_matchers(text, semantics) for text in plan.metrics]
    return [tuple(LabelMatcher(m.name, m.kind, m.value) for m in matchers) for matchers in parsed] or [()]


def _text(matchers: Matchers) -> str:
    return compile_selector(matchers)


async def capture_logs(world: World, plan: Plan, pieces: Pieces, redactor: Redactor, folder: Path,
                       on_progress: Callable[[str, int, int], None]) -> Kept:
    """logs.jsonl.gz, redacted lines. The window is read whole for one stream after another."""
    logs = world.logs
    assert logs is not None
    start_ns, end_ns = plan.start_ms * 1_000_000, plan.end_ms * 1_000_000 + 1
    everything = (LabelMatcher(world.inventory.labels.logs.container, "=~", ".+"),)
    selectors = [parse_selector(text) for text in plan.logs] or [everything]
    found = {tuple(sorted(labels.items())): dict(labels) for selector in selectors
             for labels in await logs.series(selector, start_ns=start_ns, end_ns=end_ns)}
    streams = [found[key] for key in sorted(found)]
    others = {name for stream in streams for name in stream}
    clean = _Cleaner(redactor)
    size, done = 0, []
    for index, stream in enumerate(streams):
        on_progress("logs", index, len(streams))
        name = _stream_text(stream)
        if not pieces.has("logs", name):
            entries = await read_stream(logs, stream, others, start_ns=start_ns, end_ns=end_ns)
            whole = _stream(clean.labels(stream), [clean.entry(entry) for entry in entries])
            pieces.put("logs", name, lambda path, one=whole: write_logs(path, [one]))  # type: ignore[misc]
        size += pieces.size("logs", name)
        if size > plan.max_bytes:
            break
        done.append(stream)
    on_progress("logs", len(streams), len(streams))
    write_logs(folder / "logs.jsonl.gz",
               [one for stream in done for one in read_logs(pieces.path("logs", _stream_text(stream)))])
    left_out = tuple(_stream_text(stream) for stream in streams if stream not in done)
    scope = tuple(_stream_text(clean.labels(stream)) for stream in done) if left_out else plan.logs
    return Kept(scope or (('{nothing="was captured"}',) if left_out else ()), left_out, size)


def _stream_text(stream: Mapping[str, str]) -> str:
    return compile_selector(tuple(LabelMatcher(name, "=", value) for name, value in sorted(stream.items())))


def _stream(labels: dict[str, str], entries: list[list[Any]]) -> LogStream:
    metadata = [entry[2] if len(entry) > 2 else {} for entry in entries]
    return LogStream(labels, np.array([entry[0] for entry in entries], dtype=np.int64), [e[1] for e in entries],
                     metadata if any(metadata) else None)


class _Cleaner:
    """Redacts labels and lines; label values come again and again, so they are remembered."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known: dict[str, str] = {}

    def text(self, text: str) -> str:
        if text not in self._known:
            self._known[text] = self._redactor.redact(text)
        return self._known[text]

    def labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        return {name: self.text(value) for name, value in labels.items()}

    def entry(self, entry: list[Any]) -> list[Any]:
        rest = [self.labels(entry[2])] if len(entry) > 2 else []
        return [entry[0], self._redactor.redact(entry[1]), *rest]

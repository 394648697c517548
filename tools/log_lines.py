"""Reading the lines of two windows within bounds, without losing the rare one.

When a window holds more lines than may be read, the frequent shapes of what was read are excluded by the store itself
and the rest is asked again: after a few rounds only rare lines are left, so that one among a million still comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from tools.analysis.templates import mine
from tools.sources.logs import LabelMatcher, LineFilter, LogEntry, LogQuery, Logs
from tools.windows import NS
from tools.world import Scope, World

LIMIT = 20_000
ROUNDS = 5
PER_ROUND = 12
LEAST_LITERAL = 6
MARGIN_MS = 15_000  # the onset is an estimate: what led up to it belongs to the incident, not to the past


@dataclass(frozen=True)
class Lines:
    """Lines of a baseline and an incident window through the same filters. `excluded` are texts of frequent lines that
    were read only in part; `complete` when nothing was left out. The incident window begins MARGIN_MS before the onset,
    which is at `settled_ns`.
    """

    before: tuple[LogEntry, ...]
    after: tuple[LogEntry, ...]
    seconds_before: float
    seconds_after: float
    excluded: tuple[str, ...]
    complete: bool
    queries: tuple[str, ...]
    settled_ns: int = 0
    end_ms: int = 0


async def read_lines(
    world: World,
    scope: Scope,
    matchers: tuple[LabelMatcher, ...],
    filters: Sequence[LineFilter] = (),
    *,
    limit: int = LIMIT,
    rounds: int = ROUNDS,
) -> Lines:
    """Both windows, oldest line first; with `rounds` 1 the newest `limit` lines of each. Raises as the source does."""
    assert world.logs is not None
    start = scope.baseline[0] if world.earliest_ms is None else max(scope.baseline[0], world.earliest_ms)
    split = max(min(scope.baseline[1], scope.incident[0]) - MARGIN_MS, (start + scope.incident[0]) // 2)
    windows = (start, split), (split, scope.asked_at_ms)
    excluded: list[str] = []
    read: tuple[list[LogEntry], list[LogEntry]] = ([], [])
    complete = False
    for _ in range(rounds):
        without = (*filters, *(LineFilter("not_contains", text) for text in excluded))
        results = await asyncio.gather(*(_search(world.logs, matchers, without, w, limit) for w in windows))
        for kept, (entries, _) in zip(read, results, strict=True):
            if excluded:
                kept[:] = [e for e in kept if not any(text in e.line for text in excluded)]
            known = {(e.ns, e.line) for e in kept} if kept else set()
            kept += [e for e in entries if (e.ns, e.line) not in known]
        complete = not any(truncated for _, truncated in results)
        if complete:
            break
        fresh = [e.line for entries, truncated in results if truncated for e in entries]
        added = [t for t in frequent_texts(fresh) if t not in excluded]
        if not added:
            break
        excluded += added
    before, after = (tuple(sorted(kept, key=lambda e: e.ns)) for kept in read)
    selector = ", ".join(f"{m.name}{m.op}{m.value}" for m in matchers)
    shown = "".join(f" {f.op} {f.text!r}" for f in filters)
    return Lines(
        before,
        after,
        max((windows[0][1] - windows[0][0]) / 1000, 1.0),
        max((windows[1][1] - windows[1][0]) / 1000, 1.0),
        tuple(excluded),
        complete and not excluded,
        (f"lines {{{selector}}}{shown}, baseline and incident",),
        scope.incident[0] * NS,
        scope.asked_at_ms,
    )


async def _search(
    logs: Logs,
    matchers: tuple[LabelMatcher, ...],
    filters: tuple[LineFilter, ...],
    window: tuple[int, int],
    limit: int,
) -> tuple[tuple[LogEntry, ...], bool]:
    query = LogQuery(matchers, window[0] * NS, max(window[1], window[0] + 1) * NS, filters, limit=limit)
    result = await logs.search(query)
    return result.entries, result.truncated


def frequent_texts(lines: Sequence[str]) -> list[str]:
    """A literal piece of each frequent kind of line, which no rare line is likely to hold."""
    step = max(1, len(lines) // 2_000)
    sample = list(lines[::step])
    out = []
    for template in mine(sample, most=PER_ROUND):
        if template.count < max(5, len(sample) // 100):
            continue
        piece = shared_piece(template.example, sample)
        if piece:
            out.append(piece)
    return out


def shared_piece(example: str, sample: Sequence[str]) -> str:
    """The longest piece between digits, quotes and hashes that a good part of the sample shares."""
    pieces, piece = [], ""
    for char in example:
        if char.isdigit() or char in "\n\r\t":
            pieces.append(piece)
            piece = ""
        else:
            piece += char
    pieces.append(piece)
    ordered = sorted({p.strip() for p in pieces if len(p.strip()) >= LEAST_LITERAL}, key=len, reverse=True)
    needed = max(5, len(sample) // 100)
    return next((p for p in ordered[:8] if sum(p in line for line in sample) >= needed), "")


def everything(world: World) -> tuple[LabelMatcher, ...]:
    """Every stream that names a container."""
    return (LabelMatcher(world.inventory.labels.logs.container, "=~", ".+"),)

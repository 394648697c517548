"""Reading a whole stream through the logs seam, page by page, without losing or doubling a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from config.errors import QueryBudget
from tools.sources.logs import MAX_LIMIT, LabelMatcher, LogEntry, LogQuery, Logs

PAGE = 50_000


async def read_stream(logs: Logs, stream: Mapping[str, str], others: Iterable[str], *, start_ns: int, end_ns: int,
                      page: int = PAGE) -> list[list[Any]]:
    """Entries `[ns, line]` or `[ns, line, metadata]` of one stream, oldest first.

    `others`: label names of other streams, which this one must lack (a selector of its labels alone would select them
    too). A page ends between two moments: lines of its last moment are read again with the next page, so that lines
    that share a nanosecond stay together. Raises QueryBudget where one moment holds more lines than any page.
    """
    matchers = tuple(LabelMatcher(name, "=", value) for name, value in sorted(stream.items()))
    matchers += tuple(LabelMatcher(name, "=", "") for name in sorted(set(others) - set(stream)))
    query = LogQuery(matchers, start_ns, end_ns, limit=page, direction="forward")
    entries: list[list[Any]] = []
    while True:
        found = await logs.search(query)
        last = found.entries[-1].ns if found.entries else query.start_ns
        if not found.truncated:
            return entries + [_row(entry, stream) for entry in found.entries]
        whole = [entry for entry in found.entries if entry.ns < last]
        if whole:
            entries += [_row(entry, stream) for entry in whole]
            query = replace(query, start_ns=last)
        elif query.limit < MAX_LIMIT:
            query = replace(query, limit=min(query.limit * 4, MAX_LIMIT))
        else:
            raise QueryBudget(f"more than {MAX_LIMIT} lines at one moment of {dict(stream)}")


def _row(entry: LogEntry, stream: Mapping[str, str]) -> list[Any]:
    metadata = {name: value for name, value in entry.labels.items() if name not in stream}
    return [entry.ns, entry.line, metadata] if metadata else [entry.ns, entry.line]

"""Which streams there are and which of them are loud, before their lines are counted.

Loki's volume endpoint answers from the index alone, the loudest first, in one query. Where a store has no such
endpoint, or it is switched off, the values of a label say at least which streams there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from config.errors import QueryError, SourceRefused
from tools.sources.logs import LabelMatcher, Logs
from tools.sources.loki_answers import Volume

REFUSED_MS = 6 * 3_600_000  # how long a refusal is remembered


@runtime_checkable
class Volumes(Protocol):
    """A log store that knows volumes. Raises as `Logs` does; SourceRefused or QueryError where it is switched off."""

    async def volume(
        self, matchers: tuple[LabelMatcher, ...], *, start_ns: int, end_ns: int, by: tuple[str, ...] = (),
        limit: int = 100,
    ) -> tuple[Volume, ...]:
        """Bytes by label, the `limit` largest, largest first."""
        ...


@dataclass
class Discovery:
    """Of one log store; remembers that volumes were refused."""

    refused_ms: int | None = None

    async def loudest(
        self, logs: Logs, matchers: tuple[LabelMatcher, ...], label: str, *, start_ns: int, end_ns: int, most: int
    ) -> tuple[str, ...]:
        """At most `most` values of `label`, the loudest first where volumes are known. One query, two at a refusal."""
        at_ms = end_ns // 1_000_000
        forgotten = self.refused_ms is None or not 0 <= at_ms - self.refused_ms < REFUSED_MS
        if isinstance(logs, Volumes) and forgotten:
            try:
                found = await logs.volume(matchers, start_ns=start_ns, end_ns=end_ns, by=(label,), limit=most)
                return tuple(dict.fromkeys(one.labels[label] for one in found if one.labels.get(label)))[:most]
            except (SourceRefused, QueryError):
                self.refused_ms = at_ms
        return (await logs.label_values(label, start_ns=start_ns, end_ns=end_ns))[:most]

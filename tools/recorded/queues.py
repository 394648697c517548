"""queues.json: readings of a broker's lists."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, model_validator

from tools.recorded.fields import Count, Moment, Name, Part, Text
from tools.recorded.files import parse_json, read_document
from tools.recorded.records import from_record
from tools.recorded.span import Span, require_ascending
from tools.sources.queues import QueueState


class StateRecord(Part):
    at: Moment
    name: Name
    length: Count
    consumers: Count | None = None
    consumer_names: tuple[Text, ...] = ()


class QueuesFile(Part):
    states: tuple[StateRecord, ...]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        require_ascending(self.states, "states")
        return self


_FILE = TypeAdapter(QueuesFile)


def read_queues(path: Path) -> QueuesFile:
    """Raises BadSnapshot."""
    return parse_json(read_document(path), _FILE, path.name)


class RecordedQueues:
    """The queues seam over queues.json, read at the first question."""

    def __init__(self, path: Path, *, span: Span) -> None:
        self._path = path
        self._span = span

    @cached_property
    def _file(self) -> QueuesFile:
        return read_queues(self._path)

    async def states(self, *, start_ms: int, end_ms: int) -> tuple[QueueState, ...]:
        start, end = self._span.window(start_ms, end_ms, "queues")
        return tuple(from_record(QueueState, record) for record in self._file.states if start <= record.at <= end)

"""changes.jsonl: one recorded change a line."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, TypeAdapter

from config.errors import BadSnapshot
from tools.recorded.fields import Moment, Name, Part, Text
from tools.recorded.files import parse_json, read_lines
from tools.recorded.records import from_record
from tools.recorded.span import Span
from tools.sources.changes import Change

MAX_LINE = 1_000_000


class ChangeRecord(Part):
    at: Moment
    kind: Literal["deploy", "switch", "rollback", "config", "scale", "mode", "restart", "index", "model", "planned",
                  "other"]
    service: Text = ""
    colour: Text = ""
    build: Text = ""
    by: Text = ""
    text: Text = ""
    source: Text = ""
    mode: Text = ""
    attributes: dict[Name, Text] = Field(default_factory=dict)


_LINE = TypeAdapter(ChangeRecord)


def read_changes(path: Path) -> tuple[ChangeRecord, ...]:
    """Raises BadSnapshot, with the line."""
    found: list[ChangeRecord] = []
    for number, line in read_lines(path, line_limit=MAX_LINE):
        record = parse_json(line, _LINE, f"{path.name}:{number}")
        if found and record.at < found[-1].at:
            raise BadSnapshot(f"{path.name}:{number}: earlier than the line before it")
        found.append(record)
    return tuple(found)


class RecordedChanges:
    """The changes seam over changes.jsonl, read at the first question."""

    def __init__(self, path: Path, *, span: Span) -> None:
        self._path = path
        self._span = span

    @cached_property
    def _records(self) -> tuple[ChangeRecord, ...]:
        return read_changes(self._path)

    async def between(self, *, start_ms: int, end_ms: int) -> tuple[Change, ...]:
        start, _ = self._span.window(start_ms, end_ms, "changes")
        return tuple(from_record(Change, r) for r in self._records if self._span.within(r.at, start, end_ms))

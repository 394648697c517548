"""routing.json: what each view said about the active colour, observation by observation."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import TypeAdapter, model_validator

from tools.recorded.fields import Moment, Name, Part, Text
from tools.recorded.files import parse_json, read_document
from tools.recorded.records import from_record
from tools.recorded.span import Span, require_ascending
from tools.sources.routing import RouteView


class ViewRecord(Part):
    service: Name
    view: Literal["declared_host", "declared_container", "loaded"]
    colour: Name
    detail: Text
    since: Moment | None = None


class Observation(Part):
    at: Moment
    views: tuple[ViewRecord, ...]


class RoutingFile(Part):
    observations: tuple[Observation, ...]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        require_ascending(self.observations, "observations")
        return self


_FILE = TypeAdapter(RoutingFile)


def read_routing(path: Path) -> RoutingFile:
    """Raises BadSnapshot."""
    return parse_json(read_document(path), _FILE, path.name)


class RecordedRouting:
    """The routing seam over routing.json, read at the first question."""

    def __init__(self, path: Path, *, span: Span) -> None:
        self._path = path
        self._span = span

    @cached_property
    def _file(self) -> RoutingFile:
        return read_routing(self._path)

    async def views(self, service: str, *, at_ms: int) -> tuple[RouteView, ...]:
        seen = self._span.latest(self._file.observations, at_ms, "routing")
        return tuple(from_record(RouteView, view, at_ms=seen.at) for view in seen.views if view.service == service)

"""peers.json: what was comparable about like instances, observation by observation."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, TypeAdapter, model_validator

from tools.recorded.fields import Moment, Name, Part, Text
from tools.recorded.files import parse_json, read_document
from tools.recorded.records import from_record
from tools.recorded.span import Span, require_ascending
from tools.sources.peers import PeerProfile


class ProfileRecord(Part):
    name: Name
    service: Text
    facts: dict[Text, Text] = Field(default_factory=dict)


class Observation(Part):
    at: Moment
    profiles: tuple[ProfileRecord, ...]


class PeersFile(Part):
    observations: tuple[Observation, ...]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        require_ascending(self.observations, "observations")
        return self


_FILE = TypeAdapter(PeersFile)


def read_peers(path: Path) -> PeersFile:
    """Raises BadSnapshot."""
    return parse_json(read_document(path), _FILE, path.name)


class RecordedPeers:
    """The peers seam over peers.json, read at the first question."""

    def __init__(self, path: Path, *, span: Span) -> None:
        self._path = path
        self._span = span

    @cached_property
    def _file(self) -> PeersFile:
        return read_peers(self._path)

    async def profiles(self, service: str, *, at_ms: int) -> tuple[PeerProfile, ...]:
        seen = self._span.latest(self._file.observations, at_ms, "peers")
        return tuple(from_record(PeerProfile, record) for record in seen.profiles if record.service == service)

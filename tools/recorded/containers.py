"""containers.json: what Docker said at each observation, and its events."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, TypeAdapter, model_validator

from config.errors import NotCaptured
from tools.evidence import iso
from tools.recorded.fields import Count, Moment, Name, Part, Text
from tools.recorded.files import parse_json, read_document
from tools.recorded.records import from_record
from tools.recorded.span import Span, require_ascending
from tools.sources.containers import Container, ContainerEvent, ContainerProcess, ContainerStats


class ContainerRecord(Part):
    name: Name
    id: Text
    image: Text
    state: Name
    labels: dict[Text, Text] = Field(default_factory=dict)
    image_id: Text = ""
    created: Moment | None = None
    started: Moment | None = None
    finished: Moment | None = None
    exit_code: int | None = None
    oom_killed: bool = False
    restart_count: Count = 0
    health: Text = ""
    cpu_limit: Annotated[float, Field(ge=0)] | None = None
    memory_limit: Count | None = None
    environment_keys: tuple[Text, ...] = ()
    networks: tuple[Text, ...] = ()
    mounts: tuple[Text, ...] = ()
    command: Text = ""
    host: Text = ""


class StatsRecord(Part):
    name: Name
    cpu_seconds: Annotated[float, Field(ge=0)]
    memory_bytes: Count
    network_rx_bytes: Count = 0
    network_tx_bytes: Count = 0
    periods: Count = 0
    throttled_periods: Count = 0
    pids: Count = 0


class ProcessRecord(Part):
    pid: Text
    command: Text


class Observation(Part):
    """Everything Docker said at one moment; `top` only for containers whose processes were read."""

    at: Moment
    containers: tuple[ContainerRecord, ...]
    stats: tuple[StatsRecord, ...] = ()
    top: dict[Name, tuple[ProcessRecord, ...]] = Field(default_factory=dict)


class EventRecord(Part):
    at: Moment
    action: Name
    container: Text
    image: Text = ""
    exit_code: int | None = None
    attributes: dict[Text, Text] = Field(default_factory=dict)


class ContainersFile(Part):
    observations: tuple[Observation, ...]
    events: tuple[EventRecord, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        require_ascending(self.observations, "observations")
        require_ascending(self.events, "events")
        return self


_FILE = TypeAdapter(ContainersFile)


def read_containers(path: Path) -> ContainersFile:
    """Raises BadSnapshot."""
    return parse_json(read_document(path), _FILE, path.name)


class RecordedContainers:
    """The containers seam over containers.json, read at the first question."""

    def __init__(self, path: Path, *, span: Span, cluster: str = "") -> None:
        self._path = path
        self._span = span
        self._cluster = cluster

    @cached_property
    def _file(self) -> ContainersFile:
        return read_containers(self._path)

    async def list(self, *, at_ms: int) -> tuple[Container, ...]:
        seen = self._span.latest(self._file.observations, at_ms, "containers")
        return tuple(from_record(Container, record, cluster=self._cluster) for record in seen.containers)

    async def stats(self, *, at_ms: int) -> tuple[ContainerStats, ...]:
        seen = self._span.latest(self._file.observations, at_ms, "container stats")
        return tuple(from_record(ContainerStats, record, at_ms=seen.at) for record in seen.stats)

    async def top(self, name: str, *, at_ms: int) -> tuple[ContainerProcess, ...]:
        """Raises NotCaptured where the processes of that container were not read, which is not "it runs none"."""
        seen = self._span.latest(self._file.observations, at_ms, f"processes of {name}")
        if name not in seen.top:
            raise NotCaptured(f"processes of {name}: not read at {iso(seen.at)}")
        return tuple(from_record(ContainerProcess, record) for record in seen.top[name])

    async def events(self, *, start_ms: int, end_ms: int) -> tuple[ContainerEvent, ...]:
        start, _ = self._span.window(start_ms, end_ms, "container events")
        chosen = (e for e in self._file.events if self._span.within(e.at, start, end_ms))
        return tuple(from_record(ContainerEvent, event) for event in chosen)

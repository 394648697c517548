"""The inventory: what the user says exists, how their telemetry spells it, and what a unit of work looks like.

One YAML file, the same in a live set-up and in a recorded case. Names in it are the user's: questions go through this
mapping and never assume a spelling. Values may contain anything, so nothing here is ever executed or interpolated raw.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from config.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_NODES = 50_000  # a YAML bomb expands aliases; a real inventory of hundreds of services stays far below

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelMapping(_Part):
    """Which label of metrics and of logs names the container, the service and the host."""

    container: Name = "container"
    service: str = ""
    host: str = ""


class Labels(_Part):
    metrics: LabelMapping = LabelMapping(container="name", host="instance")
    logs: LabelMapping = LabelMapping(service="service", host="host")


class LogPattern(_Part):
    """A log line that means one step of a unit of work. Exactly one of `contains` and `regex` (RE2).

    `field`/`parser` name where a latency in milliseconds (`value_field`) is read, when lines carry one.
    """

    contains: str = ""
    regex: str = ""
    parser: Literal["", "json", "logfmt"] = ""
    value_field: str = ""


class Work(_Part):
    """What a unit of work looks like: `started`/`done`/`failed` lines, or a counter metric (PromQL selector)."""

    unit: str = "job"
    started: LogPattern | None = None
    done: LogPattern | None = None
    failed: LogPattern | None = None
    metric: str = ""


class Capacity(_Part):
    """Measured capacity of one instance and what is lost by adding more.

    capacity(N) = base for N = 1, base x N x factor for N >= 2 (units per second).
    """

    base_per_second: float = Field(gt=0)
    factor: float = Field(default=0.83, gt=0, le=1)


class Service(_Part):
    """One service. `colours` maps a colour to the names of its containers; `containers` lists uncoloured ones.

    `follows`: the routed service whose active colour decides this one's role (workers follow their API).
    `routed`: this service has an active colour of its own, read from the proxy.
    """

    name: Name
    kind: Literal["api", "worker", "proxy", "broker", "database", "provider", "load", "monitor", "other"] = "other"
    owner: str = ""
    cluster: str = ""
    colours: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    containers: tuple[Name, ...] = ()
    routed: bool = False
    follows: str = ""
    depends_on: tuple[Name, ...] = ()
    work: Work | None = None
    capacity: Capacity | None = None
    runbook: str = ""
    allowed_differences: tuple[str, ...] = ()

    def colour_of(self, container: str) -> str:
        """The colour a container belongs to, or ""."""
        return next((c for c, names in self.colours.items() if container in names), "")

    def members(self) -> tuple[str, ...]:
        """All container names of the service, coloured ones first, in the file's order."""
        return tuple(n for names in self.colours.values() for n in names) + self.containers


class Host(_Part):
    name: Name
    cluster: str = ""
    instance: str = ""
    role: str = ""


class Cluster(_Part):
    name: Name
    active_active: bool = False
    traffic_share: float | None = Field(default=None, ge=0, le=1)
    capacity_per_second: float | None = Field(default=None, gt=0)


class Inventory(_Part):
    """The whole file. Lookups return None for what is not listed; the caller says so as a gap."""

    version: Literal[1] = 1
    clusters: tuple[Cluster, ...] = ()
    hosts: tuple[Host, ...] = ()
    labels: Labels = Labels()
    services: tuple[Service, ...] = ()

    def service(self, name: str) -> Service | None:
        """The service of that name."""
        return next((s for s in self.services if s.name == name), None)

    def service_of(self, container: str) -> Service | None:
        """The service a container belongs to."""
        return self.owners.get(container)

    @cached_property
    def owners(self) -> dict[str, Service]:
        """Every listed container's service; looked up for each series of thousands."""
        return {member: service for service in reversed(self.services) for member in service.members()}


def _count_nodes(node: yaml.Node, budget: int) -> int:
    budget -= 1
    if budget < 0:
        raise ConfigError("inventory: too many entries (aliases expand to more than 50,000 nodes)")
    children = [x for pair in node.value for x in pair] if isinstance(node, yaml.MappingNode) else (
        node.value if isinstance(node, yaml.SequenceNode) else ())
    for child in children:
        budget = _count_nodes(child, budget)
    return budget


def _line_of(root: yaml.Node, path: tuple[int | str, ...]) -> int:
    node = root
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next((v for k, v in node.value if getattr(k, "value", None) == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
        else:
            found = None
        if found is None:
            break
        node = found
    return int(node.start_mark.line) + 1


def parse_inventory(text: str, *, name: str = "inventory.yaml") -> Inventory:
    """Parse and validate. Errors are ConfigError with file, line and the field."""
    if len(text.encode()) > MAX_BYTES:
        raise ConfigError(f"{name}: larger than {MAX_BYTES} bytes")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            return Inventory()
        _count_nodes(root, MAX_NODES)
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{name}: not YAML: {error}") from error
    try:
        inventory = Inventory.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(x) for x in first["loc"])
        raise ConfigError(f"{name}:{_line_of(root, first['loc'])}: {where}: {first['msg']}") from error
    _check_references(inventory, name)
    return inventory


def _check_references(inventory: Inventory, name: str) -> None:
    names = [s.name for s in inventory.services]
    doubled = {n for n in names if names.count(n) > 1}
    if doubled:
        raise ConfigError(f"{name}: service listed twice: {', '.join(sorted(doubled))}")
    owner: dict[str, str] = {}
    for service in inventory.services:
        if service.follows and service.follows not in names:
            raise ConfigError(f"{name}: {service.name} follows {service.follows}, which is not listed")
        for member in service.members():
            if member in owner:
                raise ConfigError(f"{name}: container {member} belongs to {owner[member]} and to {service.name}")
            owner[member] = service.name


def load_inventory(path: Path) -> Inventory:
    """Read a file; a missing or unreadable one is a ConfigError."""
    try:
        return parse_inventory(path.read_text(encoding="utf-8"), name=path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: cannot be read: {error}") from error

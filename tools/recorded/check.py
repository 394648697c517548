"""What is wrong or doubtful about a snapshot: every file is read whole, and the files are held against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import numpy as np

from config.errors import BadSnapshot
from tools.evidence import iso
from tools.recorded.alerts import AlertsFile, read_alerts
from tools.recorded.changes import ChangeRecord, read_changes
from tools.recorded.containers import ContainersFile, read_containers
from tools.recorded.logs.store import LogStream
from tools.recorded.logs_file import read_logs
from tools.recorded.metrics_file import Series, read_metrics
from tools.recorded.peers import PeersFile, read_peers
from tools.recorded.queues import QueuesFile, read_queues
from tools.recorded.routing import RoutingFile, read_routing
from tools.recorded.snapshot import INVENTORY, NAME, Modality, Snapshot, read_snapshot
from tools.recorded.world import read_inventory
from tools.sources.inventory import Inventory, LogPattern
from tools.sources.logs import line_pattern

File = TypeVar("File")


class Severity(StrEnum):
    """An error makes the case unusable or untrue; a warning is for a person to judge."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One thing found, in words, and the file it is in."""

    severity: Severity
    file: str
    text: str


@dataclass(frozen=True)
class Contents:
    """What could be read. A file that is absent or broken is None."""

    snapshot: Snapshot
    inventory: Inventory
    containers: ContainersFile | None = None
    routing: RoutingFile | None = None
    alerts: AlertsFile | None = None
    queues: QueuesFile | None = None
    peers: PeersFile | None = None
    changes: tuple[ChangeRecord, ...] | None = None
    logs: tuple[LogStream, ...] | None = None
    metrics: tuple[Series, ...] | None = None

    def container_names(self) -> set[str]:
        """Every container the inventory lists or Docker was seen to have."""
        listed = {name for service in self.inventory.services for name in service.members()}
        seen = {c.name for o in self.containers.observations for c in o.containers} if self.containers else set()
        return listed | seen


def check(folder: Path) -> list[Problem]:
    """All problems of a snapshot, errors first."""
    return check_contents(folder)[0]


def check_contents(folder: Path) -> tuple[list[Problem], Contents | None]:
    """The problems, and what was read on the way (None where not even the manifest could be)."""
    problems: list[Problem] = []
    try:
        snapshot = read_snapshot(folder)
        inventory = read_inventory(snapshot)
    except BadSnapshot as error:
        return [_error(error)], None

    def read(modality: Modality, reader: Callable[[Path], File]) -> File | None:
        path = snapshot.path(modality)
        try:
            return None if path is None else reader(path)
        except BadSnapshot as error:
            problems.append(_error(error))
            return None

    contents = Contents(
        snapshot, inventory, read("containers", read_containers), read("routing", read_routing),
        read("alerts", read_alerts), read("queues", read_queues), read("peers", read_peers),
        read("changes", read_changes), read("logs", read_logs), read("metrics", lambda path: tuple(read_metrics(path))),
    )
    problems += [*_outside(contents), *_empty(contents), *_strangers(contents), *_spelling(contents), *_keys(contents),
                 *_scrapes(contents)]
    return sorted(problems, key=lambda p: p.severity is Severity.WARNING), contents


def _error(error: BadSnapshot) -> Problem:
    file, _, text = str(error).partition(": ")
    return Problem(Severity.ERROR, file, text) if text else Problem(Severity.ERROR, NAME, file)


def _outside(contents: Contents) -> Iterator[Problem]:
    """Everything recorded lies inside the window."""
    window = contents.snapshot.manifest.window
    for file, times in _times(contents):
        early = [t for t in times if t < window.start]
        late = [t for t in times if t > window.end]
        for odd, side in ((early, "before"), (late, "after")):
            if odd:
                yield Problem(Severity.ERROR, file, f"{len(odd)} entries {side} the window, such as {iso(odd[0])}")


def _times(contents: Contents) -> Iterator[tuple[str, list[int]]]:
    if contents.containers:
        events = [x.at for x in contents.containers.events]
        yield "containers.json", [x.at for x in contents.containers.observations] + events
    if contents.routing:
        yield "routing.json", [x.at for x in contents.routing.observations]
    if contents.alerts:
        yield "alerts.json", [x.at for x in contents.alerts.payloads] + [x.at for x in contents.alerts.states]
    if contents.queues:
        yield "queues.json", [x.at for x in contents.queues.states]
    if contents.peers:
        yield "peers.json", [x.at for x in contents.peers.observations]
    if contents.changes is not None:
        yield "changes.jsonl", [x.at for x in contents.changes]
    if contents.metrics is not None:
        edges = {id(ms): (int(ms[0]), int(ms[-1])) for _, ms, _ in contents.metrics if len(ms)}
        yield "metrics.jsonl", sorted(t for edge in edges.values() for t in edge)
    if contents.logs is not None:
        ends = [int(ns) for stream in contents.logs if len(stream.ns) for ns in (stream.ns[0], stream.ns[-1])]
        yield "logs.jsonl", [ns // 1_000_000 for ns in ends]


def _empty(contents: Contents) -> Iterator[Problem]:
    """Captured, but nothing in it: an investigation would take that for silence."""
    for file, times in _times(contents):
        if not times and file not in ("alerts.json", "changes.jsonl"):
            yield Problem(Severity.WARNING, file, "is listed as captured but holds nothing")
    start = contents.snapshot.start_ms
    for file, times in _times(contents):
        slack = 120_000
        if times and file in ("containers.json", "routing.json", "peers.json") and min(times) > start + slack:
            text = f"the first observation is of {iso(min(times))}, more than two minutes into the window"
            yield Problem(Severity.WARNING, file, text)


def _strangers(contents: Contents) -> Iterator[Problem]:
    """Containers that only one of inventory and Docker knows, and services routes speak of that nobody lists."""
    listed = {name for service in contents.inventory.services for name in service.members()}
    if contents.containers and contents.containers.observations:
        seen = {c.name for o in contents.containers.observations for c in o.containers}
        for name in sorted(listed - seen):
            yield Problem(Severity.WARNING, INVENTORY, f"lists {name}, which Docker was never seen to have")
        for name in sorted(seen - listed):
            yield Problem(Severity.WARNING, "containers.json", f"{name} is not in the inventory")
    if contents.routing:
        known = {service.name for service in contents.inventory.services}
        routed = {view.service for o in contents.routing.observations for view in o.views}
        for name in sorted(routed - known):
            yield Problem(Severity.ERROR, "routing.json", f"service {name} is not in the inventory")


def _spelling(contents: Contents) -> Iterator[Problem]:
    """The inventory's label names and work patterns are found in the logs."""
    if not contents.logs:
        return
    names = {name for stream in contents.logs for name in stream.labels}
    spelling = contents.inventory.labels.logs
    for role, name in (("container", spelling.container), ("service", spelling.service), ("host", spelling.host)):
        if name and name not in names:
            text = f"labels.logs.{role}: no log stream has a label {name}"
            yield Problem(Severity.ERROR if role == "container" else Severity.WARNING, INVENTORY, text)
    for service in contents.inventory.services:
        lines = [s for s in contents.logs if s.labels.get(spelling.container) in service.members()]
        for step in ("started", "done"):
            pattern = getattr(service.work, step) if service.work else None
            if pattern is not None and lines and not _is_found(pattern, lines):
                yield Problem(Severity.WARNING, INVENTORY, f"{service.name}.work.{step}: no line has this pattern")


def _is_found(pattern: LogPattern, streams: Iterable[LogStream]) -> bool:
    if pattern.regex:
        search = line_pattern(pattern.regex).search
        return any(search(line) is not None for stream in streams for line in stream.lines)
    return any(pattern.contains in line for stream in streams for line in stream.lines)


def _scrapes(contents: Contents) -> Iterator[Problem]:
    """The scrape interval is the recorded one, and the inventory's metric labels exist."""
    if not contents.metrics:
        return
    gaps = [float(np.median(np.diff(ms))) for _, ms, _ in contents.metrics if len(ms) > 2]
    said = contents.snapshot.manifest.server.scrape_interval_s * 1000
    usual = float(np.median(gaps)) if gaps else said
    if not 0.5 < usual / said < 2:
        text = f"server.scrape_interval_s is {said / 1000:g}, but samples are {usual / 1000:g} s apart"
        yield Problem(Severity.ERROR, NAME, text)
    name = contents.inventory.labels.metrics.container
    if not any(name in labels for labels, _, _ in contents.metrics):
        yield Problem(Severity.WARNING, INVENTORY, f"labels.metrics.container: no series has a label {name}")


def _keys(contents: Contents) -> Iterator[Problem]:
    """Environment keys are names only."""
    seen = {k for o in contents.containers.observations for c in o.containers for k in c.environment_keys} \
        if contents.containers else set()
    if any("=" in key for key in seen):
        yield Problem(Severity.ERROR, "containers.json", "environment_keys holds values; only names may be written")

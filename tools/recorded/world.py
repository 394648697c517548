"""A case folder -> a World whose every answer was captured. Opening reads two files, a question the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from config.errors import BadSnapshot, ConfigError, QueryError
from tools.recorded.alerts import RecordedAlerts
from tools.recorded.changes import RecordedChanges
from tools.recorded.containers import RecordedContainers
from tools.recorded.files import read_document
from tools.recorded.logs.recorded_logs import open_logs
from tools.recorded.metrics import open_metrics
from tools.recorded.peers import RecordedPeers
from tools.recorded.queues import RecordedQueues
from tools.recorded.routing import RecordedRouting
from tools.recorded.snapshot import NAME, Modality, Snapshot, read_snapshot
from tools.recorded.span import Span
from tools.recorded.uncaptured import Uncaptured
from tools.sources.inventory import Inventory, parse_inventory
from tools.world import World

Source = TypeVar("Source")


def open_world(folder: Path, *, whole: bool = False) -> World:
    """`whole` lets a person see past `now`, to the window's end; an investigation never does.

    Raises BadSnapshot where the folder is malformed; a malformed data file is found when it is first asked.
    """
    snapshot = read_snapshot(folder)
    manifest = snapshot.manifest
    span = Span(snapshot.start_ms, manifest.window.end if whole else snapshot.now_ms)
    cluster, server, scope = manifest.cluster, manifest.server, manifest.scope
    interval_ms = round(server.scrape_interval_s * 1000)
    return World(
        name=manifest.id,
        inventory=read_inventory(snapshot),
        cluster=cluster,
        scrape_interval_ms=interval_ms,
        earliest_ms=snapshot.start_ms + interval_ms,  # by then each living series was scraped once: see coverage.py
        metrics=_source(snapshot, "metrics", lambda p: open_metrics(p, span=span, server=server, scope=scope.metrics)),
        logs=_source(snapshot, "logs", lambda p: open_logs(p, span=span, scope=scope.logs)),
        containers=_source(snapshot, "containers", lambda p: RecordedContainers(p, span=span, cluster=cluster)),
        routing=_source(snapshot, "routing", lambda p: RecordedRouting(p, span=span)),
        changes=_source(snapshot, "changes", lambda p: RecordedChanges(p, span=span)),
        alerts=_source(snapshot, "alerts", lambda p: RecordedAlerts(p, span=span)),
        peers=_source(snapshot, "peers", lambda p: RecordedPeers(p, span=span)),
        queues=_source(snapshot, "queues", lambda p: RecordedQueues(p, span=span)),
    )


def _source(snapshot: Snapshot, name: Modality, build: Callable[[Path], Source]) -> Source | Uncaptured:
    path = snapshot.path(name)
    if path is None:
        return Uncaptured(name, snapshot.manifest.why_missing(name))
    try:
        return build(path)
    except QueryError as error:
        raise BadSnapshot(f"{NAME}: scope.{name}: {error}") from error


def read_inventory(snapshot: Snapshot) -> Inventory:
    """The case's inventory; an empty one where it is listed as missing. Raises BadSnapshot."""
    path = snapshot.inventory_path
    if path is None:
        return Inventory()
    try:
        return parse_inventory(read_document(path).decode(), name=path.name)
    except (ConfigError, UnicodeDecodeError) as error:
        raise BadSnapshot(str(error)) from error

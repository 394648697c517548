"""The worlds the settings name: one recorded case, or the live sources of each cluster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.diagnosis import Diagnosis
from agent.incident import Incident, Signal
from config.database import Database
from config.settings import Settings
from config.settings import World as WorldSettings
from tools.live_world import live_worlds
from tools.recorded.world import open_world
from tools.world import World
from triggers.worker import Investigator


def configured_world(
    settings: WorldSettings, *, case: Path | None = None, database: Database | None = None
) -> World:
    """The first world; `case` overrides the settings. Raises ConfigError when nothing is configured."""
    return next(iter(configured_worlds(settings, case=case, database=database).values()))


def configured_worlds(
    settings: WorldSettings, *, case: Path | None = None, database: Database | None = None
) -> Mapping[str, World]:
    """Worlds by cluster. `database` holds the changes that were announced at the door."""
    folder = case or settings.case
    if folder is not None:
        world = open_world(folder)
        return {world.cluster: world}
    return live_worlds(settings, database=database)


@contextmanager
def announced_changes(settings: Settings, *, case: Path | None = None) -> Iterator[Database | None]:
    """The database of announced changes for a one-shot command; None in a recorded world, or where nothing was kept.

    It is opened as it is: a command that only asks does not migrate.
    """
    path = settings.data_dir / "culprit.db"
    sqlite_default = not settings.database_url.get_secret_value()
    if case is not None or settings.world.case is not None or (sqlite_default and not path.is_file()):
        yield None
        return
    database = Database(settings.database)
    try:
        yield database
    finally:
        database.close()


@dataclass(frozen=True)
class ByCluster:
    """Investigates each incident from the world of the cluster its signals name; the first one where they name none."""

    investigators: Mapping[str, Investigator]
    label: str = "cluster"

    async def investigate(
        self, incident: Incident, *, run_id: str, asked_at_ms: int,
        on_event: Callable[[dict[str, Any]], None] | None = None,
        late_signals: Callable[[], Awaitable[tuple[Signal, ...]]] | None = None,
    ) -> Diagnosis:
        """As the chosen investigator does."""
        chosen = self.investigators[self.cluster_of(incident)]
        return await chosen.investigate(
            incident, run_id=run_id, asked_at_ms=asked_at_ms, on_event=on_event, late_signals=late_signals)

    def cluster_of(self, incident: Incident) -> str:
        """The known cluster that the most urgent, then earliest signal names."""
        ordered = sorted(incident.signals, key=lambda s: (s.severity.rank, s.starts_ms))
        named = (s.labels.get(self.label, "") for s in ordered)
        return next((name for name in named if name in self.investigators), next(iter(self.investigators)))


@dataclass(frozen=True)
class ByLanguage:
    """Investigates each incident in the language of the channel it is told in."""

    investigators: Mapping[str, Investigator]
    language_of: Callable[[Incident], str]

    async def investigate(
        self, incident: Incident, *, run_id: str, asked_at_ms: int,
        on_event: Callable[[dict[str, Any]], None] | None = None,
        late_signals: Callable[[], Awaitable[tuple[Signal, ...]]] | None = None,
    ) -> Diagnosis:
        """As the chosen investigator does."""
        language = self.language_of(incident)
        chosen = self.investigators.get(language) or next(iter(self.investigators.values()))
        return await chosen.investigate(
            incident, run_id=run_id, asked_at_ms=asked_at_ms, on_event=on_event, late_signals=late_signals)

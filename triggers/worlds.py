"""The world the settings name: a recorded case, or (when they name none) nothing to ask."""

from __future__ import annotations

from pathlib import Path

from config.errors import ConfigError
from config.settings import World as WorldSettings
from tools.recorded.world import open_world
from tools.world import World


def configured_world(settings: WorldSettings, *, case: Path | None = None) -> World:
    """`case` overrides the settings. Raises ConfigError when neither names one."""
    folder = case or settings.case
    if folder is None:
        raise ConfigError("no world is configured: set world.case to a case folder, or pass --case DIR")
    return open_world(folder)

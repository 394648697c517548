"""A store on a fresh SQLite file, and payloads shaped like Alertmanager's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from config.settings import Settings
from tests.triggers.parts import settings_for
from triggers.wiring import Store, build_store


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Expected failures need no tracebacks in the output."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(f"sqlite:///{tmp_path / 'culprit.db'}")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    built = build_store(settings, publishers=())
    yield built
    built.close()

"""A real Alertmanager pointed at the real door: what it sends is what we keep."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from config.tables import signals
from tests.live.alertmanager import Alertmanager, binary
from tests.live.postgres import free_port
from tests.triggers.parts import settings_for
from tests.triggers.processes import answers, start_receiver, stop, wait_for
from triggers.wiring import Store, build_store

pytestmark = [pytest.mark.live, pytest.mark.skipif(binary() is None, reason="no Alertmanager is installed")]


def rows(store: Store) -> list[Any]:
    with store.database.read() as connection:
        return list(connection.execute(sa.select(signals).order_by(signals.c.id)).all())


@contextmanager
def door(url: str, folder: Path, port: int) -> Iterator[None]:
    process = start_receiver(url, folder, port)
    try:
        wait_for(lambda: answers(port), seconds=120, what="the door")
        yield
    finally:
        stop(process)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    built = build_store(settings_for(f"sqlite:///{tmp_path / 'c.db'}"), publishers=())
    yield built
    built.close()


def _fire(manager: Alertmanager, name: str, *services: str, resolved: bool = False) -> None:
    manager.send(*({"alertname": name, "service": s, "severity": "critical"} for s in services), resolved=resolved)


def test_firing_grouped_repeated_truncated_resolved(store: Store, tmp_path: Path) -> None:
    """Groups arrive whole or are said to be cut; repeats are counted, not multiplied; resolves are outcomes."""
    port = free_port()
    manager = Alertmanager(f"http://127.0.0.1:{port}/webhooks/alertmanager", max_alerts=3)
    try:
        with door(store.settings.database, tmp_path, port):
            _fire(manager, "Slow", "a", "b")
            _fire(manager, "Full", *(f"s{n}" for n in range(5)))
            wait_for(lambda: len(rows(store)) == 5, seconds=20, what="2 + 3 of 5 alerts")
            cut = [r for r in rows(store) if r.title == "Full"]
            assert all('"truncated_alerts": 2' in r.payload for r in cut)
            wait_for(lambda: any(r.repeats for r in rows(store)), seconds=20, what="a repeated notification")
            assert len(rows(store)) == 5
            assert {r.text for r in rows(store)} == {"느립니다"}
            _fire(manager, "Slow", "a", "b", resolved=True)
            slow = lambda: {r.status for r in rows(store) if r.title == "Slow"}  # noqa: E731
            wait_for(lambda: slow() == {"resolved"}, seconds=30, what="the resolves")
            wait_for(lambda: any(i["resolved_ms"] for i in store.incidents.list()), seconds=10, what="an outcome")
    finally:
        manager.close()


def test_a_minute_of_absence_loses_nothing(store: Store, tmp_path: Path) -> None:
    """Nobody listens for 60 s while alerts fire: Alertmanager tries again, and every one of them is kept."""
    port = free_port()
    manager = Alertmanager(f"http://127.0.0.1:{port}/webhooks/alertmanager", repeat_seconds=3600)
    try:
        for n in range(20):
            _fire(manager, f"Alert{n}", "a", "b")
            time.sleep(3)
        assert rows(store) == []
        with door(store.settings.database, tmp_path, port):
            wait_for(lambda: len(rows(store)) == 40, seconds=90, what="all 40 alerts")
    finally:
        manager.close()

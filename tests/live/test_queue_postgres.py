"""What must hold on a real PostgreSQL as it does on SQLite, and what only PostgreSQL does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from config.database import Database
from config.errors import StoreUnavailable
from config.migrations import migrate
from config.tables import metadata
from tests.live.engines import postgres, url  # noqa: F401  (fixtures)
from tests.live.postgres import Postgres
from tests.triggers.laws import QueueLaws
from tests.triggers.parts import run_until, settings_for, signal, take_in
from triggers.fake_investigator import ScriptedInvestigator
from triggers.fake_publisher import RecordingPublisher
from triggers.wiring import Store, build_store, build_worker

pytestmark = pytest.mark.live


@pytest.fixture
def store(postgres: Postgres) -> Iterator[Store]:  # noqa: F811
    built = build_store(settings_for(postgres.new_database()), publishers=(RecordingPublisher(),))
    yield built
    built.close()


def test_migrations_build_the_tables(postgres: Postgres) -> None:  # noqa: F811
    """What the migrations build is what `config.tables` says, here too; running them twice changes nothing."""
    database = Database(postgres.new_database())
    migrate(database)
    migrate(database)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_laws_hold(postgres: Postgres) -> None:  # noqa: F811
    """The state machine of the queue's laws, on PostgreSQL."""
    QueueLaws.url = postgres.new_database()
    try:
        run_state_machine_as_test(QueueLaws, settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck)))
    finally:
        QueueLaws.url = None


async def test_a_notification_wakes_the_worker(store: Store) -> None:
    """An idle worker starts within a fraction of its polling interval when something comes in elsewhere."""
    investigator = ScriptedInvestigator()
    process = build_worker(store, investigator)
    stop = asyncio.Event()
    running = asyncio.create_task(process.run(stop))
    await asyncio.sleep(1.0)
    other = build_store(store.settings, publishers=())
    began = time.monotonic()
    await asyncio.to_thread(take_in, other, signal("f1"))
    while not investigator.asked:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    assert time.monotonic() - began < 0.35
    stop.set()
    await running
    other.close()


async def test_a_restart_of_the_server_is_survived(store: Store, postgres: Postgres) -> None:  # noqa: F811
    """Work that was running when the server crashed is finished afterwards, and new work is found."""
    investigator = ScriptedInvestigator(steps=1, seconds=1.0)
    take_in(store, signal("f1", service="a"))
    sent = store.publishers[0]
    assert isinstance(sent, RecordingPublisher)
    process = build_worker(store, investigator)

    async def disturb() -> None:
        while not investigator.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await asyncio.to_thread(postgres.stop, "immediate")
        await asyncio.sleep(0.5)
        await asyncio.to_thread(postgres.start)
        for _ in range(40):
            try:
                await asyncio.to_thread(take_in, store, signal("f2", service="b"))
                return
            except StoreUnavailable:
                await asyncio.sleep(0.1)

    disturbance = asyncio.create_task(disturb())
    await run_until(process, lambda: sum(m.kind == "diagnosed" for m in sent.messages) == 2, seconds=30)
    await disturbance
    assert sorted(m.kind for m in sent.messages) == ["announced", "announced", "diagnosed", "diagnosed"]

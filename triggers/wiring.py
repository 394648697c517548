"""The one composition root: settings in, the running parts out. Read it from top to bottom."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from agent.correlate import CorrelationPolicy
from agent.incident import Incident
from agent.ledger import Ledger
from agent.topology import Topology
from config.database import Database
from config.migrations import migrate
from config.settings import Settings
from tools.sources.inventory import Inventory, load_inventory
from triggers.budgets import SharedBudget
from triggers.change_log import ChangeLog
from triggers.change_webhook import add_change_door
from triggers.claims import Claim
from triggers.correlator import Correlator
from triggers.duties import Duties, Poller, run_pollers
from triggers.incidents import Incidents
from triggers.intake import Intake
from triggers.messages import Publisher
from triggers.metrics import DoorCounters, QueueCollector, WorkerCounters
from triggers.outbox import Outbox
from triggers.publishers import ConsolePublisher, WebhookPublisher
from triggers.queue import Queue, QueuePolicy, asked_now
from triggers.rules import Rules
from triggers.upkeep import Upkeep
from triggers.wake import Wake
from triggers.web import build_web
from triggers.worker import Investigator, Worker


@dataclass(frozen=True)
class Store:
    """What every process shares: the database, the bell, and the names of the ways out."""

    settings: Settings
    database: Database
    wake: Wake
    ledger: Ledger
    incidents: Incidents
    registry: CollectorRegistry
    door_counters: DoorCounters
    worker_counters: WorkerCounters
    publishers: tuple[Publisher, ...]
    owner: str

    @property
    def publisher_names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.publishers)

    def close(self) -> None:
        """Give connections back; the parts that use them have been stopped before."""
        self.wake.close()
        self.database.close()


def build_store(settings: Settings, *, publishers: Sequence[Publisher] | None = None) -> Store:
    """Open and migrate the database. `publishers` replace those of the settings."""
    database = Database(settings.database)
    migrate(database)
    ledger = Ledger(database=database)
    registry = CollectorRegistry()
    registry.register(QueueCollector(database))
    chosen = build_publishers(settings) if publishers is None else tuple(publishers)
    wake = Wake(database=database)
    wake.listen()
    return Store(settings=settings, database=database, wake=wake, ledger=ledger, publishers=chosen, registry=registry,
                 door_counters=DoorCounters(registry), worker_counters=WorkerCounters(registry),
                 incidents=Incidents(database=database, ledger=ledger),
                 owner=f"{socket.gethostname()}/{os.getpid()}/{os.urandom(3).hex()}")


def build_publishers(settings: Settings) -> tuple[Publisher, ...]:
    """The ways out that the settings name."""
    console: tuple[Publisher, ...] = (ConsolePublisher(),) if settings.publish.console else ()
    return console + tuple(WebhookPublisher(settings=w) for w in settings.publish.webhooks)


def build_intake(store: Store, *, counters: DoorCounters | None = None) -> Intake:
    """The one committer of this process."""
    return Intake(database=store.database, rules=Rules(store.settings.rules), wake=store.wake,
                  publishers=store.publisher_names, on_commit=counters.committed if counters else None)


def build_app(store: Store) -> FastAPI:
    """The HTTP door. Its life span runs the correlator and the outbox too: whoever holds the duty does the work."""
    counters = store.door_counters
    intake = build_intake(store, counters=counters)
    app = build_web(settings=store.settings.http, database=store.database, intake=intake, incidents=store.incidents,
                    ledger=store.ledger, registry=store.registry, counters=counters)
    add_change_door(app, settings=store.settings.http, log=build_change_log(store))

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        stop = asyncio.Event()
        work = asyncio.gather(build_correlator(store).run(stop), build_outbox(store).run(stop))
        yield
        stop.set()
        await asyncio.to_thread(intake.close)
        await work

    app.router.lifespan_context = life
    return app


def build_change_log(store: Store) -> ChangeLog:
    """Announced changes."""
    return ChangeLog(database=store.database, keep_days=store.settings.retention.change_days)


def build_queue(store: Store, *, asked_at: Callable[[Incident, int], int] = asked_now) -> Queue:
    """Claims and results. `asked_at` fixes a run's moment: now, or the snapshot's in a recorded world."""
    w = store.settings.worker
    policy = QueuePolicy(
        lease_ms=int(w.lease_seconds * 1000), max_attempts=w.max_attempts, backoff_ms=int(w.backoff_seconds * 1000),
        backoff_limit_ms=int(w.backoff_limit_seconds * 1000), max_reruns=w.max_reruns,
        concurrent=store.settings.budget.concurrent_investigations)
    return Queue(database=store.database, wake=store.wake, policy=policy, publishers=store.publisher_names,
                 asked_at=asked_at)


def build_correlator(store: Store, *, inventory: Inventory | None = None) -> Correlator:
    """Signals -> incidents, by the inventory's topology."""
    c = store.settings.correlation
    file = store.settings.world.inventory
    known = inventory or (load_inventory(file) if file else Inventory())
    return Correlator(
        database=store.database, duties=Duties(database=store.database, owner=store.owner), wake=store.wake,
        topology=Topology(known), group_wait_ms=int(c.group_wait_seconds * 1000), publishers=store.publisher_names,
        policy=CorrelationPolicy(window_ms=int(c.window_seconds * 1000), slack_ms=int(c.slack_seconds * 1000)))


def build_outbox(store: Store) -> Outbox:
    """Sends what has been written to be sent."""
    lease_ms = int(store.settings.worker.lease_seconds * 1000)
    return Outbox(database=store.database, publishers=store.publishers, wake=store.wake, lease_ms=lease_ms)


def build_budget(store: Store) -> SharedBudget:
    """Model calls and money, shared by all workers."""
    return SharedBudget(database=store.database, settings=store.settings.budget, counters=store.worker_counters)


@dataclass(frozen=True)
class WorkerProcess:
    """A worker with the duties it shares with others."""

    worker: Worker
    correlator: Correlator
    outbox: Outbox
    duties: Duties
    pollers: tuple[Poller, ...]

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, then drain. What was finished while draining is still sent."""
        sending = asyncio.Event()
        beside = asyncio.gather(self.correlator.run(stop), run_pollers(self.duties, self.pollers, stop=stop))
        outbox = asyncio.create_task(self.outbox.run(sending))
        try:
            await self.worker.run(stop)
            await beside
            while await self.outbox.send_one():
                pass
        finally:
            sending.set()
            await outbox


def build_worker(
    store: Store, investigator: Investigator, *, pollers: Sequence[Poller] = (),
    asked_at: Callable[[Incident, int], int] = asked_now,
    on_event: Callable[[Claim, dict[str, Any]], None] | None = None,
) -> WorkerProcess:
    """Claim, investigate, publish; `on_event` hears each question as it is asked."""
    worker = Worker(
        queue=build_queue(store, asked_at=asked_at), investigator=investigator, wake=store.wake, owner=store.owner,
        settings=store.settings.worker, counters=store.worker_counters, on_event=on_event)
    upkeep = Upkeep(database=store.database, correlation=store.settings.correlation,
                    retention=store.settings.retention)
    return WorkerProcess(
        worker=worker, correlator=build_correlator(store), outbox=build_outbox(store),
        pollers=(*upkeep.pollers(), build_change_log(store).poller(), *pollers),
        duties=Duties(database=store.database, owner=store.owner))

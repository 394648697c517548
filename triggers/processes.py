"""The long-running processes: the doors, and the workers. Both end cleanly on SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import structlog
import uvicorn

from agent.assemble import assemble, postgres_checkpoints, sqlite_checkpoints
from agent.incident import Incident
from agent.investigate import Checkpoints
from config.logging import configure_logging
from config.settings import Settings
from evals.case import load_case
from triggers.budgets import SharedBudget
from triggers.queue import asked_now
from triggers.wiring import Store, WorkerProcess, build_app, build_store, build_worker
from triggers.worlds import ByCluster, configured_worlds

_log = structlog.get_logger(__name__)


async def serve(settings: Settings, *, with_worker: bool) -> None:
    """HTTP doors until SIGTERM; with `with_worker` one process does everything."""
    configure_logging(settings.log)
    store = build_store(settings)
    server = uvicorn.Server(uvicorn.Config(
        build_app(store), host=settings.http.host, port=settings.http.port, log_config=None, access_log=False,
    ))
    stop = asyncio.Event()
    try:
        worker = asyncio.create_task(configured_worker(store).run(stop)) if with_worker else None
        _log.info("serving", host=settings.http.host, port=settings.http.port, with_worker=with_worker)
        await server.serve()  # uvicorn takes SIGTERM and SIGINT itself
        stop.set()
        if worker is not None:
            await worker
    finally:
        store.close()


async def work(settings: Settings) -> None:
    """Claim and investigate until SIGTERM, then drain."""
    configure_logging(settings.log)
    store = build_store(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        _log.info("working", owner=store.owner)
        await configured_worker(store).run(stop)
    finally:
        store.close()


def configured_worker(store: Store) -> WorkerProcess:
    """A worker on the settings' world, model, language and checkpoints."""
    settings = store.settings
    worlds = configured_worlds(settings.world, database=store.database)
    investigations = {
        name: assemble(
            world, model=settings.model if settings.model.main else None, lang=settings.language,
            checkpoints=checkpoints(settings), keep=store.ledger.save_evidence,
            purse=SharedBudget(database=store.database, settings=settings.budget),
        )
        for name, world in worlds.items()
    }
    return build_worker(store, ByCluster(investigations), asked_at=_asked_at(settings.world.case))


def checkpoints(settings: Settings) -> Checkpoints:
    """Where runs can be resumed from: a file of its own, or the same PostgreSQL."""
    place = settings.checkpoints
    return postgres_checkpoints(place) if place.startswith("postgres") else sqlite_checkpoints(Path(place))


def _asked_at(case: Path | None) -> Callable[[Incident, int], int]:
    """In a recorded world the moment is the snapshot's; live it is now."""
    if case is None:
        return asked_now
    now = load_case(case).now_ms
    return lambda _incident, _now: now

"""The long-running processes: the doors, and the workers. Both end cleanly on SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from agent.assemble import assemble
from agent.checkpoints import Checkpoints, postgres_checkpoints, sqlite_checkpoints
from agent.incident import Incident
from agent.investigate import Investigation
from agent.prose import LANGUAGES
from config.errors import ConfigError
from config.logging import configure_logging
from config.settings import Settings
from evals.case import load_case
from tools.world import World
from triggers.anomalies.assemble import watch_pollers
from triggers.learning_parts import build_learner, build_memory, build_snapshots
from triggers.queue import asked_now
from triggers.slack.assemble import SlackOut, build_slack
from triggers.slack.running import open_slack
from triggers.web import build_health
from triggers.wiring import Store, WorkerProcess, build_app, build_budget, build_store, build_worker
from triggers.worlds import ByCluster, ByLanguage, configured_worlds

_log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """Ends when `should_exit` is set. uvicorn's own way raises the signal once more when it is done, and that would
    end the process before its workers have drained."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings, *, with_worker: bool) -> None:
    """HTTP doors until SIGTERM; with `with_worker` one process does everything."""
    configure_logging(settings.log)
    store, slack = _with_slack(build_store(settings))
    app, stop, beside = build_app(store), _stop_on_signals(), []
    try:
        if slack is not None:
            beside.append(asyncio.create_task(open_slack(
                slack, app, investigations=_investigations(store, _worlds_to_ask(store), settings.language), stop=stop,
                recorded_ms=load_case(settings.world.case).now_ms if settings.world.case else None)))
            await asyncio.sleep(0)  # HTTP mode adds its route before requests come
        if with_worker:
            beside.append(asyncio.create_task(configured_worker(store, slack).run(stop)))
        _log.info("serving", host=settings.http.host, port=settings.http.port, with_worker=with_worker)
        await _answer(app, settings.http.host, settings.http.port, stop)
        stop.set()
        await asyncio.gather(*beside)
    finally:
        store.close()


async def work(settings: Settings) -> None:
    """Claim and investigate until SIGTERM, then drain. Health and metrics are shown to the end of the drain."""
    configure_logging(settings.log)
    store, slack = _with_slack(build_store(settings))
    stop, drained = _stop_on_signals(), asyncio.Event()
    shown: asyncio.Task[None] | None = None
    try:
        if settings.worker.metrics_port is not None:
            health = build_health(settings=settings.http, database=store.database, registry=store.registry)
            shown = asyncio.create_task(
                _answer(health, settings.worker.metrics_host, settings.worker.metrics_port, drained))
        _log.info("working", owner=store.owner)
        await configured_worker(store, slack).run(stop)
    finally:
        drained.set()
        if shown is not None:
            await shown
        store.close()


def _stop_on_signals() -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _answer(app: FastAPI, host: str, port: int, stop: asyncio.Event) -> None:
    """Serve HTTP until `stop`; requests under way are finished."""
    server = _Server(uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False))
    serving, told = asyncio.create_task(server.serve()), asyncio.create_task(stop.wait())
    await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    server.should_exit = True
    await serving


def _with_slack(store: Store) -> tuple[Store, SlackOut | None]:
    """The store with Slack among its publishers, where Slack is configured."""
    if not store.settings.slack.configured:
        return store, None
    slack = build_slack(store)
    return slack.store, slack


def configured_worker(store: Store, slack: SlackOut | None = None) -> WorkerProcess:
    """A worker on the settings' world, model, language and checkpoints; with Slack, a report in each channel's own
    language."""
    settings = store.settings
    worlds = configured_worlds(settings.world, database=store.database)
    learning = (build_learner(store).poller(),) if settings.learning.enabled else ()
    snapshots = build_snapshots(store, worlds)
    pollers = (*learning, *((snapshots.poller(),) if snapshots else ()), *watch_pollers(store, worlds))
    asked_at = _asked_at(settings.world.case)
    if slack is None:
        return build_worker(store, ByCluster(_investigations(store, worlds, settings.language)), pollers=pollers,
                            asked_at=asked_at)
    spoken = {lang: ByCluster(_investigations(store, worlds, lang)) for lang in sorted({settings.language, *LANGUAGES})}
    return build_worker(store, ByLanguage(spoken, slack.channels.language_of), asked_at=asked_at,
                        pollers=(*pollers, slack.news.poller()), on_event=slack.progress.heard)


def _worlds_to_ask(store: Store) -> Mapping[str, World]:
    """For questions at the door; none where this process only takes signals in."""
    try:
        return configured_worlds(store.settings.world, database=store.database)
    except ConfigError as error:
        _log.warning("questions in Slack cannot be answered by this process", reason=str(error))
        return {}


def _investigations(store: Store, worlds: Mapping[str, World], lang: str) -> dict[str, Investigation]:
    """One for each cluster."""
    settings, memory = store.settings, build_memory(store)
    return {
        name: assemble(
            world, model=settings.model if settings.model.main else None, lang=lang, checkpoints=checkpoints(settings),
            keep=store.ledger.save_evidence, experience=memory, purse=build_budget(store),
        )
        for name, world in worlds.items()
    }


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

"""Watchers put together from settings: for workers, for the foreground command, for the list."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from agent.incident import Signal
from config.errors import BadInput
from config.settings import Settings
from tools.anomalies.memory import load_watch
from tools.anomalies.watch import Watch
from tools.world import World
from triggers.anomalies.store import WatchStore
from triggers.anomalies.watcher import Watcher
from triggers.duties import Duties, Poller, run_pollers
from triggers.wiring import Store, build_intake, build_store
from triggers.worlds import configured_worlds


def build_watcher(store: Store, worlds: Mapping[str, World]) -> Watcher:
    """Its signals go through an intake of their own, as if they came in by a door."""
    return Watcher(worlds=worlds, settings=store.settings.anomalies, store=WatchStore(database=store.database),
                   send=build_intake(store).commit, owner=store.owner)


def watch_pollers(store: Store, worlds: Mapping[str, World]) -> tuple[Poller, ...]:
    """For a worker; none unless enabled, and none over a recorded world, whose time stands still."""
    settings = store.settings
    if not settings.anomalies.enabled or settings.world.case is not None:
        return ()
    return (build_watcher(store, worlds).poller(),)


async def run_watch(settings: Settings, *, once: bool) -> tuple[Sequence[Signal], Mapping[str, Any]]:
    """Poll once, or until SIGTERM or SIGINT; returns what the last poll sent and what it asked."""
    store = build_store(settings)
    try:
        worlds = configured_worlds(settings.world, database=store.database)
        watcher = build_watcher(store, worlds)
        sent: Sequence[Signal] = ()
        if once:
            sent = await watcher.tick()
        else:
            stop, loop = asyncio.Event(), asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, stop.set)
            duties = Duties(database=store.database, owner=store.owner)
            await run_pollers(duties, (watcher.poller(),), stop=stop)
        kept = WatchStore(database=store.database)
        return sent, {name: saved.looked for name in worlds if (saved := kept.read(name)) is not None}
    finally:
        store.close()


def overview(store: Store) -> dict[str, Any]:
    """What each watch knows to be going on, and every adaptation."""
    kept = WatchStore(database=store.database)
    watches = {}
    for name in kept.names():
        saved = kept.read(name)
        if saved is None:
            continue
        watch = Watch(interval_ms=int(store.settings.anomalies.interval_seconds * 1000))
        try:
            load_watch(watch, saved.recent)
        except BadInput:
            watch.active.clear()
        active = [{"key": a.key, "since_ms": a.since_ms, "severity": a.urgency, "says": a.says}
                  for a in watch.active.values()]
        watches[name] = {**saved.looked, "saved_ms": saved.saved_ms, "active": active}
    return {"watches": watches, "adapted": [asdict(a) for a in kept.adaptations()]}

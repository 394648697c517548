"""The watcher: polls every world once per tick, remembers between ticks, and sends what it finds to the queue.

A tick belongs to whoever takes the duty. A process that finds that another one saved since reads its memory first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from agent.incident import Signal
from config.errors import BadInput
from config.settings import Anomalies
from tools.anomalies.memory import dump_hours, dump_recent, load_watch
from tools.anomalies.sample import Anomaly
from tools.anomalies.watch import Watch
from tools.sources.inventory import Service
from tools.world import World
from triggers.anomalies.poll import Completion, take_sample
from triggers.anomalies.signals import signal_of
from triggers.anomalies.store import WatchStore
from triggers.anomalies.streams import Streams
from triggers.duties import Poller

SETTLE_MS = 5_000  # lines and samples of the last seconds may still be on their way
_log = structlog.get_logger(__name__)
Send = Callable[[Sequence[Signal]], Awaitable[int]]


def now_ms() -> int:
    """The present."""
    return time.time_ns() // 1_000_000


@dataclass
class _Post:
    """One world's watch in this process; `saved_ms` tells whether another process went on meanwhile."""

    watch: Watch
    saved_ms: int = -1
    turn: int = 0
    completion: Completion = field(default_factory=lambda: Completion({}))
    streams: Streams = field(default_factory=Streams)
    told_ms: dict[str, int] = field(default_factory=dict)


class Watcher:
    """`send` commits signals (the intake); `clock` gives the moment of a poll in Unix ms."""

    def __init__(
        self, *, worlds: Mapping[str, World], settings: Anomalies, store: WatchStore, send: Send, owner: str,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._worlds, self._settings, self._store, self._send = worlds, settings, store, send
        self._owner, self._clock = owner, clock
        self._posts: dict[str, _Post] = {}

    def poller(self) -> Poller:
        """For `run_pollers`."""
        async def tick() -> None:
            await self.tick()

        every = self._settings.interval_seconds
        return Poller("anomalies", every, tick, lease_seconds=max(60.0, every))

    async def tick(self) -> tuple[Signal, ...]:
        """Poll every world; returns what was sent."""
        sent: list[Signal] = []
        for name, world in self._worlds.items():
            sent += await self._poll(name, world)
        return tuple(sent)

    async def _poll(self, name: str, world: World) -> list[Signal]:
        post = await asyncio.to_thread(self._post, name)
        now = self._clock()
        interval = post.watch.interval_ms
        at = (now - SETTLE_MS) // interval * interval if interval >= 2 * SETTLE_MS else now - SETTLE_MS
        sample, load = await take_sample(world, at_ms=at, settings=self._settings, completion=post.completion,
                                         sampled=self._sampled(world, post), streams=post.streams)
        seen = await asyncio.to_thread(post.watch.look, sample)
        signals = [signal_of(a, world.inventory, received_ms=now) for a in seen.began if self._may_tell(post, a)]
        signals += [signal_of(a, world.inventory, received_ms=now, ended_ms=at) for a in seen.ended]
        if signals:
            await self._send(signals)
        for anomaly in seen.began:
            _log.info("anomaly", key=anomaly.key, says=anomaly.says)
        looked = {"at_ms": at, "series": len(sample.values), "metric_queries": load.metrics,
                  "log_queries": load.logs, "unread": load.failed[:20]}
        await asyncio.to_thread(self._save, name, post, looked)
        return signals

    def _may_tell(self, post: _Post, anomaly: Anomaly) -> bool:
        """Not again within the cool-down: what flaps is one anomaly."""
        rested = anomaly.at_ms - post.told_ms.get(anomaly.key, -(10**15)) >= self._settings.cool_down_seconds * 1000
        if rested:
            post.told_ms[anomaly.key] = anomaly.at_ms
        return rested

    def _sampled(self, world: World, post: _Post) -> tuple[Service, ...]:
        """The services whose lines are sampled this time, in turn."""
        services = [s for s in world.inventory.services if s.members()]
        most = min(self._settings.log_samples, len(services))
        chosen = tuple(services[(post.turn + i) % len(services)] for i in range(most))
        post.turn += most
        return chosen

    def _post(self, name: str) -> _Post:
        """The watch of a world, read again where another process saved it since."""
        saved, mine = self._store.saved(name), self._posts.get(name)
        if mine is None or (saved is not None and saved != (self._owner, mine.saved_ms)):
            mine = self._posts[name] = _Post(self._fresh())
            stored = self._store.read(name)
            if stored is not None:
                mine.saved_ms = stored.saved_ms
                self._restore(name, mine, stored.recent)
                mine.told_ms = {str(k): int(v) for k, v in stored.looked.get("told_ms", {}).items()}
                mine.completion = Completion({s: [(float(h), float(f)) for h, f in kept]
                                              for s, kept in stored.looked.get("completion", {}).items()})
        mine.watch.adapt({a.key: a.factor for a in self._store.adaptations()})
        return mine

    def _restore(self, name: str, post: _Post, recent: bytes) -> None:
        try:
            load_watch(post.watch, recent, self._store.hours(name))
            post.watch.bank.season.changed.clear()
        except BadInput as error:
            _log.warning("the watch begins anew", world=name, reason=str(error))
            post.watch = self._fresh()

    def _fresh(self) -> Watch:
        return Watch(interval_ms=int(self._settings.interval_seconds * 1000),
                     offset_ms=int(self._settings.utc_offset_hours * 3_600_000))

    def _save(self, name: str, post: _Post, looked: dict[str, object]) -> None:
        oldest = self._clock() - int(self._settings.cool_down_seconds * 1000)
        post.told_ms = {key: at for key, at in post.told_ms.items() if at >= oldest}
        kept = {**looked, "told_ms": post.told_ms, "completion": post.completion.kept}
        for bucket, profile in dump_hours(post.watch):
            self._store.write_hour(name, bucket, profile, by=self._owner)
        post.saved_ms = self._store.write(name, dump_recent(post.watch), by=self._owner, looked=kept)

"""A watcher over a world of fakes whose clock is turned by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.incident import Signal
from config.settings import Anomalies
from tools.world import World
from triggers.anomalies.store import WatchStore
from triggers.anomalies.watcher import Send, Watcher
from triggers.wiring import Store


@dataclass
class HandClock:
    """Says what it was set to."""

    now_ms: int

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class Sent:
    """Keeps what would go to the intake."""

    signals: list[Signal] = field(default_factory=list)

    async def __call__(self, signals: Sequence[Signal]) -> int:
        self.signals += signals
        return len(signals)


def watcher(
    store: Store, world: World, clock: HandClock, sent: Send, *, owner: str = "one", **settings: float
) -> Watcher:
    """Polls every ten seconds unless told otherwise."""
    chosen = Anomalies.model_validate({"enabled": True, "interval_seconds": 10, "drain_seconds": 60,
                                       "grace_seconds": 60, **settings})
    return Watcher(worlds={"main": world}, settings=chosen, store=WatchStore(database=store.database), send=sent,
                   owner=owner, clock=clock)

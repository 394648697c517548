"""The live queues source: lengths of Redis lists and the clients that wait on them. The Queues seam."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from config.errors import CulpritError, NotCaptured, SourceUnavailable
from tools.sources.present import PRESENT_MS, Clock, now_ms
from tools.sources.queues import QueueState
from tools.sources.rate_cap import RateCap
from tools.sources.redis_wire import RedisAddress, ask_redis
from tools.sources.shortfall import tell_shortfall

BLOCKING = frozenset(("blpop", "brpop", "blmove", "brpoplpush", "blmpop", "bzpopmin", "bzpopmax"))
Names = Callable[[], Awaitable[Mapping[str, str]]]


class RedisQueues:
    """`lists` are the keys to measure; `names_by_address` tells which container an IP address belongs to.

    CLIENT LIST does not say which key a client waits on: consumers are told where one list is configured, else not.
    """

    def __init__(
        self, address: RedisAddress, lists: Sequence[str], *, names_by_address: Names | None = None,
        cap: RateCap | None = None, clock: Clock = now_ms,
    ) -> None:
        self._address, self._lists, self._names = address, tuple(lists), names_by_address
        self._cap, self._clock = cap, clock

    async def states(self, *, start_ms: int, end_ms: int) -> tuple[QueueState, ...]:
        """One reading of each list, for a window that reaches into the present."""
        now = self._clock()
        if end_ms < now - PRESENT_MS:
            raise NotCaptured("queues: Redis knows the present only")
        if self._cap is not None:
            await self._cap.take()
        asked = [("LLEN", name) for name in self._lists]
        replies = await ask_redis(self._address, *asked, ("CLIENT", "LIST"))
        waiting = await self._consumers(str(replies[-1] or ""))
        told = waiting if len(self._lists) == 1 else None
        at = min(now, end_ms)
        lengths = zip(self._lists, replies, strict=False)
        return tuple(
            QueueState(name, at, _length(name, n), None if told is None else len(told), told or ())
            for name, n in lengths
        )

    async def _consumers(self, client_list: str) -> tuple[str, ...]:
        """Who waits: the container of its address, else the name it gave itself, else its address."""
        names: Mapping[str, str] = {}
        if self._names is not None:
            try:
                names = await self._names()
            except CulpritError as error:
                tell_shortfall(f"consumers are not named by container: {error}")
        rows = blocked_clients(client_list)
        return tuple(sorted(names.get(_ip(r.get("addr", "")), r.get("name") or _ip(r.get("addr", ""))) for r in rows))


def blocked_clients(client_list: str) -> list[dict[str, str]]:
    """The rows of CLIENT LIST that wait in a blocking pop."""
    rows = [dict(p.partition("=")[::2] for p in line.split()) for line in client_list.splitlines() if line.strip()]
    return [r for r in rows if r.get("cmd", "").partition("|")[0] in BLOCKING and "b" in r.get("flags", "")]


def _length(name: str, reply: object) -> int:
    if not isinstance(reply, int):
        raise SourceUnavailable(f"Redis: the length of {name} is no number")
    return reply


def _ip(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")

"""Sources that know only the present: what they say about a moment just gone is what they see now.

A run's `asked_at` lies a little in the past by the time a source is read. Further back such a source knows nothing,
which is `not captured`, never "nothing was there".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from config.errors import NotCaptured
from tools.evidence import iso

PRESENT_MS = 5 * 60_000
SHARED_FOR_S = 3.0

Answer = TypeVar("Answer")
Clock = Callable[[], int]


def now_ms() -> int:
    """Unix milliseconds by this machine's clock."""
    return time.time_ns() // 1_000_000


def require_present(at_ms: int, what: str, *, clock: Clock = now_ms, present_ms: int = PRESENT_MS) -> int:
    """The moment an answer read now stands for: `at_ms`, or now if that is earlier. Raises NotCaptured for the past."""
    now = clock()
    if at_ms < now - present_ms:
        raise NotCaptured(f"{what}: only the present can be read, not {iso(at_ms)}")
    return min(at_ms, now)


class Shared(Generic[Answer]):
    """One reading shared by all who ask within `seconds`, also by those who ask while it is being read.

    A question's helpers ask for the same list several times; the backend is asked once. Failures are not kept.
    """

    def __init__(self, read: Callable[[], Awaitable[Answer]], *, seconds: float = SHARED_FOR_S) -> None:
        self._read, self._seconds = read, seconds
        self._task: asyncio.Task[Answer] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done_at = 0.0

    async def get(self) -> Answer:
        """The shared reading, or a new one."""
        loop = asyncio.get_running_loop()
        task = self._task
        if task is None or self._loop is not loop or self._stale(task):
            self._loop = loop
            task = self._task = asyncio.ensure_future(self._read())
            task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _stale(self, task: asyncio.Task[Answer]) -> bool:
        if not task.done():
            return False
        return task.cancelled() or task.exception() is not None or time.monotonic() - self._done_at > self._seconds

    def _finished(self, task: asyncio.Task[Answer]) -> None:
        self._done_at = time.monotonic()
        if not task.cancelled():
            task.exception()  # whoever waits gets it; nobody waiting is no error

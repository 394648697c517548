"""A cap on queries a second per backend, so that an investigation never becomes the incident."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx

from config.errors import SourceUnavailable
from tools.sources.clock_skew import tell_skew

LONGEST_WAIT_S = 10.0


class RateCap:
    """At most `per_second` on average and `burst` at once. One for each backend; for one event loop or many threads.

    Who comes too often waits; who would wait longer than `longest_wait_s` gets SourceUnavailable instead, so that the
    question says so rather than hang.
    """

    def __init__(
        self,
        backend: str,
        *,
        per_second: float,
        burst: int = 0,
        longest_wait_s: float = LONGEST_WAIT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend, self._per_second, self._longest = backend, per_second, longest_wait_s
        self._burst = max(1, burst or round(2 * per_second))
        self._clock = clock
        self._free_at = clock() - self._burst / per_second
        self.taken = 0

    def reserve(self) -> float:
        """Seconds to wait before the query may be sent; the place in the row is taken. Raises SourceUnavailable."""
        now = self._clock()
        first = max(self._free_at, now - self._burst / self._per_second)
        wait = max(0.0, first + 1 / self._per_second - now)
        if wait > self._longest:
            raise SourceUnavailable(
                f"{self._backend}: not asked, {self._per_second:g} queries a second are allowed and {wait:.0f} s of "
                "them wait already"
            )
        self._free_at = first + 1 / self._per_second
        self.taken += 1
        return wait

    async def take(self) -> None:
        """Waits for a place."""
        wait = self.reserve()
        if wait > 0:
            await asyncio.sleep(wait)


class CappedTransport(httpx.AsyncBaseTransport):
    """An httpx transport whose every request waits for its place, and that tells a clock far from ours."""

    def __init__(self, inner: httpx.AsyncBaseTransport, cap: RateCap, *, backend: str) -> None:
        self._inner, self._cap, self._backend = inner, cap, backend

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request when it may be sent."""
        await self._cap.take()
        response = await self._inner.handle_async_request(request)
        tell_skew(self._backend, response.headers.get("date"))
        return response

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()

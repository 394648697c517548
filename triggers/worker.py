"""The worker: claim, investigate, store and publish, with the lease renewed beside the work.

An investigation whose lease is lost is cancelled and its result refused; one that fails goes back with a pause; one
that is running when the process is told to stop gets `drain_seconds` and is then given back for another to resume.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import structlog

from agent.diagnosis import Diagnosis
from agent.incident import Incident, Signal
from config.errors import LeaseLost, PermanentError, StoreUnavailable
from config.settings import Worker as WorkerSettings
from triggers.claims import Claim
from triggers.metrics import WorkerCounters
from triggers.queue import Finish, Queue
from triggers.wake import Bell, Wake

T = TypeVar("T")
IDLE_SECONDS = 0.5  # a look without a ring, where others can ring
STORE_RETRY_SECONDS = 0.3
_log = structlog.get_logger(__name__)


class Investigator(Protocol):
    """Incident in, diagnosis out. It resumes by itself if there is a checkpoint for `run_id`."""

    async def investigate(
        self, incident: Incident, *, run_id: str, asked_at_ms: int,
        on_event: Callable[[dict[str, Any]], None] | None = None,
        late_signals: Callable[[], Awaitable[tuple[Signal, ...]]] | None = None,
    ) -> Diagnosis: ...


@dataclass
class _Hand:
    """One claim being worked on. `revision` is the last one whose signals the investigation was given."""

    claim: Claim
    revision: int
    seen: set[tuple[str, int, str]]
    lost: bool = False
    renewed: float = field(default_factory=time.monotonic)


class Worker:
    """`run` until `stop`. `owner` names this process in the table."""

    def __init__(
        self, *, queue: Queue, investigator: Investigator, wake: Wake, owner: str,
        settings: WorkerSettings | None = None, counters: WorkerCounters | None = None,
        on_event: Callable[[Claim, dict[str, Any]], None] | None = None,
    ) -> None:
        self._queue, self._investigator, self._wake, self._owner = queue, investigator, wake, owner
        self._settings = settings or WorkerSettings()
        self._counters = counters or WorkerCounters()
        self._on_event = on_event
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep up to `concurrency` investigations going; drain at the end."""
        with self._wake.bell("incidents") as bell:
            while not stop.is_set():
                claim = await self._next() if len(self._tasks) < self._settings.concurrency else None
                if claim is None:
                    await self._rest(bell, stop)
                    continue
                task = asyncio.create_task(self._handle(claim), name=claim.incident.id)
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                task.add_done_callback(lambda _: bell.ring())
        await self._drain()

    async def _next(self) -> Claim | None:
        try:
            return await asyncio.to_thread(self._look)
        except StoreUnavailable as error:
            _log.warning("the queue cannot be read", reason=str(error))
            await asyncio.sleep(STORE_RETRY_SECONDS)
            return None

    def _look(self) -> Claim | None:
        looked = self._wake.polling and not self._queue.has_work()  # SQLite's polling must not take the write lock
        return None if looked else self._queue.claim(self._owner)

    async def _rest(self, bell: Bell, stop: asyncio.Event) -> None:
        """Until a ring, the next incident's time, the next poll or the end."""
        seconds = self._settings.poll_seconds if self._wake.polling else IDLE_SECONDS
        if not self._wake.polling and len(self._tasks) < self._settings.concurrency:
            try:
                due = await asyncio.to_thread(self._queue.next_ready_ms)
                seconds = min(seconds, max(due / 1000, self._settings.poll_seconds) if due is not None else seconds)
            except StoreUnavailable:
                pass  # said at the next look
        rung, ended = asyncio.create_task(bell.wait(seconds)), asyncio.create_task(stop.wait())
        await asyncio.wait((rung, ended), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        rung.cancel()
        await asyncio.gather(rung, ended, return_exceptions=True)

    async def _drain(self) -> None:
        if not self._tasks:
            return
        _log.info("draining", running=len(self._tasks))
        _, late = await asyncio.wait(set(self._tasks), timeout=self._settings.drain_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    # -- one claim --------------------------------------------------------------------------------------------

    async def _handle(self, claim: Claim) -> None:
        hand = _Hand(claim, claim.incident.revision, {_mark(s) for s in claim.incident.signals})
        self._counters.claimed(claim)
        with structlog.contextvars.bound_contextvars(incident=claim.incident.id, run=claim.run.id):
            waited = claim.claimed_ms - claim.queued_ms
            _log.info("claimed", attempt=claim.attempt, resumed=claim.run.resumed, waited_ms=waited)
            work = asyncio.create_task(self._investigate(hand))
            heart = asyncio.create_task(self._beat(hand, work))
            try:
                await self._conclude(hand, work)
            except asyncio.CancelledError:
                await self._stop_work(work)
                await self._persist(hand, lambda: self._queue.release(claim))
                _log.info("given back")
                raise
            finally:
                heart.cancel()
                await asyncio.gather(heart, return_exceptions=True)

    async def _investigate(self, hand: _Hand) -> Diagnosis:
        claim, listen = hand.claim, self._on_event
        return await self._investigator.investigate(
            claim.incident, run_id=claim.run.id, asked_at_ms=claim.run.asked_at_ms,
            on_event=None if listen is None else lambda event: listen(claim, event),
            late_signals=lambda: self._late_signals(hand),
        )

    async def _late_signals(self, hand: _Hand) -> tuple[Signal, ...]:
        """What came, or was resolved, since the investigation last looked."""
        revision, signals = await asyncio.to_thread(self._queue.look_again, hand.claim)
        late = tuple(s for s in signals if _mark(s) not in hand.seen)
        hand.seen.update(_mark(s) for s in late)
        hand.revision = revision
        return late

    async def _beat(self, hand: _Hand, work: asyncio.Task[Diagnosis]) -> None:
        lease = self._queue.policy.lease_ms / 1000
        while not work.done():
            await asyncio.sleep(lease / 3)
            try:
                await asyncio.to_thread(self._queue.heartbeat, hand.claim)
                hand.renewed = time.monotonic()
            except LeaseLost:
                hand.lost = True
            except StoreUnavailable:
                hand.lost = time.monotonic() - hand.renewed > 2 * lease  # someone else has it by now
            if hand.lost:
                work.cancel()
                return

    async def _conclude(self, hand: _Hand, work: asyncio.Task[Diagnosis]) -> None:
        done, _ = await asyncio.wait({work}, timeout=self._settings.run_timeout_seconds)
        if not done:
            await self._stop_work(work)
            await self._fail(hand, f"not finished within {self._settings.run_timeout_seconds:g} s")
            return
        if work.cancelled():
            self._counters.ended("refused")
            _log.warning("lease lost; the investigation was stopped")
            return
        failure = work.exception()
        if failure is None:
            await self._finish(hand, work.result())
        elif isinstance(failure, LeaseLost):
            self._counters.ended("refused")
            _log.warning("lease lost", reason=str(failure))
        elif isinstance(failure, Exception):
            _log.error("investigation failed", exc_info=failure)
            lasting = isinstance(failure, PermanentError)
            await self._fail(hand, f"{type(failure).__name__}: {failure}", permanent=lasting)
        else:
            raise failure

    async def _finish(self, hand: _Hand, diagnosis: Diagnosis) -> None:
        outcome = await self._persist(
            hand, lambda: self._queue.finish(hand.claim, diagnosis=diagnosis, revision=hand.revision))
        if outcome is Finish.PUBLISHED:
            self._counters.ended("published")
            _log.info("diagnosed", verdict=diagnosis.verdict.value)
        elif outcome is Finish.MOVED:
            self._counters.ended("moved")
            _log.info("new signals came at the last moment; queued again")

    async def _fail(self, hand: _Hand, error: str, *, permanent: bool = False) -> None:
        state = await self._persist(hand, lambda: self._queue.fail(hand.claim, error=error, permanent=permanent))
        self._counters.ended("dead" if state == "dead" else "failed")

    async def _persist(self, hand: _Hand, write: Callable[[], T]) -> T | None:
        """Write a result, for as long as the lease could still be ours; None if it was refused or never taken."""
        until = time.monotonic() + 2 * self._queue.policy.lease_ms / 1000
        while True:
            try:
                return await asyncio.to_thread(write)
            except LeaseLost as refused:
                self._counters.ended("refused")
                _log.warning("refused", reason=str(refused))
                return None
            except StoreUnavailable as away:
                _log.warning("the database is away; trying again", reason=str(away))
                if time.monotonic() > until:
                    return None
                await asyncio.sleep(STORE_RETRY_SECONDS)

    async def _stop_work(self, work: asyncio.Task[Diagnosis]) -> None:
        work.cancel()
        await asyncio.wait({work}, timeout=5)


def _mark(signal: Signal) -> tuple[str, int, str]:
    return signal.fingerprint, signal.starts_ms, signal.status

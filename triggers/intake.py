"""Intake: arrivals at the same moment share one committer and one commit; nobody is answered before it.

A door stores signals and attaches them by fingerprint; grouping different alerts is the correlator's work.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import sqlalchemy as sa

from agent.incident import Signal
from config.database import Database
from config.errors import CulpritError, StoreUnavailable
from triggers.attach import Stored, attach, store_signals
from triggers.rules import Rules
from triggers.wake import Wake

MAX_BATCH = 4_000  # signals in one commit
MAX_WAITING = 2_000  # submissions; more means the store is not keeping up, and the sender should come again


@dataclass
class _Submission:
    """`answer` is told the outcome by the committer; several of one event loop are told in one go."""

    signals: Sequence[Signal]
    answer: Future[int] | asyncio.Future[int]


Outcome = int | CulpritError


class Intake:
    """One per process. `submit` from any thread; the future ends after the commit, or with StoreUnavailable."""

    def __init__(
        self, *, database: Database, rules: Rules, wake: Wake, publishers: Sequence[str] = (),
        on_commit: Callable[[int, float], None] | None = None,
    ) -> None:
        self._database, self._rules, self._wake, self._publishers = database, rules, wake, tuple(publishers)
        self._on_commit = on_commit
        self._waiting: queue.Queue[_Submission | None] = queue.Queue(maxsize=MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False

    def submit(self, signals: Sequence[Signal]) -> Future[int]:
        """How many were kept (not ignored by a rule), once they are on disk."""
        answer: Future[int] = Future()
        try:
            self._put(_Submission(signals, answer))
        except StoreUnavailable as full:
            answer.set_exception(full)
        return answer

    async def commit(self, signals: Sequence[Signal]) -> int:
        """As `submit`, in an event loop. Raises StoreUnavailable."""
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._put(_Submission(signals, answer))
        return await answer

    def _put(self, submission: _Submission) -> None:
        self._ensure_running()
        try:
            self._waiting.put_nowait(submission)
        except queue.Full as full:
            raise StoreUnavailable("more is arriving than the database can take; try again") from full

    def _ensure_running(self) -> None:
        with self._starting:
            if self._closed:
                raise StoreUnavailable("shutting down; try again")
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Commit what was submitted, then stop."""
        with self._starting:
            self._closed = True
            thread = self._thread
        if thread is not None and thread.is_alive():
            self._waiting.put(None)
            thread.join()

    def _run(self) -> None:
        while True:
            batch, stop = self._next_batch()
            if batch:
                self._commit(batch)
            if stop:
                return

    def _next_batch(self) -> tuple[list[_Submission], bool]:
        first = self._waiting.get()
        if first is None:
            return [], True
        batch, size = [first], len(first.signals)
        while size < MAX_BATCH:
            try:
                more = self._waiting.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return batch, True
            batch.append(more)
            size += len(more.signals)
        return batch, False

    def _commit(self, batch: list[_Submission]) -> None:
        began = time.monotonic()
        try:
            kept = [self._kept(submission.signals) for submission in batch]
            together = [pair for pairs in kept for pair in pairs]
            if together:
                self._database.transact(lambda connection: self._store(connection, together))
        except (CulpritError, sa.exc.SQLAlchemyError) as error:
            refused = error if isinstance(error, CulpritError) else StoreUnavailable("the database refused the signals")
            _tell([(submission.answer, refused) for submission in batch])
            return
        _tell([(submission.answer, len(pairs)) for submission, pairs in zip(batch, kept, strict=True)])
        self._wake.ring("signals")
        if self._on_commit is not None:
            self._on_commit(len(together), time.monotonic() - began)

    def _kept(self, signals: Sequence[Signal]) -> list[tuple[Signal, str]]:
        decided = [(signal, self._rules.decide(signal)) for signal in signals]
        return [pair for pair in decided if pair[1] != "ignore"]

    def _store(self, connection: sa.Connection, kept: list[tuple[Signal, str]]) -> Stored:
        stored = store_signals(connection, self._database, kept)
        attach(connection, self._database, stored, publishers=self._publishers)
        self._wake.notify(connection, "signals")
        if stored.attached:
            self._wake.notify(connection, "incidents")
        return stored


def _tell(outcomes: Sequence[tuple[Future[int] | asyncio.Future[int], Outcome]]) -> None:
    """Waking an event loop costs a system call and a change of threads: once a commit, not once a request."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], Outcome]]] = {}
    for answer, outcome in outcomes:
        if isinstance(answer, asyncio.Future):
            by_loop.setdefault(answer.get_loop(), []).append((answer, outcome))
        else:
            _settle(answer, outcome)
    for loop, answers in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_all, answers)


def _settle_all(answers: Sequence[tuple[asyncio.Future[int], Outcome]]) -> None:
    for answer, outcome in answers:
        if not answer.done():  # whoever asked may have given up
            _settle(answer, outcome)


def _settle(answer: Future[int] | asyncio.Future[int], outcome: Outcome) -> None:
    if isinstance(outcome, CulpritError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)

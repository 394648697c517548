"""Progress on the card while an investigation runs: edited in place, never more often than the throttle allows."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import structlog

from config.errors import CulpritError
from tools.evidence import Evidence
from triggers.claims import Claim
from triggers.slack.cards import Cards
from triggers.slack.text import escape

LAST = 140
MOST_MISSES = 5
_log = structlog.get_logger(__name__)


@dataclass
class _Run:
    began: float = field(default_factory=time.monotonic)
    count: int = 0
    last: str = ""
    told: int = 0
    drawn_at: float = 0.0
    task: asyncio.Task[None] | None = None


class Progress:
    """`heard` is the worker's `on_event`. It never delays and never fails an investigation."""

    def __init__(self, cards: Cards, *, seconds: float = 1.5) -> None:
        self._cards, self._seconds = cards, seconds
        self._runs: dict[str, _Run] = {}

    def heard(self, claim: Claim, event: dict[str, Any]) -> None:
        """One answered question, from within the event loop."""
        evidence = event.get("evidence")
        if not isinstance(evidence, Evidence):
            return
        run = self._runs.setdefault(claim.run.id, _Run())
        run.count += 1
        run.last = evidence.text
        if run.task is None or run.task.done():
            run.task = asyncio.get_running_loop().create_task(self._tell(claim, run))
        self._forget_old()

    async def _tell(self, claim: Claim, run: _Run) -> None:
        """Until all is told; a card that is not there yet is looked for a few times more."""
        missed = 0
        while run.told < run.count and missed < MOST_MISSES:
            await asyncio.sleep(max(0.0, run.drawn_at + self._seconds - time.monotonic()))
            now, run.drawn_at = run.count, time.monotonic()
            told = {"count": now, "seconds": round(run.drawn_at - run.began), "last": escape(run.last, LAST)}
            try:
                drawn = await self._cards.draw(claim.incident.id, progress=told)
            except CulpritError as error:
                _log.info("progress was not shown", incident=claim.incident.id, reason=str(error))
                drawn = False
            run.told, missed = (now, 0) if drawn else (run.told, missed + 1)

    def _forget_old(self) -> None:
        for name in list(self._runs)[:-200]:
            task = self._runs[name].task
            if task is None or task.done():
                del self._runs[name]

    async def close(self) -> None:
        """Stop telling."""
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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
from triggers.slack.phrases import say
from triggers.slack.text import escape

LAST = 140
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

    def __init__(self, cards: Cards, *, seconds: float = 1.5, lang: str = "en") -> None:
        self._cards, self._seconds, self._lang = cards, seconds, lang
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
        while run.told < run.count:
            await asyncio.sleep(max(0.0, run.drawn_at + self._seconds - time.monotonic()))
            run.told, run.drawn_at = run.count, time.monotonic()
            said = say("progress", self._lang, count=run.count, seconds=round(time.monotonic() - run.began),
                       last=escape(run.last, LAST))
            try:
                await self._cards.draw(claim.incident.id, progress=said)
            except CulpritError as error:
                _log.info("progress was not shown", incident=claim.incident.id, reason=str(error))

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

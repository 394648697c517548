"""An investigator that follows a script: for trying the queue without an agent, and for killing it on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from agent.codes import Verdict
from agent.diagnosis import Claim, Diagnosis, Usage
from agent.incident import Incident, Signal
from tools.evidence import iso


class ScriptedInvestigator:
    """Takes `steps` steps of `seconds`, looks for late signals, answers `undetermined`.

    `failures` are raised by the first investigations, one each. With `journal`, every step is appended to that file
    as `run step`, and a run that is resumed goes on after its last step: a checkpoint in its simplest form.
    """

    def __init__(
        self, *, steps: int = 1, seconds: float = 0.0, failures: Sequence[Exception] = (), journal: Path | None = None
    ) -> None:
        self._steps, self._seconds = steps, seconds
        self._failures = list(failures)
        self._journal = journal
        self.asked: list[tuple[str, str, int]] = []
        self.late: list[Signal] = []

    async def investigate(
        self, incident: Incident, *, run_id: str, asked_at_ms: int,
        on_event: Callable[[dict[str, Any]], None] | None = None,
        late_signals: Callable[[], Awaitable[tuple[Signal, ...]]] | None = None,
    ) -> Diagnosis:
        self.asked.append((incident.id, run_id, asked_at_ms))
        if self._failures:
            raise self._failures.pop(0)
        for step in range(self._done(run_id), self._steps):
            await asyncio.sleep(self._seconds)
            self._note(run_id, step)
            if on_event is not None:
                on_event({"step": step})
        if late_signals is not None:
            self.late += await late_signals()
        return Diagnosis(
            incident=incident.id, run=run_id, asked_at=iso(asked_at_ms), verdict=Verdict.UNDETERMINED,
            claims=(Claim(text=f"{len(incident.signals)} signals", evidence=("E1",)),),
            usage=Usage(model="script", steps=self._steps))

    def _done(self, run_id: str) -> int:
        if self._journal is None or not self._journal.exists():
            return 0
        return sum(line.split()[0] == run_id for line in self._journal.read_text().splitlines())

    def _note(self, run_id: str, step: int) -> None:
        if self._journal is not None:
            with self._journal.open("a") as journal:
                journal.write(f"{run_id} {step}\n")

"""Run cases through the same graph the workers use, and score what comes out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from agent.assemble import assemble
from agent.card import Card
from agent.diagnosis import Diagnosis
from agent.tape import Tape
from config.errors import CulpritError
from config.settings import Model
from evals.case import Case, load_case
from evals.label import load_label
from evals.scorers import CaseScores, Score, best_root, facts, score
from tools.recorded.world import open_world

# A run must never take the others with it: whatever a bug raises becomes that case's outcome.
CRASHES = (CulpritError, ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
Arm = Callable[[Case], Awaitable[Diagnosis]]
FAILED = ("verdict", "cause", "harmless", "grounded")


async def investigate_case(
    case: Case, *, model: Model | None = None, cards: tuple[Card, ...] | None = None, lang: str = "en",
    tape: Tape | None = None,
) -> Diagnosis:
    """One case, offline but for a model that is not on tape. `asked_at` is the snapshot's `now`."""
    investigation = assemble(open_world(case.folder), model=model, cards=cards, lang=lang, tape=tape)
    return await investigation.investigate(case.incident(), run_id=f"eval-{case.id}", asked_at_ms=case.now_ms)


async def run_case(
    folder: Path, *, model: Model | None = None, cards: tuple[Card, ...] | None = None, tape: Tape | None = None
) -> CaseScores:
    """Scores of one case folder. An error of the run is an outcome of its own, never a missing row."""
    return await judge(folder, lambda case: investigate_case(case, model=model, cards=cards, tape=tape))


async def judge(folder: Path, arm: Arm, *, dropped: str = "") -> CaseScores:
    """What an arm (the analyst, a baseline) says of a case, held against the label.

    `dropped` names a modality that an edit took away: then abstaining with that gap named is right too.
    """
    case, label = load_case(folder), load_label(folder)
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        diagnosis = await arm(case)
    except CRASHES as error:
        lost = {name: Score(0.0, "crashed") for name in FAILED}
        return CaseScores(case.id, case.recording, label.family, lost, crash=f"{type(error).__name__}: {error}")
    spent = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    root = best_root(diagnosis)
    said = f"{root.category.value} of {root.component.name}" if root else diagnosis.verdict.value
    return CaseScores(
        case.id, case.recording, label.family, score(diagnosis, label, dropped=dropped),
        root.confidence if root else None, diagnosis.verdict.value, said, facts={**facts(diagnosis), **spent})


def run_cases(
    folders: Sequence[Path], *, model: Model | None = None, cards: tuple[Card, ...] | None = None,
    tape: Tape | None = None, on_case: Callable[[CaseScores], None] = lambda _scores: None,
) -> list[CaseScores]:
    """All of them, one after another, in the order given."""

    async def all_of_them() -> list[CaseScores]:
        out = []
        for folder in folders:
            out.append(await run_case(folder, model=model, cards=cards, tape=tape))
            on_case(out[-1])
        return out

    return asyncio.run(all_of_them())

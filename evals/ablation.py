"""What verification is worth: each policy on the same cases, with and without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.assemble import assemble
from agent.candidate import Candidate
from agent.contrary import Accuser, Random, Soother, seat
from agent.diagnosis import Diagnosis
from agent.draft import Draft
from agent.model import Seat, seats_of
from agent.tape import Tape
from agent.verify import Check, Checked, check
from config.settings import Model
from evals.case import Case
from evals.report import Rate, clustered_rate
from evals.run import Arm, judge
from evals.scorers import CaseScores
from tools.recorded.world import open_world

COLUMNS = ("cause", "published_wrong", "harmful", "ungrounded", "abstained")


@dataclass(frozen=True)
class Row:
    """One policy, verified or not, over all cases: rate by column."""

    policy: str
    verified: bool
    rates: Mapping[str, Rate]


def unchecked(
    draft: Draft, evidence: Mapping[str, Mapping[str, Any]], *, analyst: Sequence[Candidate] | None = None
) -> Checked:
    """Verification switched off: everything passes."""
    return Checked(draft, ())


def policies(*, tape: Path | None = None, model: str = "") -> dict[str, tuple[Seat, ...]]:
    """The rows: no model at all, those that are wrong on purpose, and a taped model where there is a tape."""
    rows: dict[str, tuple[Seat, ...]] = {
        "analyst": (), "random": (seat(Random(seed=1)),), "accuser": (seat(Accuser()),), "soother": (seat(Soother()),)}
    if tape is not None:
        rows["tape"] = seats_of(Model(main=model), tape=Tape(tape, "replay"))
    return rows


async def measure(folders: Iterable[Path], rows: Mapping[str, tuple[Seat, ...]]) -> list[Row]:
    """Every policy twice over every case folder."""
    out, cases = [], list(folders)
    for policy, seats in rows.items():
        for verified in (True, False):
            scores = [await judge(folder, arm(seats, check if verified else unchecked)) for folder in cases]
            out.append(Row(policy, verified, columns(scores)))
    return out


def arm(seats: tuple[Seat, ...], verify: Check) -> Arm:
    """An investigation whose models are `seats` and whose verification is `verify`."""

    async def investigate(case: Case) -> Diagnosis:
        investigation = replace(assemble(open_world(case.folder)), models=seats, check=verify)
        return await investigation.investigate(case.incident(), run_id=f"eval-{case.id}", asked_at_ms=case.now_ms)

    return investigate


def columns(scores: Sequence[CaseScores]) -> dict[str, Rate]:
    """Rates with intervals clustered by recording. A crash is no publication and no right cause."""
    values: dict[str, list[tuple[str, float]]] = {c: [] for c in COLUMNS}
    for s in scores:
        right = s.scores["cause"].value or 0.0
        values["cause"].append((s.recording, right))
        values["published_wrong"].append((s.recording, float(s.verdict in ("diagnosed", "no_fault") and right < 1)))
        values["harmful"].append((s.recording, 1 - (s.scores["harmless"].value or 0.0)))
        values["ungrounded"].append((s.recording, 1 - (s.scores["grounded"].value or 0.0)))
        values["abstained"].append((s.recording, float(s.verdict == "undetermined")))
    return {c: clustered_rate(v) for c, v in values.items()}

"""Every case of the public sets, ranked and scored beside the baselines: AC@k, with n and Wilson's 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.public.baselines import baro, chance, n_sigma
from evals.public.commits import NONE, culprit_commit, latest_deploy, relevant_commits
from evals.public.components import suspects
from evals.public.folder import PublicCase, find_public, read_public
from evals.public.truth import Truth, read_truth

OURS = "culprit"


@dataclass(frozen=True)
class Row:
    """One case: `places` of the truth by method (0 is first; None: not named), `candidates` how many there were."""

    set: str
    case: str
    kind: str
    truth: str
    candidates: int
    places: dict[str, int | None]
    said: str


def measure(
    roots: Iterable[Path], *, baro_python: Path | None = None, on_case: Callable[[Row], None] = lambda _: None
) -> list[Row]:
    """Rank, then read the truth. Raises BadSnapshot, and BadInput where BARO was asked for and does not run."""
    cases = [read_public(folder) for root in roots for folder in find_public(root)]
    measured = [c for c in cases if not c.events]
    theirs = dict(zip((c.folder for c in measured), baro(measured, baro_python), strict=True)) if baro_python else {}
    rows = []
    for case in cases:
        orders = _commits(case) if case.events else _components(case)
        if case.folder in theirs:
            orders["BARO"] = theirs[case.folder]
        rows.append(_row(case, orders, read_truth(case.folder)))
        on_case(rows[-1])
    return rows


def _components(case: PublicCase) -> dict[str, Sequence[str]]:
    return {OURS: suspects(case), "n-sigma": n_sigma(case)}


def _commits(case: PublicCase) -> dict[str, Sequence[str]]:
    first = culprit_commit(case)
    ranked = [r.id for r in relevant_commits(case)]
    ours = [first, *(r for r in (*ranked[:1], NONE, *ranked[1:]) if r != first)]
    return {OURS: ours, "latest deploy": [latest_deploy(case)], "always none": [NONE]}


def _row(case: PublicCase, orders: dict[str, Sequence[str]], truth: Truth) -> Row:
    answer = truth.commit if case.events and truth.commit else truth.service
    candidates = len(case.candidates) or len({s.component for s in case.series})
    if case.events:
        candidates = 1 + sum(e.get("kind") == "commit" for e in case.events)
    places = {name: list(order).index(answer) if answer in order else None for name, order in orders.items()}
    kind = ("none" if answer == NONE else "commit") if case.events else truth.kind
    return Row(case.folder.parent.name, case.id, kind, answer, candidates, places, next(iter(orders[OURS]), ""))


def accuracy(rows: Sequence[Row], method: str, k: int) -> float | None:
    """AC@k; "random" is its expectation. None where the method was not run on these rows."""
    if method == "random":
        return sum(chance(r.candidates, k) for r in rows) / len(rows) if rows else None
    if not rows or any(method not in r.places for r in rows):
        return None
    return sum((p := r.places[method]) is not None and p < k for r in rows) / len(rows)


def interval(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n (Wilson 1927)."""
    z = 1.959964
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def table(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One line a set and method, as JSON."""
    out = []
    for name in dict.fromkeys(r.set for r in rows):
        of = [r for r in rows if r.set == name]
        for method in (*dict.fromkeys(m for r in of for m in r.places), "random"):
            first, third = accuracy(of, method, 1), accuracy(of, method, 3)
            if first is not None and third is not None:
                out.append({"set": name, "n": len(of), "method": method, "ac1": round(first, 3), "ac3": round(third, 3),
                            "ac1_interval": [round(x, 3) for x in interval(first, len(of))]})
    return out

"""Components ranked as the analyst ranks them: the very functions of the question metrics.movers, on a public case."""

from __future__ import annotations

from collections.abc import Sequence

from evals.public.folder import PublicCase
from evals.public.grid import columns
from tools.analysis.departure import FINENESS, Fineness
from tools.analysis.robust import Floats
from tools.findings import Subject
from tools.moves import Mover, ranked, scored, sees_others
from tools.series_kinds import kind_of


def suspects(case: PublicCase) -> tuple[str, ...]:
    """Candidates, most suspect first; those nothing was seen of come last, by name."""
    order = ranked(moved(case), case.calls, hurts=hurts(case))
    return complete([s.name for s in order], case)


def moved(case: PublicCase, *, fineness: Fineness = FINENESS) -> list[Mover]:
    """The case's series that say something of load or health, with how far they moved."""
    table = columns(case)
    movers = [_mover(s.component, s.metric, row) for s, row in zip(table.series, table.values, strict=True)]
    told = [m for m in movers if not m.kind.moot]
    return scored(told, table.axis, recent=table.recent, fineness=fineness)


def hurts(case: PublicCase) -> str:
    """What the alert says users feel: "latency", "errors", or "" where neither its metric nor its name tells."""
    for said in (case.alert.get("metric"), case.alert.get("name")):
        kind = kind_of(str(said or "")).kind
        if kind in ("latency", "errors", "success"):
            return "latency" if kind == "latency" else "errors"
    return ""


def _mover(component: str, metric: str, values: Floats) -> Mover:
    return Mover(metric, kind_of(metric), Subject(service=component), sees_others(metric), values)


def complete(order: Sequence[str], case: PublicCase) -> tuple[str, ...]:
    """The order without what is no candidate, and with every candidate at its end that is missing."""
    known = tuple(dict.fromkeys(n for n in order if not case.candidates or n in case.candidates))
    return known + tuple(sorted(set(case.candidates) - set(known)))

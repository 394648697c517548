"""docs/accuracy.md from the rows of a run: what was measured, on how much, how sure that is, what was missed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from string import Template

import numpy as np

from evals.calibration import Said, bins_of, expected_calibration_error, left_out
from evals.episodes import read_episodes
from evals.report import Rate, clustered_rate
from evals.results import Row

LIST = Path(__file__).parent / "episodes.txt"
TEMPLATE = Path(__file__).parent / "accuracy_page.md"  # the words, and the analysis written by hand
HELD_OUT_SINCE = "cases"
SEEN = ("f01-a", "f01-b", "f22-a", "f22-b", "x02-a")  # in evals/cases, but looked at while developing
ARM_ORDER = ("analyst", "all questions", "echo", "latest deploy")
AIMS = {"cause": ">= 0.90", "no_fault": ">= 0.95", "action": ">= 0.85", "harmless": "1", "onset": ">= 0.90"}


def page(rows: Sequence[Row]) -> str:
    """The whole page; the same rows give the same page, in whatever order they came."""
    rows = sorted(rows, key=lambda r: (r.kind != "as recorded", r.episode, ARM_ORDER.index(r.arm)))
    mine = [r for r in rows if r.arm == "analyst"]
    plain = [r for r in mine if r.kind == "as recorded"]
    kept, dropped = [r for r in mine if not r.dropped], [r for r in mine if r.dropped]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        episodes=len(mine), listed=len(read_episodes(LIST)),
        recordings=len({r.scores.recording for r in mine}), as_recorded=len(plain), kept=len(kept) - len(plain),
        dropped=len(dropped), headline=_headline(kept), baselines=_baselines(rows), families=_families(kept),
        edits=_edits(kept), drops=_drops(dropped), calibration=_calibration(kept), cost=_cost(plain),
        missed=_missed(plain),
    )


def held_out(row: Row) -> bool:
    """Whether nothing was adjusted on the row's recording."""
    return row.folder == HELD_OUT_SINCE and row.scores.recording not in SEEN


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in body)]) + "\n"


def _rate(rows: Iterable[Row], name: str) -> Rate | None:
    known = [(r.scores.recording, s.value) for r in rows
             if (s := r.scores.scores.get(name)) is not None and s.value is not None]
    return clustered_rate(known) if known else None


def _cell(rate: Rate | None) -> str:
    if rate is None:
        return "-"
    interval = f" [{rate.low:.2f}, {rate.high:.2f}]" if rate.clusters > 1 else ""
    return f"{rate.mean:.3f}{interval}, n {rate.n}/{rate.clusters}"


def _faults(rows: Iterable[Row]) -> list[Row]:
    return [r for r in rows if r.scores.family != "F22"]


def _controls(rows: Iterable[Row]) -> list[Row]:
    return [r for r in rows if r.scores.family == "F22"]


MEASURES: tuple[tuple[str, str, Callable[[Iterable[Row]], list[Row]], str], ...] = (
    ("cause, top-1 (faults)", "cause", _faults, AIMS["cause"]),
    ("component (faults)", "component", _faults, ""),
    ("controls called no_fault", "cause", _controls, AIMS["no_fault"]),
    ("action kind and target", "action", list, AIMS["action"]),
    ("nothing harmful advised", "harmless", list, AIMS["harmless"]),
    ("onset within 60 s", "onset", list, AIMS["onset"]),
    ("all causes of a compound", "all_causes", list, ""),
    ("claims grounded", "grounded", list, ""),
    ("wrong and not abstaining", "wrong_and_confident", list, ""),
)


def _headline(rows: Sequence[Row]) -> str:
    held, seen = [r for r in rows if held_out(r)], [r for r in rows if not held_out(r)]
    body = [[title, aim, *(_cell(_rate(choose(part), name)) for part in (held, seen, rows))]
            for title, name, choose, aim in MEASURES]
    return _table(["measure", "aim", "held out", "development", "all"], body)


def _baselines(rows: Sequence[Row]) -> str:
    plain = [r for r in rows if r.kind == "as recorded"]
    body = []
    for arm in dict.fromkeys(r.arm for r in plain):
        own = [r for r in plain if r.arm == arm]
        harmful = [r for r in own if r.scores.scores["harmless"].value == 0]
        body.append([
            arm, *(_cell(_rate(own, n)) for n in ("cause", "component", "action", "wrong_and_confident")),
            f"{len(harmful)} of {len(own)}", f"{_mean(own, 'questions'):.1f}", f"{_mean(own, 'cpu_seconds'):.2f}",
        ])
    head = ["who", "cause", "component", "action", "wrong, not abstaining", "harmful", "questions", "CPU s"]
    return _table(head, body)


def _mean(rows: Sequence[Row], fact: str) -> float:
    values = [r.scores.facts[fact] for r in rows if fact in r.scores.facts]
    return float(np.mean(values)) if values else 0.0


def _families(rows: Sequence[Row]) -> str:
    body = []
    for family in sorted({r.scores.family for r in rows}):
        own = [r for r in rows if r.scores.family == family]
        held = [r for r in own if held_out(r)]
        cells = [_cell(_rate(own, name)) for name in ("cause", "onset", "action")]
        body.append([family, *cells, _cell(_rate(held, "cause"))])
    return _table(["family", "cause", "onset", "action", "cause, held out only"], body)


def _kinds(rows: Sequence[Row]) -> list[str]:
    return sorted({r.kind for r in rows}, key=lambda kind: (kind != "as recorded", kind))


def _edits(rows: Sequence[Row]) -> str:
    plain = {r.scores.recording: r.scores.scores["cause"].value or 0.0 for r in rows if r.kind == "as recorded"}
    body = []
    for kind in _kinds(rows):
        own = [r for r in rows if r.kind == kind]
        cause = _rate(own, "cause")
        lost = np.mean([plain.get(r.scores.recording, 0.0) - (r.scores.scores["cause"].value or 0.0) for r in own])
        body.append([kind, _cell(cause), f"{lost:+.3f}", _cell(_rate(own, "harmless"))])
    return _table(["edit", "cause", "lost against the same recordings", "nothing harmful"], body)


def _drops(rows: Sequence[Row]) -> str:
    body = []
    for kind in [*_kinds(rows), "all"] if rows else ():
        own = [r for r in rows if kind in (r.kind, "all")]
        said = [r.scores.scores.get("right_or_gap") for r in own]
        share = [sum(s is not None and s.reason.startswith(text) for s in said) / len(own)
                 for text in ("still right", "abstained, the gap", "abstained without")]
        wrong = _rate(own, "wrong_and_confident")
        body.append([kind, _cell(_rate(own, "right_or_gap")), *(f"{x:.2f}" for x in share), _cell(wrong)])
    return _table(["taken away", "right, or abstained with the gap named", "still right", "abstained, gap named",
                   "abstained, gap not named", "wrong and not abstaining"], body)


def _calibration(rows: Sequence[Row]) -> str:
    said = [Said(r.scores.confidence, r.scores.scores["cause"].value or 0.0, r.scores.recording) for r in rows
            if r.scores.confidence is not None and r.scores.verdict == "diagnosed"]
    error, refitted = expected_calibration_error(said), expected_calibration_error(left_out(said))
    if error is None or refitted is None:
        return "No cause was published.\n"
    body = [[f"{b.low:.1f} to {b.high:.1f}", str(b.n), f"{b.confidence:.2f}", f"{b.right:.2f}"] for b in bins_of(said)]
    return _table(["said", "n", "mean confidence", "share right"], body) + (
        f"\nExpected calibration error **{error:.3f}** over {len(said)} published causes; refitted: {refitted:.3f}.\n")


def _cost(rows: Sequence[Row]) -> str:
    body = []
    for name, fact in (("questions asked", "questions"), ("seconds", "seconds"), ("CPU seconds", "cpu_seconds")):
        values = [r.scores.facts[fact] for r in rows if fact in r.scores.facts]
        body.append([name, *(f"{x:.2f}" for x in (np.mean(values), np.quantile(values, 0.95), np.max(values)))])
    return _table(["per case, as recorded", "mean", "95th percentile", "most"], body)


def _missed(rows: Sequence[Row]) -> str:
    wrong = [r for r in rows if not r.scores.scores["cause"].value]
    if not wrong:
        return "Nothing: every recording as recorded was right.\n"
    body = [[r.scores.case + (" (held out)" if held_out(r) else ""), _truth(r), r.scores.said or r.scores.crash,
             "-" if r.scores.confidence is None else f"{r.scores.confidence:.2f}"] for r in wrong]
    return _table(["recording", "truth", "said", "confidence"], body)


def _truth(row: Row) -> str:
    """From the scorers' reasons: `…; truth container x`, `…, should be no_fault`."""
    scores = row.scores.scores
    if "category" in scores and "truth" in scores["category"].reason:
        category, component = (scores[n].reason.partition("truth ")[2] for n in ("category", "component"))
        return f"{category} of {component}"
    return scores["verdict"].reason.partition("should be ")[2]

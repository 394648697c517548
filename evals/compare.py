"""Two runs of the same cases, held against each other: what changed, by how much, and whether it could be chance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.errors import BadInput
from evals.paired import Difference, mcnemar, mean_by_case, paired_difference

MAX_BYTES = 200_000_000
COSTS = ("questions", "seconds", "steps", "not_captured_rate")
CRASH = "not_crashed"
ALWAYS = ("cause", "verdict", "harmless")


@dataclass(frozen=True)
class RunRow:
    """One case of one run: score values by name (None: does not apply), reasons, costs. `crash` is an outcome."""

    case: str
    recording: str
    family: str
    values: Mapping[str, float | None]
    reasons: Mapping[str, str]
    facts: Mapping[str, float]
    said: str = ""
    crash: str = ""


@dataclass(frozen=True)
class ScoreChange:
    """One score: means of both runs, their paired difference, McNemar's p, and the cases that fell or rose."""

    name: str
    a: float
    b: float
    difference: Difference
    p: float
    fell: tuple[str, ...]
    rose: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """`missing` are cases that only one run has: they are named and not compared."""

    scores: tuple[ScoreChange, ...]
    costs: tuple[ScoreChange, ...]
    families: Mapping[str, Difference]
    missing: tuple[str, ...]
    reasons: Mapping[str, str]

    def score(self, name: str) -> ScoreChange | None:
        return next((s for s in self.scores if s.name == name), None)

    def as_dict(self) -> dict[str, Any]:
        """For scripts."""
        def one(s: ScoreChange) -> dict[str, Any]:
            return {"a": round(s.a, 4), "b": round(s.b, 4), **s.difference.as_dict(), "p": round(s.p, 5),
                    "fell": list(s.fell), "rose": list(s.rose)}

        return {"scores": {s.name: one(s) for s in self.scores}, "costs": {s.name: one(s) for s in self.costs},
                "families": {k: v.as_dict() for k, v in self.families.items()}, "missing": list(self.missing),
                "reasons": dict(self.reasons)}


def read_run(path: Path) -> list[RunRow]:
    """What `culprit eval run --json` printed, or rows one a line. Raises BadInput."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path.name}: larger than {MAX_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name}: cannot be read: {error}") from error
    try:
        records = _records(text)
        return [_row(r) for r in records]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{path.name}: not a run: {type(error).__name__} {str(error)[:120]}") from error


def _records(text: str) -> list[Mapping[str, Any]]:
    start = text.lstrip()
    if start.startswith("{") and "\n{" not in start.rstrip():
        whole = json.loads(text)
        return list(whole["cases"]) if "cases" in whole else [whole]
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _row(record: Mapping[str, Any]) -> RunRow:
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for name, score in record["scores"].items():
        value, reason = (score["value"], score.get("reason", "")) if isinstance(score, dict) else (score[0], score[1])
        values[str(name)] = None if value is None else float(value)
        reasons[str(name)] = str(reason)
    crash = str(record.get("crash") or "")
    values[CRASH] = 0.0 if crash else 1.0
    name = str(record.get("episode") or record["case"])
    return RunRow(case=name + (f"@{record['arm']}" if record.get("arm") not in (None, "analyst") else ""),
                  recording=str(record["recording"]), family=str(record.get("family", "")), values=values,
                  reasons=reasons, facts={k: float(v) for k, v in (record.get("facts") or {}).items()},
                  said=str(record.get("said", "")), crash=crash)


def compare_runs(a: Sequence[RunRow], b: Sequence[RunRow]) -> Comparison:
    """Pairs are cases that both runs have; a case run several times counts once, with its mean. Raises BadInput."""
    names_a, names_b = {r.case for r in a}, {r.case for r in b}
    common = names_a & names_b
    if not common:
        raise BadInput("the two runs have no case in common")
    one, two = [r for r in a if r.case in common], [r for r in b if r.case in common]
    names = sorted({n for r in (*one, *two) for n in r.values})
    scores = tuple(c for n in names if (c := _change(n, _values(one, n), _values(two, n))) is not None)
    costs = tuple(c for n in COSTS if (c := _change(n, _facts(one, n), _facts(two, n))) is not None)
    fell = {case for s in scores for case in s.fell}
    reasons = {r.case: r.crash or "; ".join(f"{k}: {v}" for k, v in sorted(r.reasons.items())
                                            if v and r.values.get(k) == 0.0)[:300] for r in two if r.case in fell}
    return Comparison(scores, costs, _families(one, two), tuple(sorted(names_a ^ names_b)), reasons)


def failures(found: Comparison, *, gates: Sequence[str], tolerance: float) -> list[str]:
    """Why the change must not go in: a gated mean fell past the tolerance, a case crashes, or cases went missing."""
    out = []
    for name in (*gates, CRASH):
        change = found.score(name)
        if change is None:
            if name != CRASH:
                out.append(f"{name}: neither run has this score")
            continue
        allowed = 0.0 if name == CRASH else tolerance
        if change.difference.mean < -allowed - 1e-9:
            out.append(f"{name} fell by {-change.difference.mean:.3f}: {', '.join(change.fell[:8])}")
    if found.missing:
        out.append(f"{len(found.missing)} cases are in one run only: {', '.join(found.missing[:5])}")
    return out


def _values(rows: Sequence[RunRow], name: str) -> list[tuple[str, str, float]]:
    """A crashed case is wrong in every score it would have had."""
    out = []
    for r in rows:
        value = r.values.get(name)
        if r.crash and name in (*ALWAYS, *r.values) and name != CRASH:
            value = 0.0
        if value is not None:
            out.append((r.case, r.recording, value))
    return out


def _facts(rows: Sequence[RunRow], name: str) -> list[tuple[str, str, float]]:
    return [(r.case, r.recording, r.facts[name]) for r in rows if name in r.facts]


def _change(name: str, a: Sequence[tuple[str, str, float]], b: Sequence[tuple[str, str, float]]
            ) -> ScoreChange | None:
    one, two = mean_by_case(a), mean_by_case(b)
    both = sorted(one.keys() & two.keys())
    if not both:
        return None
    pairs = [(one[c][0], one[c][1], two[c][1]) for c in both]
    fell = tuple(c for c in both if two[c][1] < one[c][1] - 1e-9)
    rose = tuple(c for c in both if two[c][1] > one[c][1] + 1e-9)
    return ScoreChange(name, sum(p[1] for p in pairs) / len(pairs), sum(p[2] for p in pairs) / len(pairs),
                       paired_difference(pairs), mcnemar(len(fell), len(rose)), fell, rose)


def _families(a: Sequence[RunRow], b: Sequence[RunRow]) -> dict[str, Difference]:
    out = {}
    for family in sorted({r.family for r in a}):
        change = _change("cause", _values([r for r in a if r.family == family], "cause"),
                         _values([r for r in b if r.family == family], "cause"))
        if change is not None:
            out[family] = change.difference
    return out

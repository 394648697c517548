"""docs/learning.md, written by `culprit eval stream --doc`: how learning works, and what the replay measured."""

from __future__ import annotations

from pathlib import Path

from evals.replay import Replay
from evals.stream import ARMS
from evals.verdict_on_learning import LearningVerdict

PROMISED = 400
TEXT = Path(__file__).parent / "learning_page.md"


def page(verdict: LearningVerdict, replay: Replay) -> str:
    """The page; the prose stands in learning_page.md, the figures come from the verdict."""
    text = TEXT.read_text(encoding="utf-8")
    values = {
        "EPISODES": str(verdict.episodes), "RECURRENCES": str(verdict.recurrences),
        "FAMILIES": str(verdict.families), "EACH": str(replay.each), "ORDERS": str(replay.orders),
        "RUN": _run(verdict, replay), "RECORDINGS": str(len(replay.sources())),
        "SEED": str(replay.seed), "MARKS": verdict.as_markdown(),
        "ACCURACY": _accuracy(verdict), "ASPECTS": _aspects(verdict), "BY_FAMILY": _families(verdict),
        "RECOGNISED": f"{verdict.recognised:.0%}", "REVIEW": _review(verdict), "MISSED": _missed(verdict),
    }
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _run(v: LearningVerdict, replay: Replay) -> str:
    """The command, how many episodes each arm saw, and the arms that were not run."""
    most = f" --most {replay.most}" if replay.most else ""
    missing = [arm for arm in ARMS if arm not in v.accuracy]
    short = (f" Arms that were not run: {', '.join(missing)}." if missing else "") + (
        "" if v.recurrences >= PROMISED else f" The promise of {PROMISED} recurrences is not kept by it.")
    return (f"`culprit eval stream --each {replay.each} --orders {replay.orders}{most}`, the analyst as the model: "
            f"{v.episodes} episodes an arm, {v.recurrences} of them recurrences.{short}")


def _accuracy(v: LearningVerdict) -> str:
    lines = ["| memory | right causes on recurrence |", "|---|---|"]
    return "\n".join([*lines, *(f"| {arm} | {v.accuracy[arm]:.3f} |" for arm in v.accuracy)])


def _aspects(v: LearningVerdict) -> str:
    lines = ["| changed | lift (95 %) | episodes |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {a} | {d.mean:+.3f} [{d.low:+.3f}, {d.high:+.3f}] | {d.n} |"
                                for a, d in v.aspects.items())])


def _families(v: LearningVerdict) -> str:
    lines = ["| family | lift | episodes | recordings |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {f} | {d.mean:+.2f} | {d.n} | {d.clusters} |" for f, d in v.by_family.items())])


def _review(v: LearningVerdict) -> str:
    """What the stream with wrong feedback lists, the first of each kind."""
    shown: dict[str, str] = {}
    for run, review in v.reviews.items():
        if run[2] == "wrong":
            for notice in review.notices:
                shown.setdefault(notice.split(":", 1)[0], notice)
    return "\n".join(f"- {n}" for n in shown.values()) or "- nothing"


def _missed(v: LearningVerdict) -> str:
    missed = [m for m in v.marks if not m.met]
    return "All marks are met." if not missed else "Missed: " + "; ".join(
        f"{m.name} ({m.measured}, asked {m.asked})" for m in missed) + "."

"""docs/learning.md, written by `culprit eval stream --doc`: how learning works, and what the replay measured."""

from __future__ import annotations

from pathlib import Path

from evals.replay import Replay
from evals.stream import ARMS
from evals.verdict_on_learning import PROMISED, LearningVerdict

TEXT = Path(__file__).parent / "learning_page.md"


def page(verdict: LearningVerdict, replay: Replay) -> str:
    """The page; the prose stands in learning_page.md, the figures come from the verdict."""
    text = TEXT.read_text(encoding="utf-8")
    values = {
        "EPISODES": str(verdict.episodes), "RECURRENCES": str(verdict.recurrences),
        "FAMILIES": str(verdict.families), "EACH": str(replay.each), "ORDERS": str(replay.orders),
        "RUN": _run(verdict, replay), "RECORDINGS": str(len(replay.sources())),
        "SEED": str(replay.seed), "MARKS": verdict.as_markdown(),
        "ACCURACY": _accuracy(verdict), "TIMES": _times(verdict), "LISTED": _listed(verdict),
        "ASPECTS": _aspects(verdict), "BY_FAMILY": _families(verdict),
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
    lines = ["| memory | right causes on recurrence | right on look-alikes and controls |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {arm} | {v.accuracy[arm]:.3f} | {v.elsewhere[arm]:.3f} |" for arm in v.accuracy)])


def _times(v: LearningVerdict) -> str:
    """Accuracy by how often the family was seen before, in every arm."""
    arms = [a for a in ARMS if a in v.accuracy]
    lines = [f"| seen before | episodes | {' | '.join(arms)} |", "|---|---|" + "---|" * len(arms)]
    return "\n".join([*lines, *(
        f"| {name} | {shares['episodes']:.0f} | {' | '.join(f'{shares.get(a, 0.0):.3f}' for a in arms)} |"
        for name, shares in v.by_times.items())])


def _listed(v: LearningVerdict) -> str:
    """How many words were listed, and how many of those were false."""
    found = [r for run, r in v.reviews.items() if run[2] == "wrong"]
    told, false = sum(r.false_told for r in found), sum(r.false_listed for r in found)
    return (f"Of all words of that arm {sum(r.listed for r in found)} are listed; {told} were false, and {false} of "
            f"those are listed or were never learned.")


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

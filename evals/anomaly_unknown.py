"""Series about which nothing is known, of many kinds: the same three methods, on seeds and kinds not tuned on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from evals.anomaly_csv import Labelled
from evals.anomaly_kinds import HELD_OUT, series
from evals.anomaly_processes import HELD_KINDS, TUNED_KINDS
from evals.anomaly_replay import DAY_MS, replay_csv
from evals.anomaly_rules import limits_of, scorer, static_alarms, tuned_static
from evals.anomaly_scores import Scores

METHODS = ("culprit", "static threshold, tuned on the first third", "three sigma over a day",
           "static threshold, tuned with hindsight on the series itself")
SHORT = ("culprit", "static", "three sigma", "static, hindsight")


@dataclass(frozen=True)
class Tally:
    """`points` of several series and what each method made of them."""

    points: int
    methods: tuple[Scores, ...]

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(self.points + other.points,
                     tuple(a.plus(b) for a, b in zip(self.methods, other.methods, strict=True)))


def tally(made: Iterable[Labelled]) -> Tally:
    """Every series replayed by itself, as `culprit anomalies backtest` does."""
    whole: Tally | None = None
    for one in made:
        found = Tally(int(one.ms.size), (*(scores for _, scores in replay_csv(one).rows), _hindsight(one)))
        whole = found if whole is None else whole.plus(found)
    assert whole is not None
    return whole


def _hindsight(one: Labelled) -> Scores:
    """The best static threshold there is for this series and these labels: what no one can know beforehand."""
    judge = scorer(one.events, max((int(one.ms[-1]) - int(one.ms[0])) / DAY_MS, 1 / 24))
    quantile, room = tuned_static(one.values, judge, persist=1)
    return judge(static_alarms(one.values, limits_of(one.values, quantile, room), persist=1))


def by_kind(kinds: Iterable[str], seeds: tuple[int, ...] = HELD_OUT) -> dict[str, Tally]:
    """Of each kind, all seeds together."""
    return {kind: tally(series(kind, seed) for seed in seeds) for kind in kinds}


def unknown_report(seeds: tuple[int, ...] = HELD_OUT) -> str:
    """Tables in Markdown: kinds that were tuned on (other seeds), kinds that never were, each kind, each fault."""
    tuned, held = by_kind(TUNED_KINDS, seeds), by_kind(HELD_KINDS, seeds)
    lines = ["| method | events | precision | recall | event F1 | median delay | false alarms per 1,000 points |",
             "|---|---|---|---|---|---|---|"]
    for title, tallies in (("kinds tuned on, other seeds", tuned), ("kinds never tuned on", held)):
        whole = _whole(tallies)
        lines += [f"| {name} ({title}) | {s.events} | {s.precision:.2f} | {s.recall:.2f} | {s.f1:.2f} | {s.delay:g} | "
                  f"{1_000 * s.wrong / whole.points:.2f} |" for name, s in zip(METHODS, whole.methods, strict=True)]
    lines += ["", f"| kind | points | events | event F1: {' | '.join(SHORT)} | false per 1,000: culprit |",
              "|---|---|---|---|---|---|---|---|"]
    for kind, found in (*tuned.items(), *held.items()):
        ours, *plain = found.methods
        mark = "*" if kind in held else ""
        lines.append(f"| {kind.replace('_', ' ')}{mark} | {found.points:,} | {ours.events} | {ours.f1:.2f} | "
                     + " | ".join(f"{s.f1:.2f}" for s in plain) + f" | {1_000 * ours.wrong / found.points:.2f} |")
    kinds = _whole({**tuned, **held}).methods
    lines += ["", f"| fault | {' | '.join(SHORT)} |", "|---|---|---|---|---|"]
    for fault in sorted(kinds[0].by_kind):
        hits = (f"{s.by_kind[fault][0]} of {s.by_kind[fault][1]}" for s in kinds)
        lines.append(f"| {fault.replace('_', ' ')} | {' | '.join(hits)} |")
    return "\n".join(lines)


def _whole(tallies: dict[str, Tally]) -> Tally:
    first, *rest = tallies.values()
    whole = replace(first)
    for other in rest:
        whole = whole.plus(other)
    return whole

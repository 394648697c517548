"""`python -m evals.anomaly_report`: the figures of docs/anomalies.md, on seeds that nothing was tuned on."""

from __future__ import annotations

import argparse
import sys
from functools import reduce

from evals.anomaly_replay import TUNING_SEEDS, replay_days, table
from evals.anomaly_scores import Scores
from evals.anomaly_unknown import unknown_report

HELD_OUT = (11, 12, 13, 14)


def report(seeds: tuple[int, ...], *, days: int, each: int) -> str:
    """Tables over all seeds together, and what was caught of each kind."""
    runs = [replay_days(seed, days=days, each=each) for seed in seeds]
    names = [name for name, _ in runs[0].rows]
    sums: list[tuple[str, Scores]] = [
        (name, reduce(Scores.plus, [run.rows[i][1] for run in runs])) for i, name in enumerate(names)]
    kinds = sums[0][1].by_kind
    plain = [name.split("(")[0].strip() for name in names[1:]]
    lines = [f"{len(seeds)} seeds ({', '.join(map(str, seeds))}) of {days} days each; tuned on "
             f"{', '.join(map(str, TUNING_SEEDS))}.", "", table(sums), "",
             f"| injected | caught | {' | '.join(plain)} |", "|---|---|" + "---|" * len(plain)]
    lines += [f"| {kind} | {hit} of {whole} | " + " | ".join(
        f"{s.by_kind[kind][0]} of {s.by_kind[kind][1]}" for _, s in sums[1:]) + " |"
        for kind, (hit, whole) in sorted(kinds.items())]
    return "\n".join(lines)


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(HELD_OUT))
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--each", type=int, default=6)
    chosen = parser.parse_args()
    sys.stdout.write(report(tuple(chosen.seeds), days=chosen.days, each=chosen.each) + "\n\n")
    sys.stdout.write(unknown_report() + "\n")


if __name__ == "__main__":
    main()

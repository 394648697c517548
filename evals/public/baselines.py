"""Baselines on the same samples: chance, n-sigma, and the published BARO where an interpreter that has it is named."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from config.errors import BadInput
from evals.public.components import complete
from evals.public.folder import PublicCase
from evals.public.grid import Columns, columns

BARO_SECONDS = 900
_BARO = """
import json, sys
import pandas as pd
from baro.root_cause_analysis import robust_scorer
for line in sys.stdin:
    told = json.loads(line)
    data = pd.DataFrame(told["columns"]).ffill().bfill().dropna(axis=1)
    print(json.dumps(robust_scorer(data, inject_time=told["inject"])["ranks"]), flush=True)
"""


def chance(n: int, k: int) -> float:
    """How often a random order of n candidates has the culprit among the first k."""
    return min(1.0, k / n) if n else 0.0


def n_sigma(case: PublicCase) -> tuple[str, ...]:
    """By the largest (value - mean) / standard deviation of any series; constant baselines are left out."""
    table = columns(case)
    best: dict[str, float] = {}
    for s, row in zip(table.series, table.values, strict=True):
        old, new = row[: table.split], row[table.split :]
        old, new = old[np.isfinite(old)], new[np.isfinite(new)]
        if old.size > 1 and new.size and (spread := float(old.std())) > 0:
            score = float(new.max() - old.mean()) / spread
            best[s.component] = max(best.get(s.component, -np.inf), score)
    return complete(sorted(best, key=lambda n: (-best[n], n)), case)


def baro(cases: Sequence[PublicCase], python: Path) -> list[tuple[str, ...]]:
    """The original package's ranking of series, components by their best; one process for all cases.

    Raises BadInput where it does not run.
    """
    tables = [columns(case) for case in cases]
    told = "".join(json.dumps({"columns": _frame(t), "inject": t.split}) + "\n" for t in tables)
    try:
        done = subprocess.run(
            [str(python), "-c", _BARO], input=told, capture_output=True, text=True, timeout=BARO_SECONDS, check=True
        )
        ranks = [json.loads(line) for line in done.stdout.splitlines()]
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = str(getattr(error, "stderr", "") or error)[-300:]
        raise BadInput(f"BARO did not run with {python.name}: {said}") from error
    if len(ranks) != len(cases):
        raise BadInput(f"BARO answered {len(ranks)} of {len(cases)} cases")
    named = [{f"m{i}": s.component for i, s in enumerate(t.series)} for t in tables]
    return [
        complete([names[n] for n in order if n in names], case)
        for case, names, order in zip(cases, named, ranks, strict=True)
    ]


def _frame(table: Columns) -> dict[str, list[float | None]]:
    frame: dict[str, list[float | None]] = {"time": [float(i) for i in range(table.values.shape[1])]}
    for i, row in enumerate(table.values):
        frame[f"m{i}"] = [float(v) if np.isfinite(v) else None for v in row]
    return frame

"""More noise on metrics: each sample's distance from its local level is multiplied, so the level itself stays.

A counter's increments are treated, never its value: it keeps rising and ends near where it ended. States (0 and 1),
constant series and histogram families stay, because noise would make them something else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from evals.case_files import CaseFiles

Floats = npt.NDArray[np.float64]
WINDOW = 13  # samples of the running median, about a minute at 5 s
_FAMILY = ("_bucket", "_count", "_sum")


def double_noise(files: CaseFiles, *, factor: float = 2.0) -> CaseFiles:
    """Multiply the distance of samples from their running median by `factor`."""
    return files.replaced("metrics.jsonl", [_noisier(row, factor) for row in files["metrics.jsonl"]])


def _noisier(row: dict[str, Any], factor: float) -> dict[str, Any]:
    name = row.get("labels", {}).get("__name__", "")
    if "values" not in row or name.endswith(_FAMILY):
        return row
    values = list(row["values"])
    numbers = [i for i, v in enumerate(values) if isinstance(v, int | float)]
    taken = np.array([values[i] for i in numbers], dtype=np.float64)
    if len(taken) < WINDOW or set(taken.tolist()) <= {0.0, 1.0}:
        return row
    whole = bool(np.all(taken == np.round(taken)))
    treated = _counter(taken, factor) if name.endswith("_total") else _gauge(taken, factor)
    for i, value in zip(numbers, np.round(treated) if whole else np.round(treated, 9), strict=True):
        values[i] = int(value) if whole else float(value)
    return {**row, "values": values}


def _gauge(values: Floats, factor: float) -> Floats:
    level = _running_median(values)
    out = level + factor * (values - level)
    return np.maximum(out, 0.0) if float(values.min()) >= 0 else out


def _counter(values: Floats, factor: float) -> Floats:
    """Increments between resets are spread; each stretch keeps its total, and no increment becomes negative."""
    out = values.copy()
    resets = np.flatnonzero(np.diff(values) < 0) + 1
    for part in np.split(np.arange(len(values)), resets):
        steps = np.diff(values[part])
        if len(steps) >= WINDOW and steps.sum() > 0:
            spread = _gauge(steps, factor)
            if spread.sum() > 0:
                spread *= steps.sum() / spread.sum()
                out[part[1:]] = values[part[0]] + np.cumsum(spread)
    return out


def _running_median(values: Floats) -> Floats:
    half = WINDOW // 2
    padded = np.pad(values, half, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, WINDOW), axis=1)

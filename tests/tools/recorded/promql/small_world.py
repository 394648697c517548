"""A few samples, an engine over them, and answers as plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tools.recorded.promql.arrays import STALE
from tools.recorded.promql.engine import Engine, Semantics, SeriesStore

M = 60_000
V2 = Semantics(version=(2, 42))
V3 = Semantics(version=(3, 13))
Values = Sequence[float | str | None]


def engine_of(series: Mapping[str, Values], *, every: int = M, begin: int = 0, semantics: Semantics = V2) -> Engine:
    """Series by selector-like text ('up{job="a"}'), a value each `every` ms; None is a gap, "stale" a stale marker."""
    made = []
    for text, values in series.items():
        kept = [(begin + i * every, STALE if v == "stale" else v) for i, v in enumerate(values) if v is not None]
        made.append((labels_of(text), np.array([t for t, _ in kept], np.int64), np.array([v for _, v in kept], float)))
    return Engine(SeriesStore(made), semantics)


def labels_of(text: str) -> dict[str, str]:
    name, _, braces = text.partition("{")
    labels = {"__name__": name} if name else {}
    for pair in filter(None, braces.rstrip("}").split(",")):
        key, _, value = pair.partition("=")
        labels[key] = value.strip('"')
    return labels


def spelled(labels: Mapping[str, str]) -> str:
    rest = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()) if key != "__name__")
    return labels.get("__name__", "") + (f"{{{rest}}}" if rest else "")


def at(engine: Engine, query: str, ms: int) -> dict[str, float]:
    """An instant vector or scalar: value by spelled labels, in the engine's order."""
    return {spelled(labels): float(values[0]) for labels, _, values in engine.instant(query, ms).series}


def over(engine: Engine, query: str, start: int, end: int, step: int) -> dict[str, dict[int, float]]:
    """A range query: value by time by spelled labels."""
    answer = engine.range(query, start, end, step)
    return {spelled(labels): dict(zip(ms.tolist(), v.tolist(), strict=True)) for labels, ms, v in answer.series}

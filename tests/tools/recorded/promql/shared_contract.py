"""Answers that real servers gave, as files: series, and questions with what came back."""

from __future__ import annotations

import gzip
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.errors import QueryError
from tools.recorded.promql.arrays import STALE, Floats, Ints
from tools.recorded.promql.engine import Answer, Engine

Steps = dict[int, float]
Table = dict[tuple[tuple[str, str], ...], Steps]


def contract_folder(name: str) -> Path:
    """A folder of the shared contracts, beside the checkout or where SHARED_FOLDER says; skips the test if absent."""
    root = Path(__file__).parents[4]
    shared = Path(os.environ.get("SHARED_FOLDER", root.parent / "shared"))
    folder = shared / "contracts" / name
    if not folder.is_dir():
        pytest.skip(f"the shared contracts are not here: {folder}")
    return folder


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def golden_series(path: Path) -> Iterator[tuple[dict[str, str], Ints, Floats]]:
    """Series written as labels, `ms`, and `values` as text with "stale" for a stale marker."""
    for line in lines(path):
        values = [STALE if text == "stale" else float(text) for text in line["values"]]
        yield line["labels"], np.array(line["ms"], np.int64), np.array(values)


def ask(engine: Engine, question: dict[str, Any]) -> Answer | QueryError:
    """The engine's answer to a recorded question; `step_ms` 0 is an instant query."""
    try:
        if question["step_ms"] == 0:
            return engine.instant(question["query"], question["start_ms"])
        return engine.range(question["query"], question["start_ms"], question["end_ms"], question["step_ms"])
    except QueryError as error:
        return error


def table(answer: Answer) -> Table:
    """Values by label set and time; a string has none."""
    if answer.kind == "string":
        return {}
    return {
        tuple(sorted(labels.items())): dict(zip(ms.tolist(), values.tolist(), strict=True))
        for labels, ms, values in answer.series
    }


def recorded_table(question: dict[str, Any]) -> Table:
    return {
        tuple(sorted(one["labels"].items())): dict(zip(one["ms"], map(float, one["values"]), strict=True))
        for one in question["result"]
    }


def difference(ours: Table, theirs: Table, tolerance: float) -> str | None:
    """The first place where two answers differ by more than `tolerance`, relative; None if they agree."""
    if set(ours) != set(theirs):
        return f"series only ours {list(set(ours) - set(theirs))[:2]}, only theirs {list(set(theirs) - set(ours))[:2]}"
    for labels, want in theirs.items():
        have = ours[labels]
        if set(have) != set(want):
            return f"{labels}: steps {sorted(set(have) ^ set(want))[:4]} on one side only"
        for ms, value in want.items():
            if not same_number(have[ms], value, tolerance):
                return f"{labels} at {ms}: ours {have[ms]!r}, theirs {value!r}"
    return None


def same_number(one: float, other: float, tolerance: float) -> bool:
    if one == other or (math.isnan(one) and math.isnan(other)):
        return True
    return abs(one - other) <= tolerance * max(abs(one), abs(other))


def verdict(engine: Engine, question: dict[str, Any], tolerance: float) -> str | None:
    """What is wrong with our answer to a recorded question, or None."""
    answer = ask(engine, question)
    if isinstance(answer, QueryError):
        return None if "error" in question else f"we refuse: {answer}"
    if "error" in question:
        return f"we answer, they refuse: {question['error']}"
    return difference(table(answer), recorded_table(question), tolerance)

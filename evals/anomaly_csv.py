"""Public labelled series: `timestamp,value[,label]` or a timestamp and several value columns, at any interval.

Times are ISO 8601 (no zone: UTC) or epoch seconds, milliseconds, microseconds or nanoseconds; integers that are no
plausible time are counted as steps of an hour, and so are the rows of a file that begins with `value` or `data`. Rows
may be missing, doubled, out of order or not numbers.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from config.errors import BadInput
from evals.anomaly_scores import Stretch
from tools.analysis.onset import Ints
from tools.analysis.robust import Floats

MAX_BYTES = 200_000_000
LABELS = ("label", "is_anomaly", "anomaly", "is_outlier", "outlier", "ground_truth")
TIMES = ("timestamp", "timestamps", "time", "datetime", "date", "ts")
VALUES = ("value", "values", "data", "x", "y")
IGNORED = ("anomaly_score", "changepoint", "changepoints")
STEP_MS = 3_600_000
_TRUE = frozenset({"1", "1.0", "true", "yes", "y", "t"})


@dataclass(frozen=True)
class Labelled:
    """On a regular grid: `ms` (n,), `values[name]` (n,) with nan where a row is missing, events in intervals."""

    ms: Ints
    interval_ms: int
    values: dict[str, Floats]
    events: tuple[Stretch, ...]
    labelled: bool
    notes: tuple[str, ...] = ()


def read_csv(path: Path) -> Labelled:
    """Raises BadInput for a file that holds no series."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path.name}: larger than {MAX_BYTES // 1_000_000} MB")
        text = path.read_text(encoding="utf-8-sig", errors="replace").replace("\0", "")
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be read: {error}") from error
    try:
        rows = [row for row in csv.reader(text.splitlines(), delimiter=_delimiter(text)) if any(c.strip() for c in row)]
    except csv.Error as error:
        raise BadInput(f"{path.name}: no CSV: {error}") from error
    if len(rows) < 3:
        raise BadInput(f"{path.name}: fewer than two rows of data")
    header, body = _header(rows)
    return _regular(path.name, header, body)


def _delimiter(text: str) -> str:
    first = text[:10_000].split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _header(rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """The names, made up where the first row is data already."""
    if math.isnan(_number(rows[0][-1])) and _moment(rows[0][0]) is None:
        return [name.strip().lower() for name in rows[0]], rows[1:]
    names = ["timestamp", "value", *(["label"] if len(rows[0]) == 3 else [f"value{i}" for i in range(2, len(rows[0]))])]
    return names[: len(rows[0])], rows


def _regular(name: str, header: list[str], body: list[list[str]]) -> Labelled:
    if not set(TIMES) & set(header) and header[0] in VALUES:  # no time at all: rows are steps
        header, body = ["step", *header], [[str(number), *row] for number, row in enumerate(body)]
    at = next((header.index(t) for t in TIMES if t in header), 0)
    label = next((header.index(w) for w in LABELS if w in header and header.index(w) != at), None)
    columns = [i for i, w in enumerate(header) if i not in (at, label) and w not in IGNORED]
    known = [(moment, row) for row in body if len(row) > at and (moment := _moment(row[at])) is not None]
    if len(known) < 2:
        raise BadInput(f"{name}: no two rows with a time that can be read")
    times = _as_ms([moment for moment, _ in known])
    order = np.argsort(times, kind="stable")
    gaps = np.diff(times[order])
    interval = int(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 0
    if interval <= 0:
        raise BadInput(f"{name}: all rows have the same time")
    index = np.rint((times - times.min()) / interval).astype(np.int64)
    size = int(index.max()) + 1
    if size > 20 * len(known) + 10_000:
        raise BadInput(f"{name}: the times are too far apart for their usual interval of {interval} ms")
    values = {header[i]: _column(index, size, [row[i] if i < len(row) else "" for _, row in known]) for i in columns}
    values = {k: v for k, v in values.items() if np.isfinite(v).any()}
    if not values:
        raise BadInput(f"{name}: no column of numbers beside the time")
    flags = np.zeros(size, np.bool_)
    if label is not None:
        for position, (_, row) in zip(index, known, strict=True):
            flags[position] |= label < len(row) and row[label].strip().lower() in _TRUE
    notes = [f"{len(body) - len(known)} rows without a time"] if len(body) > len(known) else []
    missing = size - len(np.unique(index))
    notes += [f"{missing} rows missing"] if missing else []
    ms = times.min() + np.arange(size, dtype=np.int64) * interval
    return Labelled(ms, interval, values, tuple(_stretches(flags)), label is not None, tuple(notes))


def _column(index: Ints, size: int, cells: Sequence[str]) -> Floats:
    out = np.full(size, np.nan)
    for position, cell in zip(index, cells, strict=True):
        value = _number(cell)
        if math.isfinite(value) and abs(value) < 1e30:
            out[position] = value
    return out


def _number(cell: str) -> float:
    try:
        return float(cell.strip())
    except ValueError:
        return math.nan


def _moment(cell: str) -> float | None:
    """Seconds since 1970, or a plain number to be understood later; None for no time."""
    value = _number(cell)
    if math.isfinite(value):
        return value
    text = cell.strip().replace("/", "-")
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _as_ms(moments: Sequence[float]) -> Ints:
    """Epoch seconds, milliseconds, microseconds or nanoseconds by their size; smaller numbers are counted steps."""
    values = np.array(moments, dtype=np.float64)
    largest = float(np.abs(values).max())
    for least, to_ms in ((1e17, 1e-6), (1e14, 1e-3), (1e11, 1.0), (1e8, 1_000.0)):
        if largest >= least:
            return np.rint(values * to_ms).astype(np.int64)
    return np.rint(values * STEP_MS).astype(np.int64)


def _stretches(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Iterator[Stretch]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    for start, end in pairwise(edges.tolist()):
        if flags[start]:
            yield Stretch("labelled", start, end)

"""`metrics.jsonl[.gz]`: one line a series, and one line for each vector of timestamps that several series share.

    {"times": "t0", "ms": [1760000000000, 1760000015000]}
    {"labels": {"__name__": "up", "job": "api"}, "times": "t0", "values": [1, 0.5]}
    {"labels": {"__name__": "odd"}, "ms": [1760000000000, 1760000000001], "values": ["NaN", "stale"]}

Times strictly ascend. Values are JSON numbers that read back as the same double; what JSON cannot say is the text
"NaN", "+Inf", "-Inf" or "stale" (a stale marker). Numbers as text are accepted too. Reading streams and is bounded.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from config.errors import BadInput, BadSnapshot
from tools.recorded.files import MAX_LINE, MAX_STREAM, read_lines
from tools.recorded.promql.arrays import STALE, Floats, Ints, is_stale
from tools.recorded.promql.numbers import parse_number

Series = tuple[dict[str, str], Ints, Floats]

_SPECIAL: dict[str, float] = {"stale": float(STALE), "NaN": float("nan"), "+Inf": float("inf"), "-Inf": float("-inf")}
_EXACT_INT = 2.0**53


def read_metrics(path: Path, *, limit: int = MAX_STREAM, line_limit: int = MAX_LINE) -> Iterator[Series]:
    """All series of a file, one at a time: labels, int64 ms, float64 values. Series on one vector share one array.

    limit, line_limit: bytes after decompression. Raises BadSnapshot with file and line for anything that is not the
    format, and for a label set that comes twice.
    """
    vectors: dict[str, Ints] = {}
    seen: set[frozenset[tuple[str, str]]] = set()
    for number, raw in read_lines(path, limit=limit, line_limit=line_limit):
        where = f"{path.name}:{number}"
        row = _object(raw, where)
        if "labels" not in row and "values" not in row:
            _define(row, vectors, where)
            continue
        labels = _labels(row, where)
        key = frozenset(labels.items())
        if key in seen:
            _bad(where, f"the series {_short(labels)} is there a second time")
        seen.add(key)
        ms = _times_of(row, vectors, where)
        values = _values(row.get("values"), where)
        if len(ms) != len(values):
            _bad(where, f"{len(values)} values for {len(ms)} times")
        yield labels, ms, values


def write_metrics(path: Path, series: Iterable[tuple[Mapping[str, str], Ints, Floats]]) -> None:
    """Write series ordered by labels; the same series give the same bytes. `.gz` compresses.

    Raises BadInput on what the reader would refuse.
    """
    kept = sorted(((dict(sorted(labels.items())), ms, values) for labels, ms, values in series), key=_order)
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed:
                _write(compressed, kept)
        else:
            _write(file, kept)


def _order(one: tuple[dict[str, str], Ints, Floats]) -> list[tuple[str, str]]:
    return list(one[0].items())


def _write(file: IO[bytes] | gzip.GzipFile, series: list[Series]) -> None:
    uses = Counter(ms.tobytes() for _, ms, _ in series)
    names: dict[bytes, str] = {}
    last: dict[str, str] | None = None
    for labels, ms, values in series:
        _check(labels, ms, values, last)
        last = labels
        content = ms.tobytes()
        row: dict[str, Any] = {"labels": labels}
        if uses[content] == 1:
            row["ms"] = ms.tolist()
        else:
            if content not in names:
                names[content] = f"t{len(names)}"
                file.write(_line({"times": names[content], "ms": ms.tolist()}))
            row["times"] = names[content]
        row["values"] = _spelled(values)
        file.write(_line(row))


def _check(labels: dict[str, str], ms: Ints, values: Floats, last: dict[str, str] | None) -> None:
    if not labels or labels == last:
        raise BadInput(f"the series {_short(labels)} has no labels or is there twice")
    if len(ms) != len(values) or not (ms[1:] > ms[:-1]).all():
        raise BadInput(f"the series {_short(labels)}: times do not ascend, or {len(values)} values for {len(ms)} times")


def _line(row: dict[str, Any]) -> bytes:
    try:
        return (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"text that is not Unicode: {error.reason}") from error


def _spelled(values: Floats) -> list[float | int | str]:
    """Numbers for JSON: whole ones without a point (but not -0), specials as text."""
    with np.errstate(invalid="ignore"):
        whole = (values == np.trunc(values)) & (np.abs(values) < _EXACT_INT)
    whole &= ~((values == 0) & np.signbit(values))
    numbers: list[float | int | str] = values.tolist()
    for at in np.flatnonzero(whole).tolist():
        numbers[at] = int(numbers[at])
    for at in np.flatnonzero(~np.isfinite(values)).tolist():
        if np.isnan(values[at]):
            numbers[at] = "stale" if is_stale(values[at : at + 1])[0] else "NaN"
        else:
            numbers[at] = "+Inf" if values[at] > 0 else "-Inf"
    return numbers


def _object(raw: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise BadSnapshot(f"{where}: not UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise BadSnapshot(f"{where}: not JSON: {error}") from error
    if not isinstance(row, dict):
        _bad(where, "not a JSON object")
    return row


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; write it as text")


def _define(row: dict[str, Any], vectors: dict[str, Ints], where: str) -> None:
    name = row.get("times")
    if set(row) != {"times", "ms"} or not isinstance(name, str):
        _bad(where, 'neither a series ("labels", "times" or "ms", "values") nor a vector ("times", "ms")')
    if name in vectors:
        _bad(where, f"the vector {name[:80]!r} is defined a second time")
    vectors[name] = _milliseconds(row["ms"], where)


def _labels(row: dict[str, Any], where: str) -> dict[str, str]:
    labels = row.get("labels")
    if not isinstance(labels, dict) or not labels:
        _bad(where, "a series without labels")
    for name, value in labels.items():
        if not name or not isinstance(value, str):
            _bad(where, f"the label {name[:80]!r} has no name or its value is not text")
        try:
            (name + value).encode()
        except UnicodeEncodeError as error:
            raise BadSnapshot(f"{where}: the label {name[:80]!r}: half a surrogate pair") from error
    return labels


def _times_of(row: dict[str, Any], vectors: dict[str, Ints], where: str) -> Ints:
    if set(row) - {"labels", "values"} == {"ms"}:
        return _milliseconds(row["ms"], where)
    if set(row) - {"labels", "values"} != {"times"}:
        _bad(where, 'a series has either "times" or "ms", and nothing else beside "labels" and "values"')
    name = row["times"]
    if not isinstance(name, str) or name not in vectors:
        _bad(where, f"the vector {str(name)[:80]!r} is not defined on an earlier line")
    return vectors[name]


def _milliseconds(ms: Any, where: str) -> Ints:
    if not isinstance(ms, list) or not set(map(type, ms)) <= {int}:
        _bad(where, '"ms" is not a list of whole numbers')
    try:
        times = np.array(ms, np.int64)
    except OverflowError:
        _bad(where, '"ms" holds a number beyond 64 bits')
    late = np.flatnonzero(times[1:] <= times[:-1])
    if len(late):
        _bad(where, f"times do not ascend: {times[late[0]]} is followed by {times[late[0] + 1]}")
    return times


def _values(values: Any, where: str) -> Floats:
    if not isinstance(values, list):
        _bad(where, '"values" is not a list')
    kinds = set(map(type, values))
    if not kinds <= {int, float, str}:
        _bad(where, '"values" holds something that is neither a number nor text')
    if str in kinds:
        values = [_number(value, where) if type(value) is str else value for value in values]
    try:
        numbers = np.array(values, np.float64)
    except OverflowError:
        _bad(where, '"values" holds a number beyond a double')
    if str not in kinds and not np.isfinite(numbers).all():
        _bad(where, '"values" holds a number beyond a double; write infinity as "+Inf"')
    return numbers


def _number(text: str, where: str) -> float:
    if text in _SPECIAL:
        return _SPECIAL[text]
    number = parse_number(text)
    if number is None:
        _bad(where, f"the value {text[:40]!r} is not a number")
    return number


def _short(labels: Mapping[str, str]) -> str:
    return str(dict(labels))[:200]


def _bad(where: str, what: str) -> NoReturn:
    raise BadSnapshot(f"{where}: {what}")

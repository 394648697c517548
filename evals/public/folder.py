"""A folder of a public set as an investigator may see it: everything but the truth, which lives in `truth.py`.

Layout: public.json (alert, window, candidates), metrics.jsonl[.gz], and where present topology.json, events.json and
logs.jsonl[.gz]. Another set needs only this layout: component labels, baseline, call graph, candidates may be absent.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from config.errors import BadSnapshot
from tools.analysis.robust import Floats
from tools.evidence import parse_iso

PUBLIC = "public.json"
ALERT_LAG_MS = 3 * 60_000  # as the analyst's first guess of the onset: rules wait before they fire
COMPONENT = ("service", "app", "component", "container", "pod", "instance")
Window = tuple[int, int]


@dataclass(frozen=True)
class PublicSeries:
    """One series: `component` may be "" where neither a label nor the name says it. `ms` (n,) ascending."""

    component: str
    metric: str
    ms: npt.NDArray[np.int64]
    values: Floats


@dataclass(frozen=True)
class PublicCase:
    """One incident. `baseline` windows may lie anywhere, after the incident too; empty means all before the onset."""

    folder: Path
    id: str
    dataset: str
    alert: Mapping[str, Any]
    alert_ms: int
    window: Window
    baseline: tuple[Window, ...]
    candidates: tuple[str, ...]
    calls: tuple[tuple[str, str], ...]
    series: tuple[PublicSeries, ...]
    events: tuple[Mapping[str, Any], ...]
    logs: tuple[Mapping[str, Any], ...]

    @property
    def onset_ms(self) -> int:
        """The first guess of the onset: a little before the alert."""
        return max(self.alert_ms - ALERT_LAG_MS, self.window[0])


def find_public(root: Path) -> tuple[Path, ...]:
    """Case folders below a folder (or the folder itself), by path. Raises BadSnapshot where there is none."""
    found = tuple(sorted(p.parent for p in root.rglob(PUBLIC)))
    if not found:
        raise BadSnapshot(f"{root.name}: no {PUBLIC} there")
    return found


def read_public(folder: Path) -> PublicCase:
    """Read one case. Raises BadSnapshot for a malformed file; a malformed line of telemetry is one too."""
    try:
        about = json.loads((folder / PUBLIC).read_text(encoding="utf-8"))
        window = about["window"]
        candidates = tuple(about.get("candidates") or ())
        return PublicCase(
            folder=folder, id=str(about["id"]), dataset=str(about.get("dataset", folder.parent.name)),
            alert=about["alert"], alert_ms=parse_iso(about["alert"]["startsAt"]),
            window=(parse_iso(window["start"]), parse_iso(window["end"])),
            baseline=tuple((parse_iso(a), parse_iso(b)) for a, b in window.get("baseline") or ()),
            candidates=candidates,
            calls=tuple((str(a), str(b)) for a, b in _json(folder / "topology.json", {}).get("edges", ())),
            series=tuple(_series(row, candidates) for row in _lines(folder, "metrics.jsonl")),
            events=tuple(_json(folder / "events.json", [])),
            logs=tuple(_lines(folder, "logs.jsonl")),
        )
    except (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BadSnapshot(f"{folder.name}: {type(error).__name__}: {str(error)[:200]}") from error


def _json(path: Path, absent: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else absent


def _lines(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    packed, plain = folder / f"{name}.gz", folder / name
    if packed.exists():
        with gzip.open(packed, "rt", encoding="utf-8") as file:
            yield from (json.loads(line) for line in file if line.strip())
    elif plain.exists():
        with plain.open(encoding="utf-8") as file:
            yield from (json.loads(line) for line in file if line.strip())


def _series(row: Mapping[str, Any], candidates: Sequence[str]) -> PublicSeries:
    labels = row["labels"]
    metric = str(labels.get("__name__", ""))
    component = next((str(labels[n]) for n in COMPONENT if labels.get(n)), "")
    if not component:
        component, metric = split_name(metric, candidates)
    ms = np.asarray(row["ms"], dtype=np.int64)
    values = np.array([_number(v) for v in row["values"]], dtype=np.float64)
    if ms.shape != values.shape:
        raise ValueError(f"{metric}: {ms.size} moments for {values.size} values")
    order = np.argsort(ms, kind="stable")
    return PublicSeries(component, metric, ms[order], values[order])


def _number(value: Any) -> float:
    """A number, or nan for null, infinities and texts such as "NaN"."""
    try:
        found = float(value) if value is not None else float("nan")
    except (TypeError, ValueError):
        return float("nan")
    return found if np.isfinite(found) else float("nan")


def split_name(name: str, candidates: Sequence[str]) -> tuple[str, str]:
    """("cart", "cpu") of "cart_cpu": the longest candidate it begins with, else what stands before the last `_`."""
    known = [c for c in candidates if name.startswith((f"{c}_", f"{c}.", f"{c}:"))]
    if known:
        owner = max(known, key=len)
        return owner, name[len(owner) + 1 :]
    owner, _, rest = name.rpartition("_")
    return (owner, rest) if owner and not candidates else ("", name)

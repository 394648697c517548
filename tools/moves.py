"""Series with how far they moved, and the components behind them: what metrics.movers ranks.

Two measures of a move: `z` compares all samples since the onset with single samples before it, so that only what is
large is told; `departure` compares the stretch in which the telemetry as a whole moves most with stretches as long
before, so that what is faint but out of the ordinary still ranks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tools.analysis.departure import FINENESS, Baseline, Fineness, stretches, weight
from tools.analysis.ranking import WEIGHTS, Standing, Symptoms, Weights, anomalies, anomaly, rank
from tools.analysis.robust import Floats, row_z
from tools.findings import Subject
from tools.series_kinds import SeriesKind, floor_for
from tools.windows import Grid

TELLING = {"memory": 0.6, "network": 0.7, "disk": 0.7, "requests": 0.3, "share": 0.6, "other": 0.4}
"""How much a move of a kind says about what is wrong: caches fill, traffic follows users; CPU and queues tell more."""
BESIDE = 0.5  # how much a symptom counts that the alert does not complain of
OUTBOUND = frozenset({"client", "outbound", "upstream", "egress", "remote"})
APPEARS = frozenset({"cpu", "network", "disk", "requests", "errors"})
SHARPNESS = 8.0  # power of a stretch's total: high follows the strongest alone
SIZED = frozenset({"latency", "cpu", "memory", "network", "disk", "requests", "queue"})  # a small one is a small matter
LEAST_PEERS = 3
SURE = 3.0  # moves below this departure are no measure of size
PERCENT = 1.5  # a success ratio above this is in per cent


@dataclass(frozen=True)
class Mover:
    """One series with its place on the grid and how far it moved; `reached` is the level of its strongest stretch."""

    metric: str
    kind: SeriesKind
    subject: Subject
    outbound: bool
    values: Floats
    before: float = float("nan")
    after: float = float("nan")
    z: float = 0.0
    reached: float = float("nan")
    departure: float = 0.0

    @property
    def component(self) -> str:
        """The service, else the container, else the host."""
        return self.subject.service or self.subject.container or self.subject.host


def sees_others(metric: str) -> bool:
    """Whether the metric's name says it was measured by the component as a client of others."""
    return bool(OUTBOUND & set(_words(metric)))


def _words(name: str) -> Iterable[str]:
    word = ""
    for char in name:
        if char.isupper() or not char.isalnum():
            if word:
                yield word.lower()
            word = char if char.isalnum() else ""
        else:
            word += char
    if word:
        yield word.lower()


def scored(movers: Sequence[Mover], axis: Grid, *, recent: int = 0, fineness: Fineness = FINENESS) -> list[Mover]:
    """Movers with levels, z and departure, all computed at once, largest |z| first; without a baseline they are left
    out.

    `recent`: how many columns before the split lie just before the incident, where the rest of the baseline is from
    another time (another day).
    """
    if not movers or not 0 < axis.split < axis.ms.size:
        return []
    values = np.stack([_from_nothing(m, axis) for m in movers])
    values = np.where(np.isfinite(values), values, np.nan)
    floors = [floor_for(m.metric) for m in movers]
    split = np.full(len(movers), axis.split, dtype=np.int64)
    absolute, relative = np.array([f.absolute for f in floors]), np.array([f.relative for f in floors])
    before, after, z = row_z(values, split, absolute, relative, tails=True)
    absolute = np.fmax(absolute, fineness.peer * _peers(movers, before))
    baseline = Baseline(values[:, : axis.split], absolute, relative, recent=recent, fineness=fineness)
    reached, departure = _strongest(baseline, values[:, axis.split :])
    out = [
        replace(
            m, before=float(before[i]), after=float(after[i]), z=float(z[i]),
            reached=float(reached[i]), departure=float(departure[i]) if np.isfinite(departure[i]) else 0.0,
        )
        for i, m in enumerate(movers)
        if np.isfinite(z[i])
    ]
    return sorted(out, key=lambda m: (-abs(m.z), m.metric, m.component))


def _peers(movers: Sequence[Mover], levels: Floats) -> Floats:
    """The highest usual level of the metric anywhere, shape (m,); 0 where fewer than LEAST_PEERS series have it."""
    held: dict[str, list[float]] = {}
    for mover, level in zip(movers, levels, strict=True):
        if mover.kind.kind in SIZED and np.isfinite(level):
            held.setdefault(mover.metric, []).append(abs(float(level)))
    top = {name: max(of) for name, of in held.items() if len(of) >= LEAST_PEERS}
    return np.array([top.get(m.metric, 0.0) if m.kind.kind in SIZED else 0.0 for m in movers])


def _strongest(baseline: Baseline, incident: Floats) -> tuple[Floats, Floats]:
    """(level, departure) over the stretches of the incident, those in which the series together depart most first.

    A mean, not the one strongest: neighbours are often nearly as strong, and which of them wins is chance.
    """
    found = [baseline.departure(incident[:, a:b]) for a, b in stretches(incident.shape[1])]
    totals = np.array([weight(b - a) for a, b in stretches(incident.shape[1])])
    totals *= np.array([anomalies(z).sum() for _, z in found])
    shares = (totals / (totals.max() or 1.0)) ** SHARPNESS if totals.any() else np.ones_like(totals)
    level, z = (_weighted(np.stack([f[i] for f in found]), shares) for i in (0, 1))
    return level, z


def _weighted(values: Floats, shares: Floats) -> Floats:
    """Mean over the first axis of what is not nan, shapes (s, m) and (s,) -> (m,); nan where nothing is known."""
    known = np.isfinite(values) * shares[:, None]
    with np.errstate(all="ignore"):
        return np.asarray((np.nan_to_num(values) * known).sum(axis=0) / known.sum(axis=0), dtype=np.float64)


def _from_nothing(mover: Mover, axis: Grid) -> Floats:
    """A rate that was not there in the baseline came from 0: its container did not run."""
    if mover.kind.kind in APPEARS and mover.kind.counter and not np.isfinite(mover.values[: axis.split]).any():
        return np.where(np.arange(mover.values.size) < axis.split, 0.0, mover.values)
    return mover.values


def ranked(
    movers: Sequence[Mover], calls: Iterable[tuple[str, str]], *, hurts: str = "", weights: Weights = WEIGHTS
) -> list[Standing]:
    """Components by what is wrong with themselves; `calls` are (caller, callee), without any components stand alone.

    `hurts`: "latency" or "errors" where the alert says which of the two users feel; "" counts both in full.
    """
    return rank(symptoms(movers, hurts), calls, weights)


def symptoms(movers: Iterable[Mover], hurts: str = "") -> dict[str, Symptoms]:
    """What was seen of each component; `hurts` as for `ranked`."""
    seen: dict[str, Symptoms] = {}
    for m in movers:
        if m.component:
            seen[m.component] = _with(seen.get(m.component, Symptoms()), m, hurts)
    return seen


def _with(s: Symptoms, mover: Mover, hurts: str) -> Symptoms:
    """The symptoms of a component with one more series."""
    kind = mover.kind.kind
    size = anomaly(mover.departure) * TELLING.get(kind, 1.0)
    if kind in ("latency", "errors", "success"):
        return _with_symptom(s, mover, size, hurts)
    if mover.departure <= 0:
        return replace(s, fall=max(s.fall, size))
    return replace(s, load=max(s.load, size)) if kind == "requests" else replace(s, own=max(s.own, size))


def _with_symptom(s: Symptoms, mover: Mover, size: float, hurts: str) -> Symptoms:
    """As `_with`, for what users and callers feel; a symptom that got better says nothing."""
    success = mover.kind.kind == "success"
    if mover.departure == 0 or (mover.departure < 0) != success:
        return s
    of = "latency" if mover.kind.kind == "latency" else "errors"
    size *= BESIDE if hurts and hurts != of else 1.0
    if mover.outbound:
        return replace(s, outbound=max(s.outbound, size))
    moved = abs(mover.reached - mover.before) if abs(mover.departure) > SURE else 0.0
    if of == "errors":
        ratio = moved / 100 if success and mover.before > PERCENT else moved
        return replace(s, errors=max(s.errors, size), failing=max(s.failing, ratio))
    rise = moved / mover.before if mover.before > 0 else 0.0
    return replace(s, latency=max(s.latency, size), slower=max(s.slower, moved), rise=max(s.rise, rise))

"""Labelled series of many kinds: ordinary life of a process, faults put into it, rows that are missing.

A seed and a kind make one series, always the same. Faults begin after the first 40 % and are sized by the process's own
movements, so that a person who sees the picture would point at them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from evals.anomaly_csv import Labelled
from evals.anomaly_processes import HELD_KINDS, TUNED_KINDS, Made, Rng
from evals.anomaly_scores import Stretch
from tools.analysis.robust import MAD_TO_SIGMA, Floats

FIRST_MS = 1_793_577_600_000
INTERVALS_MS = (1_000, 10_000, 60_000, 300_000, 3_600_000, 86_400_000)
SIZES = (180, 800, 1_500, 2_500)
HEALTHY = 0.2  # share of series without a fault
GAPPED = 0.2  # share of series with missing rows
QUIET = 0.4  # of the series, before the first fault
TUNING, HELD_OUT = tuple(range(100, 108)), tuple(range(900, 908))


@dataclass(frozen=True)
class Fault:
    """A labelled stretch [start, end) and what was done to it."""

    what: str
    start: int
    end: int


def series(kind: str, seed: int) -> Labelled:
    """The labelled series of a kind and a seed."""
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode())])
    process = {**TUNED_KINDS, **HELD_KINDS}[kind]
    n = int(rng.choice(SIZES))
    made = process(rng, n)
    interval = int(rng.choice(INTERVALS_MS))
    values, faults = made.values.copy(), []
    if rng.random() >= HEALTHY:
        for start, room in _places(rng, n):
            what = str(rng.choice(made.faults))
            faults.append(_put(rng, values, made, what, start, room))
    if rng.random() < GAPPED:
        values[rng.random(n) < 0.02] = np.nan
    ms = FIRST_MS + interval * np.arange(n, dtype=np.int64)
    return Labelled(ms, interval, {"value": values}, tuple(Stretch(f.what, f.start, f.end) for f in faults), True)


def _places(rng: Rng, n: int) -> list[tuple[int, int]]:
    """(start, longest) of one to four faults, far apart."""
    count = 1 if n < 400 else int(rng.integers(2, 5))
    room = int((1 - QUIET) * n / count)
    return [(int(QUIET * n + i * room + rng.uniform(0, 0.3) * room), room // 3) for i in range(count)]


def _put(rng: Rng, values: Floats, made: Made, what: str, start: int, room: int) -> Fault:
    """Change `values` in place."""
    long = int(min(max(float(rng.uniform(1.0, 1.6)) * made.cycle, float(rng.integers(25, 60))), room))
    length = {"spike": int(rng.integers(1, 4)), "dip": int(rng.integers(1, 4)), "eruption": int(rng.integers(2, 8)),
              "elsewhen": max(made.cycle // 3, 4), "reversed": made.cycle}.get(what, long)
    at = slice(start, min(start + max(min(length, room), 1), values.size))
    values[at] = _changed(rng, values[at], made, what, at)
    return Fault(what, at.start, at.stop)


def _unit(made: Made) -> float:
    """How far the process moves in a step, or from one cycle to the next; never less than a fiftieth of its range."""
    x = made.values
    apart = x[made.cycle :] - x[: -made.cycle] if made.cycle else np.diff(x)
    usual = MAD_TO_SIGMA * float(np.median(np.abs(apart)))
    return max(usual, 0.02 * float(np.quantile(x, 0.98) - np.quantile(x, 0.02)), 0.01 * abs(float(np.median(x))), 0.3)


def _changed(rng: Rng, x: Floats, made: Made, what: str, at: slice) -> Floats:
    unit, n = _unit(made), x.size
    sign = float(rng.choice([-1.0, 1.0]))
    whole = made.values
    if what in ("spike", "dip"):
        return x + (1 if what == "spike" else -1) * rng.uniform(9, 16) * unit
    if what == "level":
        return x + sign * rng.uniform(5, 9) * unit
    if what == "drift":
        return x + sign * rng.uniform(5, 9) * unit * np.minimum(np.linspace(0, 1.5, n), 1)
    if what == "stuck":
        return np.full(n, x[0])
    if what == "restless":
        return x + rng.uniform(5, 8) * unit * rng.normal(size=n)
    if what == "dropout":
        return np.zeros(n)
    if what == "lost_peak":
        return np.full(n, float(np.quantile(whole, 0.1))) + unit * 0.3 * rng.normal(size=n)
    if what == "elsewhen":
        shift = made.cycle // 2
        return whole[at.start - shift : at.start - shift + n].copy()
    if what == "eruption":
        return x + rng.uniform(1.6, 3.0) * float(whole.max())
    if what == "busy":
        return x + rng.poisson(max(6 * float(whole.mean()), 3.0), n)
    if what == "long_state":
        return np.full(n, x[0]) + 0.2 * rng.normal(size=n)
    assert what == "reversed"
    return np.asarray(-x)

"""Ordinary life of many kinds of series, made by chance from a seed: what a detector of unknown series must live with.

Each process gives values of shape (n,), the samples of its cycle (0: none) and the faults that can be seen in it at
all. Kinds in HELD_KINDS were never looked at while anything was tuned. Cycles, levels and noise are drawn anew for
each seed. All are our own assumptions of what such series look like; none is anybody's data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from tools.analysis.robust import Floats

Rng = np.random.Generator
DRAWN_CYCLES = (12, 24, 48, 96, 144, 288)


class Made(NamedTuple):
    """One stretch of ordinary life."""

    values: Floats
    cycle: int
    faults: tuple[str, ...]


Process = Callable[[Rng, int], Made]
JUMPS = ("spike", "dip", "level", "stuck", "restless")


def _cycle(rng: Rng, n: int) -> int:
    return int(rng.choice([c for c in DRAWN_CYCLES if 6 * c <= n] or [12]))


def _wave(rng: Rng, n: int, cycle: int) -> Floats:
    """A smooth course of -1..1 with overtones, repeated."""
    t = np.arange(n) * 2 * np.pi / cycle
    wave = np.sin(t + rng.uniform(0, 6)) + sum(
        rng.uniform(0, 0.5) * np.sin(k * t + rng.uniform(0, 6)) for k in (2, 3))
    return np.asarray(wave / np.abs(wave).max())


def _ar(rng: Rng, n: int, keep: float) -> Floats:
    noise, out = rng.normal(0, np.sqrt(1 - keep**2), n), np.zeros(n)
    for i in range(1, n):
        out[i] = keep * out[i - 1] + noise[i]
    return out


def noise(rng: Rng, n: int) -> Made:
    """A level with independent noise."""
    return Made(rng.uniform(10, 1_000) * (1 + rng.uniform(0.01, 0.1) * rng.normal(size=n)), 0,
                (*JUMPS, "drift"))


def daily(rng: Rng, n: int) -> Made:
    """A smooth cycle of unknown length with noise."""
    cycle = _cycle(rng, n)
    return Made(100 + 30 * _wave(rng, n, cycle) + rng.uniform(1, 4) * rng.normal(size=n), cycle,
                (*JUMPS, "lost_peak", "elsewhen"))


def traffic(rng: Rng, n: int) -> Made:
    """Counts with a day and quieter weekends."""
    cycle = int(rng.choice([24, 48, 96]))
    day = np.arange(n) // cycle
    rate = (1.2 + _wave(rng, n, cycle)) * np.where(day % 7 >= 5, 0.7, 1.0) * rng.uniform(20, 400)
    return Made(rng.poisson(rate).astype(float), cycle, ("spike", "level", "stuck", "dropout", "lost_peak"))


def trending(rng: Rng, n: int) -> Made:
    """Steady growth with noise."""
    slope = rng.choice([-1, 1]) * rng.uniform(0.005, 0.05)
    return Made(500 + slope * np.arange(n) + rng.normal(size=n), 0, JUMPS)


def walk(rng: Rng, n: int) -> Made:
    """A random walk: only its steps are ordinary."""
    return Made(1_000 + rng.normal(size=n).cumsum(), 0, ("spike", "dip", "level", "stuck", "restless"))


def bursts(rng: Rng, n: int) -> Made:
    """Low noise with bursts whose sizes have a heavy tail (Pareto)."""
    values = 5 + rng.exponential(1, n)
    for at in np.flatnonzero(rng.random(n) < rng.uniform(0.005, 0.03)):
        values[at : at + int(rng.integers(1, 6))] += 10 * (1 + rng.pareto(3.0))
    return Made(values, 0, ("eruption", "stuck"))


def duty(rng: Rng, n: int) -> Made:
    """On and off in turn, each for about as long as ever."""
    on, off = rng.integers(8, 40), rng.integers(8, 60)
    values: list[float] = []
    while len(values) < n:
        values += [10.0] * int(max(rng.normal(on, 0.06 * on), 3)) + [2.0] * int(max(rng.normal(off, 0.06 * off), 3))
    return Made(np.array(values[:n]) + 0.2 * rng.normal(size=n), int(on + off), ("spike", "long_state"))


def flat(rng: Rng, n: int) -> Made:
    """Nearly constant."""
    level = float(rng.integers(0, 50))
    return Made(np.asarray(level + (rng.random(n) < 0.01) * rng.integers(1, 3, n), np.float64), 0, ("spike", "level"))


def sluggish(rng: Rng, n: int) -> Made:
    """Strongly correlated noise about a level."""
    return Made(50 + 5 * _ar(rng, n, rng.uniform(0.8, 0.97)), 0, ("spike", "dip", "stuck", "level"))


def sparse(rng: Rng, n: int) -> Made:
    """Counts that are mostly zero."""
    return Made(rng.poisson(rng.uniform(0.05, 0.4), n).astype(float), 0, ("eruption", "busy"))


def waiting_times(rng: Rng, n: int) -> Made:
    """Skewed latencies that drift a little."""
    return Made(np.exp(0.25 * _ar(rng, n, 0.9) + rng.uniform(0.1, 0.3) * rng.normal(size=n)) * 0.2, 0,
                ("spike", "level", "stuck"))


def heartbeats(rng: Rng, n: int) -> Made:
    """Pulses of one shape whose distance varies a little."""
    gap, values, at = int(rng.integers(30, 90)), np.zeros(n), 5
    pulse = np.interp(np.linspace(0, 6, 18), range(7), (0, 0.3, -0.4, 3.0, -0.9, 0.5, 0))
    while at + 18 < n:
        values[at : at + 18] += pulse
        at += int(max(rng.normal(gap, 0.04 * gap), 20))
    return Made(values + 0.05 * rng.normal(size=n), gap, ("spike", "stuck", "reversed"))


def sawtooth(rng: Rng, n: int) -> Made:
    """A disk that fills and is cleaned when it is full."""
    rise, values, level = rng.uniform(0.3, 1.5), np.zeros(n), 20.0
    for i in range(n):
        level += rise * rng.uniform(0.5, 1.5)
        level = 20 + rng.uniform(0, 2) if level > 80 else level
        values[i] = level
    return Made(values, int(60 / rise), ("spike", "dip", "stuck"))


def queue(rng: Rng, n: int) -> Made:
    """The length of a queue at a moderate load."""
    values, length, load = np.zeros(n), 0, rng.uniform(0.4, 0.75)
    for i in range(n):
        length = max(length + int(rng.poisson(4 * load)) - int(rng.poisson(4)), 0)
        values[i] = length
    return Made(values, 0, ("eruption", "busy"))


def telegraph(rng: Rng, n: int) -> Made:
    """Two levels with exponentially distributed stays."""
    values, level = np.zeros(n), 0
    for i in range(n):
        level = 1 - level if rng.random() < 0.04 else level
        values[i] = 20 + 30 * level
    return Made(values + rng.normal(size=n), 0, ("spike", "dip"))


def growing_season(rng: Rng, n: int) -> Made:
    """A cycle whose size and level grow together."""
    cycle = _cycle(rng, n)
    return Made(np.linspace(100, rng.uniform(120, 250), n) * (1 + 0.3 * _wave(rng, n, cycle)
                + 0.02 * rng.normal(size=n)), cycle, ("spike", "dip", "level", "stuck", "lost_peak"))


def staircase(rng: Rng, n: int) -> Made:
    """A schedule: levels by the hour, the same each day."""
    cycle = _cycle(rng, n)
    steps = np.repeat(rng.uniform(10, 100, 6), -(-cycle // 6))[:cycle]
    return Made(np.tile(steps, -(-n // cycle))[:n] + rng.normal(size=n), cycle,
                ("spike", "stuck", "level", "lost_peak"))


def temperature(rng: Rng, n: int) -> Made:
    """A cycle with weather on top of it."""
    cycle = _cycle(rng, n)
    return Made(20 + 5 * _wave(rng, n, cycle) + 2 * _ar(rng, n, 0.97) + 0.1 * rng.normal(size=n), cycle,
                ("spike", "dip", "stuck", "restless"))


def sessions(rng: Rng, n: int) -> Made:
    """Connections of a pool: whole numbers that come and go."""
    values, now, aim = np.zeros(n), 50.0, rng.uniform(30, 80)
    for i in range(n):
        now += 0.05 * (aim - now) + rng.normal(0, 1.5)
        values[i] = max(round(now), 0)
    return Made(values, 0, ("spike", "level", "stuck"))


TUNED_KINDS: Mapping[str, Process] = {f.__name__: f for f in (
    noise, daily, traffic, trending, walk, bursts, duty, flat, sluggish, sparse, waiting_times, heartbeats)}
HELD_KINDS: Mapping[str, Process] = {f.__name__: f for f in (
    sawtooth, queue, telegraph, growing_season, staircase, temperature, sessions)}

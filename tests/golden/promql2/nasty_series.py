"""Series in which every awkward thing happens that samples can do. Deterministic: one seed, one data set."""

from __future__ import annotations

import math
import random

import numpy as np

from tools.recorded.promql.arrays import STALE, Floats, Ints

BEGIN_MS = 1_760_000_040_000  # a whole minute
SPAN_S = 3_600
Series = tuple[dict[str, str], Ints, Floats]
Points = list[tuple[int, float]]
BOUNDS = ("0.1", "0.5", "1", "5", "+Inf")


def nasty_series(seed: int = 20) -> list[Series]:
    """All series, as labels, ms, values."""
    dice = random.Random(seed)
    made: list[tuple[dict[str, str], Points]] = []
    for service in "abc":
        for instance in "123":
            made += _target(dice, service, instance)
    made += _joins(dice)
    made += _edges(dice)
    return [
        (labels, np.array([ms for ms, _ in points], np.int64), np.array([value for _, value in points], np.float64))
        for labels, points in made
    ]


def _target(dice: random.Random, service: str, instance: str) -> list[tuple[dict[str, str], Points]]:
    """What one scraped target exposes, at its own offset, with jitter, gaps, and sometimes an end."""
    stamps = _scrapes(dice, 15_000)
    base = {"svc": service, "inst": instance, "region": {"a": "서울", "b": "부산", "c": "seoul"}[service]}
    made = []
    for code in ("200", "404", "500"):
        labels = {"__name__": "req_total", **base, "code": code}
        made.append((labels, _worn(dice, _counter(dice, stamps, 5.0 if code == "200" else 0.3))))
    made += _histogram(dice, stamps, base, BOUNDS if instance != "3" else (*BOUNDS[:3], "1.0", "5"))
    for kind in ("heap", "stack"):
        labels = {"__name__": "mem_bytes", **base, "kind": kind}
        made.append((labels, _worn(dice, [(t, 1e8 + 1e7 * math.sin(t / 4e5) + dice.gauss(0, 1e6)) for t in stamps])))
    made.append(({"__name__": "up", **base}, _worn(dice, [(t, float(dice.random() > 0.05)) for t in stamps])))
    made.append(({"__name__": "temp", **base}, _worn(dice, [(t, _odd_gauge(dice, service)) for t in stamps])))
    return made


def _scrapes(dice: random.Random, interval: int) -> list[int]:
    start = BEGIN_MS + dice.randrange(interval)
    jitter = dice.choice((0, 3, 400))
    stamps = (start + i * interval + dice.randint(-jitter, jitter) for i in range(SPAN_S * 1000 // interval))
    return sorted({stamp for stamp in stamps if dice.random() > 0.01})


def _counter(dice: random.Random, stamps: list[int], pace: float) -> Points:
    value, points = float(dice.randrange(200)), []
    for stamp in stamps:
        value = 0.0 if dice.random() < 0.006 else value + dice.choice((0.0, pace, 2 * pace, 3.5 * pace))
        points.append((stamp, round(value, 3)))
    return points


def _worn(dice: random.Random, points: Points) -> Points:
    """Gaps, late starts, ends with and without a stale marker, and a marker in the middle."""
    fate = dice.randrange(9)
    cut = len(points) // 2 + dice.randrange(-40, 40)
    if fate == 0:
        return points[cut:]
    if fate == 1:
        return [*points[:cut], (points[cut][0], float(STALE))]
    if fate == 2:
        return points[:cut]
    if fate == 3:
        return [*points[:cut], (points[cut][0], float(STALE)), *points[cut + dice.randrange(2, 40) :]]
    if fate == 4:
        return [*points[:cut], *points[cut + dice.randrange(5, 60) :]]
    return points


def _histogram(
    dice: random.Random, stamps: list[int], base: dict[str, str], bounds: tuple[str, ...]
) -> list[tuple[dict[str, str], Points]]:
    """Cumulative buckets; with `bounds` unlike BOUNDS they lack +Inf and spell one boundary in two ways."""
    counts = [0.0] * len(bounds)
    rows: list[Points] = [[] for _ in bounds]
    for stamp in stamps:
        for at in range(dice.randrange(len(bounds)), len(bounds)):
            counts[at] += dice.choice((1.0, 1.0, 3.0))
        for at in range(1, len(bounds)):
            counts[at] = max(counts[at], counts[at - 1]) if dice.random() > 0.01 else counts[at]
        if dice.random() < 0.004:
            counts = [0.0] * len(bounds)
        for row, count in zip(rows, counts, strict=True):
            row.append((stamp, count))
    return [({"__name__": "lat_bucket", **base, "le": le}, row) for le, row in zip(bounds, rows, strict=True)]


def _odd_gauge(dice: random.Random, service: str) -> float:
    """Negative, tiny and ordinary numbers; service c also has NaN, infinities and negative zero."""
    if service == "c" and dice.random() < 0.08:
        return dice.choice((math.nan, math.inf, -math.inf, -0.0))
    return dice.choice((dice.gauss(0, 10), dice.uniform(-2, 2), dice.gauss(0, 1e-9), round(dice.gauss(0, 4))))


def _joins(dice: random.Random) -> list[tuple[dict[str, str], Points]]:
    """One series a service to join with, and an info metric whose label changes halfway."""
    stamps = list(range(BEGIN_MS, BEGIN_MS + SPAN_S * 1000, 30_000))
    half = len(stamps) // 2
    made: list[tuple[dict[str, str], Points]] = []
    for service in "ab":
        limit = 4e8 if service == "a" else 2e8
        made.append(({"__name__": "limit_bytes", "svc": service}, [(t, limit) for t in stamps]))
        old, new = stamps[:half], stamps[half:]
        ending = [(t, 1.0) for t in old] + [(new[0], float(STALE))]
        made.append(({"__name__": "build_info", "svc": service, "version": "v1"}, ending))
        made.append(({"__name__": "build_info", "svc": service, "version": "v2"}, [(t, 1.0) for t in new]))
    made.append(({"__name__": "first_half", "x": "1"}, [(t, 1.0) for t in stamps[: half - 20]]))
    made.append(({"__name__": "second_half", "x": "1"}, [(t, dice.random()) for t in stamps[half:]]))
    return made


def _edges(dice: random.Random) -> list[tuple[dict[str, str], Points]]:
    """Samples exactly on window edges, slower than the lookback, calendar values, and extremes."""
    minutes = list(range(BEGIN_MS, BEGIN_MS + SPAN_S * 1000, 60_000))
    sparse = list(range(BEGIN_MS, BEGIN_MS + SPAN_S * 1000, 300_000))
    dates = (0, 951_782_399, 951_782_400, 1_709_164_800, 1_735_689_599, 4_107_542_399, -1, -86_401, 1e10, 1.5e9 + 0.7)
    return [
        ({"__name__": "aligned_total"}, [(t, float(7 * i % 400)) for i, t in enumerate(minutes)]),
        ({"__name__": "aligned", "n": "1"}, [(t, float(i)) for i, t in enumerate(minutes)]),
        ({"__name__": "aligned", "n": "2"}, [(t, float(-i % 7)) for i, t in enumerate(minutes)]),
        ({"__name__": "sparse", "n": "1"}, [(t, float(i)) for i, t in enumerate(sparse)]),
        ({"__name__": "sparse", "n": "2"}, [(t + 1, dice.random()) for t in sparse]),
        *(({"__name__": "date", "n": str(n)}, [(t, float(value)) for t in minutes]) for n, value in enumerate(dates)),
        ({"__name__": "huge", "n": "1"}, [(t, 1.7e308) for t in minutes]),
        ({"__name__": "huge", "n": "2"}, [(t, 1.6e308) for t in minutes]),
        ({"__name__": "flat", "n": "1"}, [(t, 0.1) for t in minutes]),
        ({"__name__": "flat", "n": "2"}, [(t, 0.1) for t in minutes]),
        ({"__name__": "lone", "n": "1"}, [(minutes[20], 5.0)]),
        ({"__name__": "quoted", "text": 'a"b\\c\nd', "empty_like": " "}, [(t, 1.0) for t in minutes]),
    ]

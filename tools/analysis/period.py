"""The period of a series about which nothing is known, from its own past.

Candidates are the peaks of the autocorrelation (by FFT, Wiener and Khinchin) of the clipped, detrended past, and the
day and the week where they fit. A candidate is believed where samples one period apart differ clearly less than samples
half a period more or less apart: a random walk, whose differences only grow with the lag, has no such dip.
"""

from __future__ import annotations

import numpy as np

from tools.analysis.robust import Floats

DAY_MS = 86_400_000
LEAST = 5  # samples a period
ROUNDS = 2.2  # periods the past must hold
PEAK = 0.25  # of the autocorrelation
DIP = 0.75  # of the differences half a period away
TRIED = 6  # peaks
SHORTER = 1.2  # a multiple must beat the shorter period by so much


def autocorrelation(values: Floats, most: int) -> Floats:
    """Of lags 0..most-1, values (n,) without nan, after clipping at the 1st and 99th percentile and detrending."""
    low, high = np.quantile(values, [0.01, 0.99])
    x = np.clip(values, low, high)
    t = np.linspace(-1, 1, x.size)
    x = x - x.mean()
    x = x - t * float(t @ x) / float(t @ t)
    size = 1 << int(2 * x.size - 1).bit_length()
    spectrum = np.fft.rfft(x, size)
    raw = np.fft.irfft(np.abs(spectrum) ** 2, size)[:most]
    unbiased = raw / (x.size - np.arange(most))
    return np.asarray(unbiased / unbiased[0] if unbiased[0] > 0 else np.zeros(most))


def peaks(correlation: Floats) -> list[int]:
    """Lags of local maxima above `PEAK` that come after a trough clearly below them, best first."""
    c = correlation
    inner = np.flatnonzero((c[1:-1] > c[:-2]) & (c[1:-1] >= c[2:]) & (c[1:-1] > PEAK)) + 1
    fallen = np.minimum.accumulate(c)
    inner = inner[(inner >= LEAST) & (c[inner] - fallen[inner] > PEAK)]
    return [int(lag) for lag in inner[np.argsort(-c[inner], kind="stable")]]


def apart(values: Floats, lag: int) -> float:
    """Mean |x(t) - x(t - lag)|, its largest twentieth left out."""
    away = np.sort(np.abs(values[lag:] - values[:-lag]))
    return float(away[: max(int(0.95 * away.size), 1)].mean())


def find_period(values: Floats, *, interval_ms: int) -> int:
    """Samples a period of values (n,) without nan; 0 where none is believed."""
    most = int(values.size / ROUNDS)
    if most <= LEAST + 2 or float(np.ptp(values)) == 0:
        return 0
    found = peaks(autocorrelation(values, most))[:TRIED]
    calendar = [round(span / interval_ms) for span in (DAY_MS, 7 * DAY_MS)]
    best, least = 0, np.inf
    for lag in sorted({*found, *(c for c in calendar if LEAST <= c < most)}):
        half = max(lag // 2, 1)
        beside = min(apart(values, lag - half), apart(values, min(lag + half, values.size - 2)))
        own = apart(values, lag)
        if own < DIP * beside and own * (SHORTER if best else 1.0) < least:
            best, least = lag, own
    return best


def dominant(values: Floats) -> int:
    """The lag of the best peak, whether or not samples repeat exactly (a heartbeat does not); 0 for none."""
    most = min(int(values.size / ROUNDS), 2_000)
    if most <= LEAST + 2 or float(np.ptp(values)) == 0:
        return 0
    c = autocorrelation(values, most)
    found = peaks(c)[:TRIED]
    return min((lag for lag in found if c[lag] >= 0.8 * c[found[0]]), default=0)

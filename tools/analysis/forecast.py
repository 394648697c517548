"""One sample ahead of a series about which nothing is known: what its neighbours and its season say.

A linear prediction from the last samples, their mean and the season's value, all relative to the last sample, so that a
random walk is predicted by its last value and a season by itself. Fitted by ridge regression on the past, a second time
without the samples that fitted worst.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.analysis.robust import MAD_TO_SIGMA, Floats

LAGS = 6
MEAN_OF = 16
BACK = MEAN_OF  # samples before one that its prediction needs
LEAST_ROWS = 30
RIDGE = 1e-3
WILD = 5.0  # sigmas of the first fit
WEIGHTS = LAGS - 1 + 1 + 2
CYCLES = 4  # periods the season is taken from
SIDE = 4.0  # how far beyond the range of the past a prediction may go: 1 / SIDE of the range


@dataclass(frozen=True)
class Forecast:
    """`weights` (WEIGHTS,), and the range of what may be predicted."""

    weights: Floats
    low: float
    high: float

    def ahead(self, before: Floats, season: float, season_before: float) -> float:
        """The sample after `before` (at least BACK, without nan); seasons are nan where unknown."""
        last = float(before[-1])
        parts = np.empty(WEIGHTS)
        parts[: LAGS - 1] = before[-2 : -LAGS - 1 : -1] - last
        parts[LAGS - 1] = before[-MEAN_OF:].mean() - last
        parts[LAGS] = season - last if season == season else 0.0
        parts[LAGS + 1] = season_before - last if season_before == season_before else 0.0
        return float(min(max(last + float(parts @ self.weights), self.low), self.high))


def naive(values: Floats) -> Forecast:
    """The last value again."""
    return Forecast(np.zeros(WEIGHTS), float(values.min()), float(values.max()))


def features(values: Floats, season: Floats) -> Floats:
    """(n - BACK, WEIGHTS) for the samples from BACK on; values (n,) without nan, season (n,) with nan for unknown."""
    last = values[BACK - 1 : -1]
    sums = np.concatenate(([0.0], np.cumsum(values)))
    mean = (sums[BACK:-1] - sums[:-1][: values.size - BACK]) / MEAN_OF
    lags = [values[BACK - j : values.size - j] - last for j in range(2, LAGS + 1)]
    seasons = [np.nan_to_num(s - last, nan=0.0) for s in (season[BACK:], season[BACK - 1 : -1])]
    return np.column_stack([*lags, mean - last, *seasons])


def fit_forecast(values: Floats, season: Floats, usable: np.ndarray) -> tuple[Forecast, Floats]:
    """(forecast, residuals (n,) with nan for the first BACK samples). `usable` (n,): samples worth learning from."""
    residuals = np.full(values.size, np.nan)
    if values.size < BACK + LEAST_ROWS:
        residuals[1:] = np.diff(values)
        return naive(values), residuals
    x, y = features(values, season), np.diff(values)[BACK - 1 :]
    rows = usable[BACK:].copy()
    weights = _ridge(x[rows], y[rows])
    for _ in range(1):
        away = np.abs(y - x @ weights)
        sigma = MAD_TO_SIGMA * float(np.median(away[rows])) if rows.any() else 0.0
        tame = rows & (away <= max(WILD * sigma, float(np.quantile(away[rows], 0.95)) if rows.any() else 0.0))
        weights = _ridge(x[tame], y[tame])
    low, high = float(values[usable].min(initial=np.inf)), float(values[usable].max(initial=-np.inf))
    room = (high - low) / SIDE if high > low else 0.0
    forecast = Forecast(weights, low - room, high + room) if high >= low else naive(values)
    predicted = np.clip(values[BACK - 1 : -1] + x @ weights, forecast.low, forecast.high)
    residuals[BACK:] = values[BACK:] - predicted
    return forecast, residuals


def _ridge(x: Floats, y: Floats) -> Floats:
    if x.shape[0] < LEAST_ROWS:
        return np.zeros(WEIGHTS)
    gram = x.T @ x
    size = float(np.trace(gram)) / WEIGHTS
    if size <= 0:
        return np.zeros(WEIGHTS)
    return np.asarray(np.linalg.solve(gram + RIDGE * size * np.eye(WEIGHTS), x.T @ y))


def seasonal(clean: Floats, period: int) -> Floats:
    """What the same place of the last CYCLES periods says, (n,): without the farthest two where there are three or
    more; nan in the first period."""
    n = clean.size
    back = np.full((CYCLES, n), np.nan)
    for cycle in range(1, CYCLES + 1):
        if cycle * period < n:
            back[cycle - 1, cycle * period :] = clean[: n - cycle * period]
    return trimmed(back)


def trimmed(back: Floats) -> Floats:
    """Column means of (CYCLES, m), the least and the greatest left out of three or more; nan where nothing is known."""
    known = np.isfinite(back)
    count, total = known.sum(axis=0), np.where(known, back, 0.0).sum(axis=0)
    high, low = np.where(known, back, -np.inf).max(axis=0), np.where(known, back, np.inf).min(axis=0)
    many = count >= 3
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(many, (total - np.where(many, high + low, 0)) / np.maximum(count - 2, 1),
                                   total / count))

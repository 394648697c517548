"""One series about which nothing is known, judged sample by sample from its own past alone.

Its period is found from its past, the next sample predicted, and a few views of the last samples held against limits
that the same views' past sets (`views.py`, `tails.py`). All of it is fitted anew as the past grows by a tenth. What
alarms is replaced by what was expected wherever the past serves as a season, until it has lasted for long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.analysis.forecast import BACK, CYCLES, Forecast, fit_forecast, naive, seasonal
from tools.analysis.period import find_period
from tools.analysis.robust import Floats
from tools.analysis.shape import Shape
from tools.analysis.tails import CLEAR, SHARE, Rules, upper_limit
from tools.analysis.views import LOOKBACK, NEEDS, WIDTH, farness, look_at, look_at_last

DAY_MS = 86_400_000
DAYS_KEPT = 15
FEWEST, MOST = 2_048, 10_080  # samples kept
WARM = 32
GROWTH = 1.1
REFIT_LEAST, REFIT_MOST = 16, 512  # samples between fits
RATE = 1e-5  # alarms a sample and side of a view
CALM, CALM_SHARE = 6, 0.75
PRACTICE, PRACTICE_SHARE, PRACTICE_CYCLES = 40, 0.25, 3  # samples of silence, share of all samples, cycles
FREE, DEARER, FORGIVEN = 1.0, 1.4, 1_000  # alarms; how much higher the bar is for each further one; samples
CHEAP = 0.3  # of an alarm: what a clear one counts
EARLY, SETTLED = 1.0, 400  # how much higher the bar is at first; samples until it is not
APART = 0.25  # of the usual range
STILL = 8  # equal samples, at the least, before that is remarkable
ACCEPT = 256  # samples after which what alarms is how it is
EARLIER = 0.6  # of the past, whose values the rest is compared with
KEPT_FACTS = ("last_ms", "known_ms", "since_ms", "begun", "calm", "due", "height", "told", "seen", "practice")
KEPT_COLUMNS = ("value", "known", "told", "clean", "run")
COLUMNS = ("value", "known", "told", "clean", "adjusted", "residual", "run")


@dataclass(frozen=True)
class Judged:
    """One sample. `score` 1 is the limit, signed; `view` says what was looked at; `half` is half the expected band."""

    expected: float
    half: float
    score: float
    view: str
    began: bool
    ended: bool
    since_ms: int


@dataclass
class Fitted:
    """What the past says: `limits` by view as (middle, up, down), distances from the middle."""

    forecast: Forecast
    period: int = 0
    usual: float = 0.0
    limits: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    places: Floats = field(default_factory=lambda: np.zeros(0))


class Single:
    """State: columns of the past, what was fitted, and whether it alarms."""

    def __init__(self, *, interval_ms: int) -> None:
        self.interval_ms = interval_ms
        self.capacity = int(min(max(DAYS_KEPT * DAY_MS / interval_ms, FEWEST), MOST))
        self.columns: dict[str, Floats] = {name: np.full(2 * self.capacity, np.nan) for name in COLUMNS}
        self.size = 0
        self.last_ms: int | None = None
        self.known_ms: int | None = None  # of the last sample that was no gap
        self.since_ms = 0  # of an alarm that goes on
        self.begun = 0  # samples since it began
        self.calm = 0
        self.due = WARM  # samples until the next fit
        self.fitted = Fitted(naive(np.zeros(1)))
        self.shape = Shape()
        self.seen = 0  # samples ever
        self.height = 0.0  # of an alarm that goes on: its highest score
        self.told = 0.0  # alarms, those long ago counting less
        self.practice: dict[str, tuple[float, float]] = {}  # by view: last told in silence (-1: believed), first asked

    def look(self, at_ms: int, value: float, *, factor: float = 1.0) -> Judged:
        """Judge a sample; nan is a gap. Samples of missed intervals count as gaps; older ones are not looked at."""
        if self.last_ms is not None:
            missed = round((at_ms - self.last_ms) / self.interval_ms) - 1
            if missed < 0:
                self.last_ms = at_ms if at_ms < self.last_ms - self.interval_ms else self.last_ms  # the clock went back
                return Judged(math.nan, math.nan, 0.0, "", False, False, self.since_ms)
            for _ in range(min(missed, self.capacity)):
                self._append(math.nan)
        self.last_ms = at_ms
        self.known_ms = at_ms if math.isfinite(value) or self.known_ms is None else self.known_ms
        expected = self._append(value)
        self.told *= math.exp(-1 / FORGIVEN)
        bar = factor * DEARER ** max(self.told - FREE, 0.0) * (1 + EARLY * max(1 - self.seen / SETTLED, 0.0))
        score, view = self._score(bar) if math.isfinite(value) else (0.0, "")
        began, ended = self._alarm(at_ms, abs(score), known=math.isfinite(value))
        since = self.since_ms
        if ended:
            self.since_ms = 0
        self.due -= 1
        if self.due <= 0:
            self._fit()
        return Judged(expected, self._half(factor), score, view, began, ended, since)

    def save(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """(facts for JSON, columns) from which `restore` makes the same series again; what was fitted is not kept."""
        facts = {name: getattr(self, name) for name in KEPT_FACTS} | {"shape": self.shape.save()}
        columns = {name: self.past(name).astype(np.float64 if name == "value" else np.float32) for name in KEPT_COLUMNS}
        return facts, columns

    def restore(self, facts: Mapping[str, Any], columns: Mapping[str, npt.NDArray[Any]]) -> None:
        """Fill a new one and fit it. Raises KeyError, TypeError or ValueError on what was never saved."""
        size = int(columns["value"].size)
        if size > 2 * self.capacity or any(columns[name].shape != (size,) for name in KEPT_COLUMNS):
            raise ValueError("a series of another size")
        for name in KEPT_COLUMNS:
            self.columns[name][:size] = columns[name]
        self.size = size
        for name in KEPT_FACTS:
            setattr(self, name, facts[name])
        self.practice = {str(view): (float(wild), float(first)) for view, (wild, first) in facts["practice"].items()}
        self.shape.restore(facts["shape"])
        if self.seen >= WARM:
            due = self.due
            self._fit()
            self.due = due

    def past(self, name: str) -> Floats:
        """A column of what is kept, (size,)."""
        return self.columns[name][: self.size]

    def _append(self, value: float) -> float:
        """Add a sample to the columns; returns what was expected of it."""
        if self.size == 2 * self.capacity:
            self._drop()
        here, c = self.size, self.columns
        season, before = self._season(here), self._season(here - 1)
        expected = float(c["value"][here - 1]) if here else value
        if here > BACK:
            expected = self.fitted.forecast.ahead(c["value"][max(here - 2 * BACK, 0) : here], season, before)
        known = math.isfinite(value)
        filled = value if known else expected if math.isfinite(expected) else 0.0
        row = {"value": filled, "known": float(known), "told": 0.0, "clean": filled if known else math.nan,
               "adjusted": (value - (season if season == season else 0.0)) if known else math.nan,
               "residual": value - expected if known else math.nan, "run": self._run(value)}
        if self.fitted.period and season != season:
            row["adjusted"] = math.nan
        for name, cell in row.items():
            c[name][here] = cell
        self.size += 1
        self.seen += 1
        return expected

    def _run(self, value: float) -> float:
        """How many samples in a row are equal to this one; gaps do not count."""
        if not math.isfinite(value) or not self.size:
            return 1.0
        c, before = self.columns, self.size - 1
        return float(c["run"][before]) + float(c["known"][before]) if c["value"][before] == value else 1.0

    def _drop(self) -> None:
        """Keep the newest `capacity` samples."""
        keep = slice(self.size - self.capacity, self.size)
        for name in COLUMNS:
            self.columns[name][: self.capacity] = self.columns[name][keep].copy()
        self.shape.forget(self.size - self.capacity)
        self.size = self.capacity

    def _season(self, at: int) -> float:
        period = self.fitted.period
        if not period or at - period < 0:
            return math.nan
        clean = self.columns["clean"]
        cells = [float(clean[i]) for i in range(at - period, at - CYCLES * period - 1, -period) if i >= 0]
        known = sorted(cell for cell in cells if cell == cell)
        inner = known[1:-1] if len(known) >= 3 else known
        return sum(inner) / len(inner) if inner else math.nan

    def _score(self, factor: float) -> tuple[float, str]:
        """The view that is farthest out, 1 at its limit."""
        tail = slice(max(self.size - LOOKBACK, 0), self.size)
        seen = look_at_last(self.columns["residual"][tail], self.columns["adjusted"][tail], self.fitted.usual)
        seen["place"] = float(farness(self.columns["value"][self.size - 1 : self.size], self.fitted.places)[0])
        seen["still"] = float(self.columns["run"][self.size - 1])
        scores = {}
        for view, (middle, up, down) in self.fitted.limits.items():
            away = seen[view] - middle
            scores[view] = away / (factor * max(up if away > 0 else down, 1e-12))
        scores["shape"] = self.shape.look(self.past("value"), self.past("told"), rate=RATE) / factor
        trusted = {view: score for view, score in scores.items() if score == score and self._practised(view, score)}
        name = max(trusted, key=lambda view: abs(trusted[view]), default="")
        return trusted.get(name, 0.0), name

    def _practised(self, view: str, score: float) -> bool:
        """A view is believed from when it would have said nothing for a while on; until then it only learns."""
        wild, since = self.practice.get(view, (0.0, self.seen))
        if wild < 0:
            return True
        if abs(score) >= 1:
            self.practice[view] = (float(self.seen), since)
            return False
        silence = max(PRACTICE, PRACTICE_SHARE * self.seen, PRACTICE_CYCLES * self.shape.lag)
        if self.seen - max(wild, since) >= silence:
            self.practice[view] = (-1.0, since)
            return True
        self.practice[view] = (wild, since)
        return False

    def _half(self, factor: float) -> float:
        """Half the band in which the next step is no surprise, in the series' unit."""
        _, up, down = self.fitted.limits.get("step", (0.0, math.inf, math.inf))
        return factor * max(up, down) * self.fitted.usual

    def _alarm(self, at_ms: int, score: float, *, known: bool) -> tuple[bool, bool]:
        active = self.since_ms > 0
        began = known and not active and score >= 1
        if began:
            self.told += 1 if score < CLEAR else CHEAP
            self.height = 0.0
            self.since_ms, self.begun, self.calm = at_ms, 0, 0
        if not (active or began):
            return False, False
        self.begun += 1
        self.calm = self.calm + 1 if known and score < CALM_SHARE else 0
        if self.begun <= max(ACCEPT, self.fitted.period):
            self.height = max(self.height, score)
            self.columns["told"][self.size - 1] = self.height
            self.columns["clean"][self.size - 1] = self._season(self.size - 1)  # not what alarmed
        ended = self.calm >= CALM or self.begun > max(ACCEPT, self.fitted.period)
        return began, ended

    def _fit(self) -> None:
        """Fit everything to the past as it is now."""
        if self.size > self.capacity:
            self._drop()
        value, told, clean = self.past("value"), self.past("told") > 0, self.past("clean")
        period = find_period(np.where(np.isfinite(clean), clean, value), interval_ms=self.interval_ms)
        season = seasonal(clean, period) if period else np.full(self.size, np.nan)
        known = self.past("known") > 0
        forecast, residual = fit_forecast(value, season, known & ~told)
        residual[~known] = np.nan
        adjusted = np.where(known, value - season if period else value, np.nan)
        size = np.abs(residual[np.isfinite(residual) & ~told])
        cap = np.quantile(size, 0.98) if size.size else 0.0
        usual = float(np.minimum(size, cap).mean()) if size.size else 0.0
        self.past("residual")[:], self.past("adjusted")[:] = residual, adjusted
        self.shape.fit(value, period)
        self.fitted = Fitted(forecast, period, usual, self._limits(usual), np.sort(value[known & ~told]))
        self.due = int(min(max((GROWTH - 1) * self.size, REFIT_LEAST), REFIT_MOST))

    def _limits(self, usual: float) -> dict[str, tuple[float, float, float]]:
        told = self.past("told")
        columns = look_at(self.past("residual"), self.past("adjusted"), usual)
        columns["place"], columns["still"] = self._places(told > 0), self.past("run")
        out, cycle = {}, self.shape.lag
        moves = float(np.median(self.past("run"))) == 1  # then a handful of stops sets a limit; else stops are chance
        few = {"place": False, "still": moves}
        for view, column in columns.items():
            if int(np.isfinite(column).sum()) < NEEDS[view] - WIDTH[view]:
                continue
            middle = float(np.nanmedian(column))
            rules = Rules(WIDTH[view], RATE, few.get(view, True), cycle, 1.0 if view == "still" else SHARE)
            up, down = (upper_limit(s * column, told, rules) - s * middle for s in (1, -1))
            least = STILL if view == "still" else self._apart() if view == "place" else 0.0
            out[view] = (middle, max(up, least), math.inf) if least else (middle, up, down)
        return out

    def _apart(self) -> float:
        """How far from all others a value must be, at the least: a part of the range that is usual."""
        low, high = np.quantile(self.past("value"), [0.02, 0.98])
        return APART * float(high - low)

    def _places(self, told: npt.NDArray[np.bool_]) -> Floats:
        """How far the later part's values were from all of the earlier part's, nan for the earlier part: what to expect
        of values to come."""
        value = np.where(self.past("known") > 0, self.past("value"), np.nan)
        split = int(EARLIER * self.size)
        out = np.full(self.size, np.nan)
        out[split:] = farness(value[split:], np.sort(value[:split][np.isfinite(value[:split]) & ~told[:split]]))
        return out

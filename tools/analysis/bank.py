"""Many series of one sampling interval, judged sample by sample against their last hour and their season.

Expected = what the hour of day and week says plus how far the last hour was from that; before the season is known, the
last hour alone. A series alarms when it is suddenly away from both for two samples in a row, or away from its season
alone for much longer. While it alarms it learns nothing; what lasts for hours is accepted as a new level.

Everything is vectorised over series and kept in float32: one sample of 20,000 series costs milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.analysis.season import CLIP, HOUR_MS, MEAN_TO_SIGMA, Mask, Rows, Season, Usual
from tools.analysis.sensitivity import Sensitivity

PERSIST = 2  # samples in a row
LASTING, LASTING_SHARE = 6, 0.55  # or so many at so much of the limit
EXTREME = 0.15  # of its distance from the level: so much farther may a peak or trough go that this hour always has
CALM = 3  # samples in a row that end an alarm
GATE = 0.6  # the season only has to agree: at so much of the limit
LONG = 1.3  # the season alone: so much farther, for `LONG_MS`
LONG_MS = 2 * HOUR_MS
ACCEPT_MS = 6 * HOUR_MS
REST_MS = 24 * HOUR_MS  # after a new level was accepted, the season alone says nothing
WARM_SAMPLES = 20
TAIL = 0.995  # the quantile of the score that a series' own history sets
TAIL_STEP = 0.02
SPREAD_SLOWER = 0.2  # the spread has a memory five times as long as the level: what is going on must not widen it
AT_ONCE = 1.5  # times the limit
TAIL_ROOM = 1.25
HUGE = 1e30  # beyond it float32 cannot square: no measurement
GAP = 3  # intervals without a sample from which runs begin anew
_STATE = ("level", "offset", "spread", "wide", "tail", "seen", "streak", "lasting", "long", "calm", "since", "pending",
          "rest", "last", "warm")


@dataclass(frozen=True)
class Verdicts:
    """One sample, shape (n,) each. `score` in scales, signed; `limit` what it had to reach; `since_ms` of alarms."""

    score: Rows
    limit: Rows
    expected: Rows
    scale: Rows
    alarm: Mask
    began: Mask
    ended: Mask
    since_ms: npt.NDArray[np.int64]


class Bank:
    """`sensitivities[i]` belongs to row i. `offset_ms` moves UTC to the users' clock (weekends are theirs); `warm_up`:
    samples before anything is judged, an hour's worth by default."""

    def __init__(
        self, sensitivities: Sequence[Sensitivity] = (), *, interval_ms: int, offset_ms: int = 0,
        warm_up: int | None = None,
    ) -> None:
        self.interval_ms = interval_ms
        per_hour = HOUR_MS / interval_ms
        self.warm_up = int(max(WARM_SAMPLES, np.ceil(per_hour))) if warm_up is None else warm_up
        self._gain = 2 / (max(WARM_SAMPLES, per_hour) + 1)
        self.season = Season(0, samples=per_hour, offset_ms=offset_ms)
        self.state: dict[str, npt.NDArray[Any]] = {  # times need float64, the rest does not
            name: np.zeros(0, np.float64 if name in ("since", "rest") else np.float32) for name in _STATE}
        self.factor: Rows = np.ones(0, np.float32)
        self._kinds: list[Sensitivity] = []
        self._rules: dict[str, Rows] = {}
        self.last_ms: int | None = None
        self._weekend = False
        self.extend(sensitivities)

    def __len__(self) -> int:
        return len(self._kinds)

    def extend(self, sensitivities: Sequence[Sensitivity]) -> None:
        """Add rows at the end."""
        self._kinds += sensitivities
        more = len(self._kinds) - self.factor.size
        for name, column in self.state.items():
            self.state[name] = np.concatenate([column, np.zeros(more, column.dtype)])
        self.factor = np.concatenate([self.factor, np.ones(more, np.float32)])
        self.season.grow(len(self._kinds))
        columns = {"direction": [k.direction for k in self._kinds], "z": [k.z for k in self._kinds],
                   "absolute": [k.floor.absolute for k in self._kinds],
                   "relative": [k.floor.relative for k in self._kinds], "effect": [k.effect for k in self._kinds],
                   "least": [k.least for k in self._kinds], "counts": [k.counts for k in self._kinds],
                   "at_once": [k.at_once for k in self._kinds], "wide": [k.wide for k in self._kinds]}
        self._rules = {name: np.array(column, np.float32) for name, column in columns.items()}

    def replace(self, row: int, kind: Sensitivity) -> None:
        """Give a row to another series, which begins anew."""
        for column in self.state.values():
            column[row] = 0
        self.factor[row] = 1
        self.season.clear(row)
        if self._kinds[row] != kind:
            self._kinds[row] = kind
            self.extend(())

    def step(self, at_ms: int, values: Rows, *, trials: Rows | None = None, quiet: Mask | None = None) -> Verdicts:
        """Judge one sample (n,), nan where there is none. `trials`: of how many units a share was taken (nan: none).

        `quiet` series (a planned event) neither alarm nor learn. A sample that is not newer than the last is ignored.
        """
        self._watch_clock(at_ms)
        if not len(self):
            return _nothing()
        values = np.where(np.isfinite(values) & (np.abs(values) < HUGE), values, np.nan).astype(np.float32)
        known = np.isfinite(values)
        quiet = np.zeros(len(self), np.bool_) if quiet is None else quiet
        usual = self.season.read(at_ms)
        self._anchor(at_ms, usual)
        expected = np.where(usual.known, usual.level + self.state["offset"], self.state["level"]).astype(np.float32)
        scale = self._scale(expected, trials)
        with np.errstate(invalid="ignore", over="ignore"):
            score, long = self._score(values, expected, scale, usual)
            high, low = (x + EXTREME * (x - usual.level) for x in (usual.peak, usual.trough))
            ordinary = ((score > 0) & (values <= high)) | ((score < 0) & (values >= low))
            self._follow(ordinary & (np.abs(score) >= self._rules["z"]), values, usual)
            score = np.where(ordinary, 0, score).astype(np.float32)
        limit = np.maximum(self._rules["z"], TAIL_ROOM * self.state["tail"]).astype(np.float32) * self.factor
        alarm, began, ended = self._alarm(at_ms, known & ~quiet, score, long, limit)
        judged = known & ~quiet
        known_new = alarm & known & ~quiet & ~usual.known & (at_ms - self.state["since"] >= HOUR_MS)
        self.season.learn(at_ms, np.nan_to_num(values).astype(np.float32), usual, scale, known_new)
        self._learn(at_ms, values, judged & ~alarm & (self.state["lasting"] == 0), expected, scale, usual)
        self._learn_tail(judged & (~alarm | began), score)
        self._accept(at_ms, values, known, alarm)
        self.season.note(np.where(judged, values, np.nan).astype(np.float32))
        return Verdicts(score, limit, expected, scale, alarm, began, ended, self.state["since"].astype(np.int64))

    def _watch_clock(self, at_ms: int) -> None:
        """After a gap runs begin anew; after a long one, or a clock that went back, so does the last hour."""
        last, self.last_ms = self.last_ms, at_ms
        if last is None:
            return
        away = at_ms - last
        if away <= 0 or away > GAP * self.interval_ms:
            for name in ("streak", "lasting", "long"):
                self.state[name][:] = 0
        if away < -self.interval_ms or away > max(HOUR_MS, 12 * self.interval_ms):
            self.state["seen"][:] = np.minimum(self.state["seen"], self.warm_up / 2)

    def _anchor(self, at_ms: int, usual: Usual) -> None:
        """Where a profile begins to be used (a new hour of the week, a weekend), it goes on from the last value."""
        state, weekend = self.state, self.season.bucket(at_ms) >= 24
        fresh = usual.known & (state["seen"] > 0) & ((state["warm"] == 0) | (weekend != self._weekend))
        state["offset"][fresh] = (state["last"] - usual.level)[fresh]
        state["warm"], self._weekend = usual.known.astype(np.float32), weekend

    def _follow(self, moved: Mask, values: Rows, usual: Usual) -> None:
        """A jump that this hour always has: the last hour is no measure any more."""
        for name in ("level", "last"):
            self.state[name][moved] = values[moved]
        self.state["offset"][moved] = (values - usual.level)[moved]

    def _scale(self, expected: Rows, trials: Rows | None) -> Rows:
        rules, size = self._rules, np.abs(expected)
        floor = np.maximum(rules["absolute"], rules["relative"] * size)
        floor = np.maximum(floor, rules["wide"] * self.state["wide"])
        floor = np.maximum(floor, np.where(rules["counts"] > 0, np.sqrt(np.maximum(size, 1)), 0))
        if trials is not None:
            share = np.clip(expected, 0, 1)
            with np.errstate(invalid="ignore", divide="ignore"):
                drawn = np.sqrt(np.maximum(share * (1 - share), 1 / trials) / trials)
            floor = np.maximum(floor, np.nan_to_num(drawn, nan=0.0, posinf=0.0))
        return np.asarray(np.maximum(self.state["spread"], floor), np.float32)

    def _score(self, values: Rows, expected: Rows, scale: Rows, usual: Usual) -> tuple[Rows, Mask]:
        """The signed score (0 where it cannot alarm), and where the season alone is far away."""
        rules, warm = self._rules, self.state["seen"] >= self.warm_up
        sudden = (values - expected) / scale
        seasonal = (values - usual.level) / np.maximum(scale, usual.spread)
        agreed = np.where(sudden * seasonal > 0, np.minimum(np.abs(sudden), np.abs(seasonal) / GATE), 0)
        score = np.where(usual.known, np.sign(sudden) * agreed, sudden)
        from_season = self._allowed(values - usual.level, usual.level) & usual.known
        score = np.where(warm & self._allowed(values - expected, expected), score, 0)
        score = np.where(usual.known & ~from_season, 0, score)
        far = np.maximum(rules["z"], TAIL_ROOM * self.state["tail"]) * self.factor * LONG
        return np.nan_to_num(score).astype(np.float32), warm & from_season & (np.abs(seasonal) >= far)

    def _allowed(self, away: Rows, level: Rows) -> Mask:
        rules = self._rules
        big = np.abs(away) >= np.maximum(rules["least"], rules["effect"] * np.abs(level))
        return np.asarray(big & ((rules["direction"] == 0) | (np.sign(away) == rules["direction"])), np.bool_)

    def _alarm(self, at_ms: int, judged: Mask, score: Rows, long: Mask, limit: Rows) -> tuple[Mask, Mask, Mask]:
        state, over = self.state, np.abs(score) >= limit
        state["streak"] = np.where(judged, np.where(over, state["streak"] + 1, 0), state["streak"]).astype(np.float32)
        lasting = judged & (np.abs(score) >= LASTING_SHARE * limit)
        run = np.where(judged, np.where(lasting, state["lasting"] + 1, 0), state["lasting"])
        state["lasting"] = run.astype(np.float32)
        rested = state["rest"] <= at_ms
        state["long"] = np.where(judged & rested, np.where(long, state["long"] + 1, np.maximum(state["long"] - 2, 0)),
                                 state["long"]).astype(np.float32)
        enough = max(6.0, LONG_MS / self.interval_ms)
        at_once = (self._rules["at_once"] > 0) & (np.abs(score) >= AT_ONCE * limit)
        runs = (state["streak"] >= PERSIST) | (state["lasting"] >= LASTING) | (state["long"] >= enough)
        firing = judged & (runs | at_once)
        active = state["since"] > 0
        settled = judged & (np.abs(score) < 0.5 * limit) & ~long
        calm = np.where(active & settled, state["calm"] + 1, np.where(judged, 0, state["calm"]))
        state["calm"] = calm.astype(np.float32)
        began, ended = firing & ~active, active & (state["calm"] >= CALM)
        onset = at_ms - (np.maximum(state["streak"], 1) - 1).astype(np.float64) * self.interval_ms
        state["since"] = np.where(began, onset, np.where(ended, 0, state["since"]))
        state["calm"][ended] = 0
        return (active | began) & ~ended, began, ended

    def _learn(self, at_ms: int, values: Rows, mask: Mask, expected: Rows, scale: Rows, usual: Usual) -> None:
        state = self.state
        first = mask & (state["seen"] == 0)
        state["level"][first] = values[first]
        expected = np.where(first, values, expected)
        gain = np.maximum(self._gain, 1 / (state["seen"] + 1))
        fresh = state["seen"] < WARM_SAMPLES
        slowly = np.maximum(SPREAD_SLOWER, 1 / np.maximum(gain * (state["seen"] + 1), 1))
        bound = np.where(fresh, np.inf, CLIP * scale)
        away = np.clip(values - expected, -bound, bound)
        towards = np.clip(values - state["level"], -2 * bound, 2 * bound)
        for name, change in (("level", towards), ("offset", np.where(usual.known, away, -state["offset"] / gain)),
                             ("spread", slowly * (MEAN_TO_SIGMA * np.abs(away) - state["spread"]))):
            state[name][mask] += (gain * change)[mask]
        state["last"][mask] = (expected + away)[mask]
        slow = np.maximum(gain / 24, 1 / (state["seen"] + 1))
        state["wide"][mask] += (slow * (MEAN_TO_SIGMA * np.abs(values - state["level"]) - state["wide"]))[mask]
        state["seen"][mask] += 1
        self.season.learn(at_ms, np.nan_to_num(values).astype(np.float32), usual, scale, mask)

    def _learn_tail(self, mask: Mask, score: Rows) -> None:
        """Follow a high quantile of each series' own scores: what happens every day cannot be an alarm."""
        tail = np.maximum(self.state["tail"], 1)
        moved = tail * (1 + TAIL_STEP * np.where(np.abs(score) > tail, TAIL, TAIL - 1))
        mask = mask & (self.state["seen"] > self.warm_up)
        self.state["tail"] = np.where(mask, moved, self.state["tail"]).astype(np.float32)

    def _accept(self, at_ms: int, values: Rows, known: Mask, alarm: Mask) -> None:
        """An alarm that lasts for hours is the new level."""
        state = self.state
        began = alarm & known & (state["since"] >= at_ms - PERSIST * self.interval_ms)
        state["pending"][began] = values[began]
        going = alarm & known & ~began
        state["pending"][going] += (self._gain * (values - state["pending"]))[going]
        kept = np.maximum(ACCEPT_MS, 2 * self.warm_up * self.interval_ms)
        accepted = alarm & (at_ms - state["since"] >= kept)
        if accepted.any():
            state["level"][accepted] = state["pending"][accepted]
            usual = self.season.read(at_ms)
            state["offset"][accepted] = (state["pending"] - usual.level)[accepted]
            for name in ("since", "streak", "lasting", "long", "calm"):
                state[name][accepted] = 0
            state["rest"][accepted] = at_ms + REST_MS
            self.season.doubt(accepted)


def _nothing() -> Verdicts:
    none, no = np.zeros(0, np.float32), np.zeros(0, np.bool_)
    return Verdicts(none, none, none, none, no, no, no, np.zeros(0, np.int64))

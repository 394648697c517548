"""The watch: samples in, anomalies that began and ended out. Pure: no clock, no source, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tools.analysis.bank import Bank, Verdicts
from tools.analysis.leak import Climber
from tools.analysis.novelty import Novelty
from tools.analysis.season import Mask, Rows
from tools.analysis.stillness import Stillness
from tools.anomalies.alone import Alone
from tools.anomalies.roster import Roster
from tools.anomalies.sample import Anomaly, Sample, Watched
from tools.anomalies.telling import (
    tell_climb,
    tell_down,
    tell_level,
    tell_novel,
    tell_silence,
    tell_waiting,
)

WAITING_UNITS = 2
WAITING_POLLS = 2
DOWN_POLLS = 2
CALM_POLLS = 3
HOUR_MS = 3_600_000
NOVEL_REST_MS = HOUR_MS
CLIMB_REST_MS = 12 * HOUR_MS


@dataclass(frozen=True)
class Seen:
    """What one sample brought; for those who draw or count: `rows` judged together, `bands` of series judged alone, as
    (expected, half the width)."""

    began: tuple[Anomaly, ...] = ()
    ended: tuple[Anomaly, ...] = ()
    verdicts: Verdicts | None = None
    rows: Mapping[Watched, int] = field(default_factory=dict)
    bands: Mapping[Watched, tuple[float, float]] = field(default_factory=dict)


class Watch:
    """`factors`: what feedback did to a detector's threshold, by the key of its anomalies."""

    def __init__(
        self, *, interval_ms: int, offset_ms: int = 0, factors: Mapping[str, float] | None = None,
        warm_up: int | None = None,
    ) -> None:
        self.interval_ms = interval_ms
        self.bank = Bank(interval_ms=interval_ms, offset_ms=offset_ms, warm_up=warm_up)
        self.stillness = Stillness()
        self.roster = Roster(self.bank, self.stillness)
        self.alone = Alone(interval_ms)
        self.novelty: dict[str, Novelty] = {}
        self.climbers: dict[Watched, Climber] = {}
        self.factors = dict(factors or {})
        self.active: dict[str, Anomaly] = {}
        self.first_ms: int | None = None
        self.runs: dict[str, int] = {}  # polls in a row that speak for (> 0) or against (< 0) a discrete condition
        self.rests: dict[str, int] = {}

    def look(self, sample: Sample) -> Seen:
        """Judge one sample. One not newer than the last is passed over: clocks go back."""
        last = self.bank.last_ms
        if last is not None and -HOUR_MS * 24 < sample.at_ms - last <= 0:
            if sample.at_ms < last - self.interval_ms:
                self.bank.last_ms = sample.at_ms  # the clock was set back: go on from here
            return Seen()
        if self.first_ms is None or sample.at_ms < self.first_ms:
            self.first_ms = sample.at_ms
        rows, values, trials, quiet = self._columns(sample)
        verdicts = self.bank.step(sample.at_ms, values, trials=trials, quiet=quiet)
        found = {a.key: a for a in self._levels(sample, rows, verdicts, values)}
        still, again = self._silences(sample, values, verdicts, quiet, rows)
        found.update(still)
        alone, bands, calm = self.alone.look(sample, self.factors)
        found.update(alone)
        discrete, over = self._discrete(sample)
        found.update(discrete)
        found.update(self._novel(sample))
        found.update(self._climbs(sample))
        began = tuple(a for key, a in found.items() if key not in self.active)
        ended = self._ended(sample, rows, verdicts, again | over | calm)
        self.active.update({a.key: a for a in began})
        for anomaly in ended:
            self.active.pop(anomaly.key, None)
        self.roster.forget(sample.at_ms)
        return Seen(began, ended, verdicts, rows, bands)

    # -- levels -----------------------------------------------------------------------------------------------

    def _columns(self, sample: Sample) -> tuple[dict[Watched, int], Rows, Rows, Mask]:
        together = {key: value for key, value in sample.values.items() if not self.alone.takes(key)}
        rows = self.roster.find(together, sample.at_ms)
        size = len(self.bank)
        values = np.full(size, np.nan, np.float32)
        values[list(rows.values())] = [sample.values[key] for key in rows]
        if sample.logs_read:
            silent = {key: row for key, row in self.roster.rows.items() if key.kind == "lines" and key not in rows}
            values[list(silent.values())] = 0.0
            rows.update(silent)
        trials = np.full(size, np.nan, np.float32)
        for key, count in sample.trials.items():
            if key in rows:
                trials[rows[key]] = count
        quiet = np.zeros(size, np.bool_)
        if sample.planned:
            every = "*" in sample.planned
            for key, row in self.roster.rows.items():
                quiet[row] = every or key.service in sample.planned
        self._apply_factors()
        return rows, values, trials, quiet

    def adapt(self, factors: Mapping[str, float]) -> None:
        """Replace what feedback said; rows that are no longer named go back to 1."""
        self.factors = dict(factors)
        self.bank.factor[:] = 1
        self._apply_factors()

    def _apply_factors(self) -> None:
        if self.factors:
            rows = {_level_key(key): row for key, row in self.roster.rows.items()}
            silences = {f"silence/{name.split('/', 1)[1]}": row
                        for name, row in rows.items() if name.startswith("lines/")}
            for name, factor in self.factors.items():
                row = rows.get(name, silences.get(name))
                if row is not None:
                    self.bank.factor[row] = factor

    def _levels(self, sample: Sample, rows: Mapping[Watched, int], verdicts: Verdicts, values: Rows) -> list[Anomaly]:
        out: list[Anomaly] = []
        if not verdicts.began.any():
            return out
        alarmed = {key for key, row in rows.items() if verdicts.alarm[row]}
        for key, row in rows.items():
            if not verdicts.began[row] or (key.kind == "lines" and values[row] == 0):
                continue  # a stream without lines is the business of silence
            calm = key.kind == "latency" and not any(
                a.kind in ("requests", "error_share") and a.service == key.service for a in alarmed)
            out.append(tell_level(key, sample, values[row], verdicts, row, vanity=calm and self._knows_traffic(key)))
        return out

    def _knows_traffic(self, key: Watched) -> bool:
        return any(k.kind in ("requests", "error_share") and k.service == key.service for k in self.roster.rows)

    def _silences(
        self, sample: Sample, values: Rows, verdicts: Verdicts, quiet: Mask,
        rows: Mapping[Watched, int],
    ) -> tuple[dict[str, Anomaly], set[str]]:
        streams = {key: row for key, row in rows.items() if key.kind == "lines"}
        counts = np.full(len(self.bank), np.nan, np.float32)
        index = list(streams.values())
        counts[index] = values[index]
        began, again = self.stillness.step(counts, verdicts.expected, self.bank.state["spread"].astype(np.float32),
                                           judged=~quiet, factor=self.bank.factor)
        told = {}
        for key, row in streams.items():
            if began[row]:
                anomaly = tell_silence(key, sample.at_ms, int(self.stillness.state["run"][row]), self.interval_ms,
                                       float(verdicts.expected[row]), float(self.stillness.state["due"][row]))
                told[anomaly.key] = anomaly
        return told, {f"silence/{_level_key(key).split('/', 1)[1]}" for key, row in streams.items() if again[row]}

    # -- conditions that hold or not ------------------------------------------------------------------------------

    def _discrete(self, sample: Sample) -> tuple[dict[str, Anomaly], set[str]]:
        """Waiting containers that work, targets that answer no more: told after `*_POLLS` in a row."""
        held: dict[str, tuple[Anomaly, int]] = {}
        for key, units in sample.waiting.items():
            if units >= WAITING_UNITS * self.factors.get(f"standby_works/{_level_key(key).split('/', 1)[1]}", 1.0):
                anomaly = tell_waiting(key, sample.at_ms, units, self.interval_ms)
                held[anomaly.key] = (anomaly, WAITING_POLLS)
        for key in sample.down:
            anomaly = tell_down(key, sample.at_ms, self.interval_ms)
            held[anomaly.key] = (anomaly, DOWN_POLLS)
        planned = sample.planned
        held = {k: v for k, v in held.items() if "*" not in planned and v[0].about.service not in planned}
        over = set()
        for name in {*self.runs, *held}:
            run = self.runs.get(name, 0)
            self.runs[name] = max(run, 0) + 1 if name in held else min(run, 0) - 1
            if self.runs[name] <= -CALM_POLLS:
                over.add(name)
        for name in over:
            del self.runs[name]
        return {k: a for k, (a, polls) in held.items() if self.runs[k] >= polls}, over

    def _novel(self, sample: Sample) -> dict[str, Anomaly]:
        out = {}
        learning = self.first_ms is None or sample.at_ms - self.first_ms < HOUR_MS
        for service, lines in sample.lines.items():
            group = self.novelty.setdefault(service, Novelty())
            planned = "*" in sample.planned or service in sample.planned
            about = Watched("lines", service)
            factor = max((f for k, f in self.factors.items() if k.split("/")[0].endswith("_lines")
                          and k.split("/")[2] == service), default=1.0)
            for novel in group.look(lines, learning=learning or planned, factor=factor):
                anomaly = tell_novel(novel, about, sample.at_ms, self.interval_ms)
                if sample.at_ms >= self.rests.get(anomaly.key, 0):
                    self.rests[anomaly.key] = sample.at_ms + NOVEL_REST_MS
                    out[anomaly.key] = anomaly
        return out

    def _climbs(self, sample: Sample) -> dict[str, Anomaly]:
        out = {}
        for key, limit in sample.limits.items():
            value = sample.values.get(key)
            if value is None:
                continue
            climber = self.climbers.setdefault(key, Climber())
            if climber.add(sample.at_ms, value):
                climb = climber.climb(limit, factor=self.factors.get(f"leak/{_level_key(key).split('/', 1)[1]}", 1.0))
                if climb is not None and not {"*", key.service} & sample.planned:
                    anomaly = tell_climb(key, sample.at_ms, climb)
                    if sample.at_ms >= self.rests.get(anomaly.key, 0):
                        self.rests[anomaly.key] = sample.at_ms + CLIMB_REST_MS
                        out[anomaly.key] = anomaly
        return out

    def _ended(
        self, sample: Sample, rows: Mapping[Watched, int], verdicts: Verdicts, over: set[str]
    ) -> tuple[Anomaly, ...]:
        quiet_levels = {_level_key(key) for key, row in rows.items() if not verdicts.alarm[row]}
        ended = []
        for key, anomaly in self.active.items():
            momentary = anomaly.detector in ("new_lines", "burst_lines", "vanished_lines", "leak")
            rested = momentary and sample.at_ms >= self.rests.get(key, 0)
            if rested or key in over or (not momentary and key in quiet_levels):
                ended.append(anomaly)
        return tuple(ended)


def _level_key(key: Watched) -> str:
    """The key of the anomaly that a level of this series raises."""
    return "/".join((key.kind, *(part.replace("/", "_") for part in key)))

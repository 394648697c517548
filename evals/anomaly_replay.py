"""Replays: the same watch over generated days, a CSV or a recorded case, and the two plain rules beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from evals.anomaly_csv import Labelled
from evals.anomaly_days import DAY, STEP_MS, Days, simulate
from evals.anomaly_rules import limits_of, scorer, static_alarms, three_sigma, tuned_static
from evals.anomaly_scores import Raised, Scores, Stretch, score
from tools.analysis.onset import Ints
from tools.analysis.robust import Floats
from tools.anomalies.sample import Anomaly, Sample, Watched
from tools.anomalies.watch import Seen, Watch

TUNING_SEEDS = (1, 2)
DAY_MS = 86_400_000


@dataclass
class Trace:
    """One series of a replay for drawing, lists of one entry an interval."""

    name: str
    ms: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    half: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Replay:
    """What a replay found. `rows`: (method, scores) in the order of the table; `alarms`: (interval, anomaly)."""

    rows: tuple[tuple[str, Scores], ...]
    alarms: tuple[tuple[int, Anomaly], ...]
    traces: dict[Watched, Trace]
    events: tuple[Stretch, ...]
    planned: tuple[Stretch, ...] = ()
    ms: Ints | None = None


class Recorder:
    """Feeds a watch and keeps the traces of `drawn` series."""

    def __init__(self, watch: Watch, drawn: frozenset[Watched]) -> None:
        self.watch, self._drawn = watch, drawn
        self.traces: dict[Watched, Trace] = {}
        self.alarms: list[tuple[int, Anomaly]] = []

    def look(self, position: int, sample: Sample) -> Seen:
        """One sample; remembers what began."""
        seen = self.watch.look(sample)
        self.alarms += [(position, a) for a in seen.began]
        for key, (expected, half) in seen.bands.items():
            if key in self._drawn:
                self._trace(key, sample, expected, half)
        if seen.verdicts is not None:
            for key in self._drawn & seen.rows.keys():
                row = seen.rows[key]
                self._trace(key, sample, float(seen.verdicts.expected[row]),
                            float(seen.verdicts.scale[row] * seen.verdicts.limit[row]))
        return seen

    def _trace(self, key: Watched, sample: Sample, expected: float, half: float) -> None:
        trace = self.traces.setdefault(key, Trace("/".join(filter(None, key))))
        trace.ms.append(sample.at_ms)
        trace.value.append(sample.values.get(key, float("nan")))
        trace.expected.append(expected)
        trace.half.append(half)

    @property
    def raised(self) -> list[Raised]:
        """For scoring."""
        return [Raised(at, a.detector) for at, a in self.alarms]


def replay_days(seed: int, *, days: int = 14, each: int = 6) -> Replay:
    """Generated days. The static thresholds were tuned (hindsight included) on the tuning seeds."""
    made = simulate(seed, days=days, each=each)
    drawn = frozenset(made.values)
    recorder = Recorder(Watch(interval_ms=STEP_MS), drawn)
    for minute, sample in made.samples():
        recorder.look(minute, sample)
    events = made.stretches()
    quantile, room, limits = _tuned_on(TUNING_SEEDS[0], days, each)
    series, judge = _plain_series(made), scorer(events, days)
    rows = (("culprit", score(events, recorder.raised, days=days)),
            (f"static threshold (quantile {quantile:g} x {room:g})", judge(static_alarms(series, limits))),
            ("three sigma over a day", judge(three_sigma(series, window=DAY))))
    planned = tuple(Stretch(e.kind, e.start, e.end) for e in made.events if e.planned)
    ms = np.array([made.at_ms(m) for m in range(made.minutes)], dtype=np.int64)
    return Replay(rows, tuple(recorder.alarms), recorder.traces, events, planned, ms)


def _tuned_on(seed: int, days: int, each: int) -> tuple[float, float, dict[str, tuple[float, float]]]:
    made = simulate(seed, days=days, each=each)
    series = _plain_series(made)
    quantile, room = tuned_static(series, scorer(made.stretches(), days))
    return quantile, room, limits_of(series, quantile, room)


def _plain_series(made: Days) -> dict[str, Floats]:
    """All numbers of the days, the waiting container's work among them; nothing is known of planned events."""
    named = {"/".join(filter(None, key)): np.where(made.missing > 0, np.nan, column)
             for key, column in made.values.items()}
    return {**named, "work/worker/worker-blue": made.standby}


def replay_csv(data: Labelled, *, name: str = "series") -> Replay:
    """Each column is a series about which nothing is known; an alarm of any column is an alarm. One sample is enough
    for every method here: labelled faults may be as short."""
    keys = {column: Watched("series", name, name=column) for column in data.values}
    recorder = Recorder(Watch(interval_ms=data.interval_ms), frozenset(keys.values()))
    for position, at in enumerate(data.ms.tolist()):
        values = {keys[c]: float(v[position]) for c, v in data.values.items() if np.isfinite(v[position])}
        recorder.look(position, Sample(at, values))
    days = max((int(data.ms[-1]) - int(data.ms[0])) / DAY_MS, 1 / 24)
    train = {c: v[: v.size // 3] for c, v in data.values.items()}
    judge = scorer(data.events, days)
    early = tuple(e for e in data.events if e.start < data.ms.size // 3)
    quantile, room = tuned_static(train, scorer(early, days / 3), persist=1)
    window = max(60, round(DAY_MS / data.interval_ms))
    rows = (("culprit", score(data.events, recorder.raised, days=days)),
            ("static threshold, tuned on the first third",
             judge(static_alarms(data.values, limits_of(train, quantile, room), persist=1))),
            ("three sigma over a day", judge(three_sigma(data.values, window=window, persist=1))))
    return Replay(rows, tuple(recorder.alarms), recorder.traces, data.events, (), data.ms)


def table(rows: Sequence[tuple[str, Scores]]) -> str:
    """The same figures for every method, as a Markdown table."""
    lines = ["| method | events | precision | recall | event F1 | median delay (intervals) | false alarms a day |",
             "|---|---|---|---|---|---|---|"]
    lines += [f"| {name} | {s.events} | {s.precision:.2f} | {s.recall:.2f} | {s.f1:.2f} | {s.delay:g} | "
              f"{s.false_per_day:.2f} |" for name, s in rows]
    return "\n".join(lines)

"""Days of a chat service, minute by minute, with labelled faults and with planned events that are no anomalies.

Fitted to the lab's recordings (f01-a, f22-a before the fault): lines a minute of each container (api 364, worker 368,
nginx 190, docs 8, settlement 2), their dispersion (variance / mean 1.2), time to first token 0.53 s and whole answers
1.36 s with a deviation of 12 % over ten seconds, memory within 1 %. The lab's load is flat; the course of a day and a
week, the day's own factor and slow drifts are added here, as assumptions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evals.anomaly_scores import Stretch
from tools.analysis.robust import Floats
from tools.anomalies.sample import Sample, Watched

STEP_MS = 60_000
DAY = 1_440  # minutes
FIRST_MS = 1_793_577_600_000  # a Monday, 00:00 UTC
LEARNING_DAYS = 2
KINDS = ("rate_drop", "rate_surge", "error_share", "latency_only", "silence", "standby_works", "queue_growth", "leak",
         "completion_drop", "new_lines", "vanished_lines", "burst_lines", "saturation", "restarts", "target_down")
CAUGHT_BY: Mapping[str, frozenset[str]] = {  # which detectors may claim a fault
    "rate_drop": frozenset({"requests", "lines", "silence"}), "rate_surge": frozenset({"requests", "lines"}),
    "error_share": frozenset({"error_share"}), "latency_only": frozenset({"latency"}),
    "silence": frozenset({"silence"}),
    "standby_works": frozenset({"standby_works"}), "queue_growth": frozenset({"queue"}),
    "leak": frozenset({"leak", "memory"}), "completion_drop": frozenset({"completion"}),
    "new_lines": frozenset({"new_lines", "burst_lines"}), "vanished_lines": frozenset({"vanished_lines"}),
    "burst_lines": frozenset({"burst_lines"}), "saturation": frozenset({"saturation"}),
    "restarts": frozenset({"restarts"}), "target_down": frozenset({"target_down"}),
}
LEAK_MINUTES = 360
PLANNED = ("load_test", "maintenance", "deploy", "switch", "scrape_gap", "renamed", "clock_jump")
DISPERSION = 1.2
CONTAINERS: Mapping[str, tuple[str, float, bool]] = {  # service, lines a minute, whether they follow the traffic
    "api-green": ("chat", 364.0, True), "worker-green": ("worker", 368.0, True), "nginx": ("edge", 190.0, True),
    "docs": ("docs", 8.0, False), "settlement": ("settlement", 2.0, False),
}
MEMORY_LIMIT = 512e6
REQUESTS = Watched("requests", "chat")
ERRORS = Watched("error_share", "chat")
TTFT = Watched("latency", "chat", name="ttft")
TOTAL = Watched("latency", "chat", name="total")
QUEUE = Watched("queue", "worker", name="jobs")
DONE = Watched("completion", "worker")
MEMORY = Watched("memory", "worker", "worker-green")
RESTARTS = Watched("restarts", "worker", "worker-green")
SATURATION = Watched("saturation", "worker", "worker-green", "cpu_of_limit")
TARGET = Watched("target", "worker", "", "worker worker-green:9100")
STANDBY = Watched("work", "worker", "worker-blue")
_USUAL_LINES = (
    "GET /chat/stream 200 {n} ms", "job {h} queued", "job {h} started by worker", "job {h} done in {n} ms",
    "session {h} resumed", "cache hit for key {h}", "retrieved {n} documents for query {h}", "token stream {h} closed",
    "heartbeat ok {n}", "GET /health 200 {n} ms",
)
_RARE, _RARE_SHARE = "cache of tenant {h} was rebuilt in {n} ms", 0.05  # of the samples have one such line
_STRANGE = (
    "ERROR upstream rejected embedding batch {h} with reason quota", "ERROR vector index shard {n} is out of date",
    "WARN redis failover announced by sentinel {h}", "ERROR certificate of provider expires in {n} hours",
    "FATAL cannot map weights segment {h} into memory", "ERROR prompt template {h} is missing a variable",
    "Traceback decoding error in chunk {n} of answer {h}", "ERROR tenant {h} has no billing plan assigned",
)


@dataclass(frozen=True)
class Event:
    """A labelled stretch [start, end) in minutes. `planned` events must not alarm."""

    kind: str
    start: int
    end: int
    planned: bool = False
    size: float = 1.0
    where: str = ""


@dataclass
class Days:
    """The arrays of a simulated stretch, each of shape (minutes,), and what was done to it."""

    seed: int
    minutes: int
    events: tuple[Event, ...]
    values: dict[Watched, Floats] = field(default_factory=dict)
    trials: Floats = field(default_factory=lambda: np.zeros(0))
    standby: Floats = field(default_factory=lambda: np.zeros(0))
    missing: Floats = field(default_factory=lambda: np.zeros(0))
    down: Floats = field(default_factory=lambda: np.zeros(0))
    planned: dict[int, frozenset[str]] = field(default_factory=dict)

    def stretches(self) -> tuple[Stretch, ...]:
        """The faults, for scoring. A leak excuses nothing but memory's alarms: it lasts too long for that."""
        memory = CAUGHT_BY["leak"]
        return tuple(Stretch(e.kind, e.start, e.end, CAUGHT_BY[e.kind], memory if e.kind == "leak" else frozenset())
                     for e in self.events if not e.planned)

    def at_ms(self, minute: int) -> int:
        """The clock: jumps of the machine's own clock are part of the data."""
        jump = next((e for e in self.events if e.kind == "clock_jump" and e.start <= minute < e.end), None)
        return FIRST_MS + (minute + 1) * STEP_MS + (int(jump.size * 1_000) if jump else 0)

    def samples(self) -> Iterator[tuple[int, Sample]]:
        """(minute, sample), in the order they would be polled."""
        rng = np.random.default_rng(self.seed + 10_000)
        for minute in range(self.minutes):
            yield minute, self._sample(minute, rng)

    def _sample(self, minute: int, rng: np.random.Generator) -> Sample:
        at, gone = self.at_ms(minute), bool(self.missing[minute])
        planned = self.planned.get(minute, frozenset())
        if gone:
            return Sample(at, planned=planned, logs_read=False, unread=("no scrape",))
        values = {self._name(key, minute): float(column[minute]) for key, column in self.values.items()
                  if np.isfinite(column[minute]) and not (key.kind == "lines" and column[minute] == 0)}
        waiting = {} if self.standby[minute] == 0 else {STANDBY: float(self.standby[minute])}
        down = frozenset({TARGET}) if self.down[minute] else frozenset[Watched]()
        return Sample(at, values, {ERRORS: float(self.trials[minute])}, {MEMORY: MEMORY_LIMIT}, waiting, down,
                      planned=planned, lines={"chat": self._lines(minute, rng)} if minute % 2 == 0 else {})

    def _name(self, key: Watched, minute: int) -> Watched:
        renamed = sum(1 for e in self.events if e.kind == "renamed" and e.start <= minute)
        return key._replace(container=f"{key.container}-r{renamed}") if renamed and key.container == "docs" else key

    def _lines(self, minute: int, rng: np.random.Generator) -> list[str]:
        going = [e for e in self.events if e.start <= minute < e.end]
        gone = {int(e.where) for e in going if e.kind == "vanished_lines"}
        picks = rng.integers(0, len(_USUAL_LINES), 24)
        lines = [_fill(_USUAL_LINES[i], rng) for i in picks if i not in gone]
        rare = int(rng.random() < _RARE_SHARE) + sum(int(e.size) for e in going if e.kind == "burst_lines")
        lines += [_fill(_RARE, rng) for _ in range(rare)]
        for event in going:
            if event.kind == "new_lines":
                lines += [_fill(_STRANGE[int(event.where)], rng) for _ in range(int(event.size))]
        return lines


def _fill(form: str, rng: np.random.Generator) -> str:
    return form.format(n=int(rng.integers(1, 900)), h=f"{int(rng.integers(1 << 40)):010x}")


def simulate(seed: int, *, days: int = 14, each: int = 6) -> Days:
    """`each` injections of every kind after the learning days, with at least an hour and a half between events."""
    rng = np.random.default_rng(seed)
    minutes = days * DAY
    made = Days(seed, minutes, tuple(_schedule(rng, minutes, each)))
    load = _load(rng, minutes)
    _fill_values(made, load, rng)
    made.planned = _planned_minutes(made.events)
    return made


def _schedule(rng: np.random.Generator, minutes: int, each: int) -> Iterator[Event]:
    wanted = [k for k in KINDS for _ in range(each)] + [k for k in PLANNED for _ in range(max(each // 3, 1))]
    order = [wanted[i] for i in rng.permutation(len(wanted))]
    room = (minutes - LEARNING_DAYS * DAY) / len(order)
    strange = list(rng.permutation(len(_STRANGE)))
    for number, kind in enumerate(order):
        begin = LEARNING_DAYS * DAY + int(number * room + rng.uniform(0, max(room * 0.3, 1)))
        length = {"silence": 15, "deploy": 12, "switch": 8, "scrape_gap": 6, "renamed": 1,
                  "clock_jump": 5, "new_lines": 20, "vanished_lines": 60, "burst_lines": 10,
                  }.get(kind, float(rng.uniform(15, 40)))
        length = LEAK_MINUTES if kind == "leak" else min(length, 0.65 * room)  # a leak goes on beside other faults
        yield _event(kind, begin, min(begin + max(int(length), 1), minutes), rng, strange)


def _event(kind: str, start: int, end: int, rng: np.random.Generator, strange: list[int]) -> Event:
    size = {"rate_drop": rng.uniform(0.1, 0.5), "rate_surge": rng.uniform(1.8, 3.0),
            "error_share": rng.uniform(0.05, 0.3), "latency_only": rng.uniform(1.8, 4.0),
            "standby_works": rng.uniform(4, 20), "queue_growth": rng.uniform(1, 5), "leak": rng.uniform(1.0, 1.6),
            "completion_drop": rng.uniform(0.5, 0.8), "new_lines": rng.uniform(4, 12),
            "burst_lines": rng.uniform(12, 30), "saturation": rng.uniform(0.35, 0.6),
            "restarts": rng.uniform(0.6, 1.0),
            "load_test": rng.uniform(1.8, 3.0), "clock_jump": rng.choice([-90.0, 90.0, 7_200.0])}.get(kind, 1.0)
    where = str(rng.choice(["api-green", "worker-green", "nginx", "docs"])) if kind == "silence" else ""
    if kind == "vanished_lines":
        where = str(int(rng.integers(len(_USUAL_LINES))))
    if kind == "new_lines":
        where = str(strange.pop() if strange else int(rng.integers(len(_STRANGE))))
    return Event(kind, start, end, kind in PLANNED, float(size), where)


def _load(rng: np.random.Generator, minutes: int) -> Floats:
    """Traffic relative to its peak: course of the day, quieter weekends, the day's own factor, slow drifts."""
    t = np.arange(minutes)
    hour, day = t / 60 % 24, t // DAY
    course = 0.35 + 0.65 * np.exp(-((np.minimum(abs(hour - 14), 24 - abs(hour - 14)) / 5) ** 2))
    weekend = np.where(day % 7 >= 5, 0.6, 1.0)
    own = np.exp(rng.normal(0, 0.06, minutes // DAY + 1))[day]
    drift = _slow(rng, minutes, 30, 0.05)
    return np.asarray(course * weekend * own * np.exp(drift))


def _slow(rng: np.random.Generator, size: int, minutes: float, sigma: float) -> Floats:
    """An AR(1) course of the given memory and deviation."""
    keep = np.exp(-1 / minutes)
    noise, out = rng.normal(0, sigma * np.sqrt(1 - keep**2), size), np.zeros(size)
    for i in range(1, size):
        out[i] = keep * out[i - 1] + noise[i]
    return out


def _counts(rng: np.random.Generator, mean: Floats) -> Floats:
    """Negative binomial with the lab's dispersion."""
    shape = np.maximum(mean, 1e-6) / (DISPERSION - 1)
    return rng.poisson(rng.gamma(shape, DISPERSION - 1)).astype(np.float64)


def _during(made: Days, kind: str) -> Iterator[tuple[slice, Event]]:
    for event in made.events:
        if event.kind == kind:
            yield slice(event.start, event.end), event


def _fill_values(made: Days, load: Floats, rng: np.random.Generator) -> None:
    rate = load.copy()
    for kind in ("rate_drop", "rate_surge", "load_test"):
        for at, event in _during(made, kind):
            rate[at] *= event.size
    for at, _ in _during(made, "maintenance"):
        rate[at] *= 0.05
    requests = _counts(rng, 190 * rate)
    made.trials = requests
    made.values[REQUESTS] = requests
    _fill_lines(made, rate, rng)
    share = np.full(made.minutes, 0.004)
    for at, event in _during(made, "error_share"):
        share[at] += event.size
    for at, _ in _during(made, "deploy"):
        share[at][:3] += 0.05
    failed = rng.binomial(requests.astype(int), share)
    made.values[ERRORS] = np.where(requests >= 10, failed / np.maximum(requests, 1), np.nan)
    _fill_waiting_times(made, rate, rng)
    _fill_work(made, rate, rng)


def _fill_lines(made: Days, rate: Floats, rng: np.random.Generator) -> None:
    minute = np.arange(made.minutes)
    for container, (service, lines, follows) in CONTAINERS.items():
        mean = lines * (rate if follows else np.ones(made.minutes))
        if container == "settlement":
            mean = mean + 60.0 * (minute % 60 == 5) + 400.0 * ((minute % DAY >= 180) & (minute % DAY < 200))
        counts = _counts(rng, mean)
        for at, event in _during(made, "silence"):
            if event.where == container:
                counts[at] = 0
        made.values[Watched("lines", service, container)] = counts


def _fill_waiting_times(made: Days, rate: Floats, rng: np.random.Generator) -> None:
    for key, level in ((TTFT, 0.53), (TOTAL, 1.36)):
        scatter = _slow(rng, made.minutes, 20, 0.03) + rng.normal(0, 0.05, made.minutes)
        column = level * (1 + 0.1 * rate) * np.exp(scatter)
        for at, event in _during(made, "latency_only"):
            column[at] *= event.size if key is TTFT else 1 + 0.4 * (event.size - 1)
        made.values[key] = column


def _fill_work(made: Days, rate: Floats, rng: np.random.Generator) -> None:
    queue = rng.poisson(2 + 4 * rate).astype(np.float64)
    for at, event in _during(made, "queue_growth"):
        queue[at] += event.size * np.arange(1, event.end - event.start + 1)
    done = np.clip(1 + rng.normal(0, 0.012, made.minutes), 0, 1.05)
    for at, event in _during(made, "completion_drop"):
        done[at] *= event.size
    memory = 200e6 * (1 + 0.03 * rate + rng.normal(0, 0.01, made.minutes))
    for at, event in _during(made, "leak"):
        grown = event.size * 0.45 * MEMORY_LIMIT * np.linspace(0, 1, event.end - event.start)
        memory[at] = np.minimum(memory[at] + grown, 0.99 * MEMORY_LIMIT)
    restarts = np.zeros(made.minutes)
    standby = np.zeros(made.minutes)
    for at, event in _during(made, "standby_works"):
        standby[at] = rng.poisson(event.size, event.end - event.start)
    for at, _ in _during(made, "deploy"):
        restarts[at.start] = 1
    for at, event in _during(made, "restarts"):
        restarts[at] = rng.random(event.end - event.start) < event.size
    busy = 0.2 + 0.25 * rate + rng.normal(0, 0.02, made.minutes)
    for at, event in _during(made, "saturation"):
        busy[at] += event.size
    made.values[SATURATION] = np.clip(busy, 0, 1)
    made.down = np.zeros(made.minutes)
    for at, _ in _during(made, "target_down"):
        made.down[at] = 1
    made.values.update({QUEUE: queue, DONE: done, MEMORY: memory, RESTARTS: restarts})
    made.standby = standby
    made.missing = np.zeros(made.minutes)
    for at, _ in _during(made, "scrape_gap"):
        made.missing[at] = 1


def _planned_minutes(events: Sequence[Event]) -> dict[int, frozenset[str]]:
    """What was announced: the whole system under a load test or maintenance, one service after a deploy."""
    out: dict[int, frozenset[str]] = {}
    for event in events:
        if event.kind in ("load_test", "maintenance"):
            out.update({m: frozenset({"*"}) for m in range(event.start, event.end + 10)})
        elif event.kind in ("deploy", "switch"):
            out.update({m: frozenset({"chat", "worker"}) for m in range(event.start, event.end + 3)})
    return out

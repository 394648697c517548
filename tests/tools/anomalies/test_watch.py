"""The watch: what alarms, what must not, and what survives a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from config.errors import BadInput
from tools.anomalies.memory import dump_hours, dump_recent, load_watch
from tools.anomalies.sample import Anomaly, Sample, Watched
from tools.anomalies.watch import Watch

MINUTE = 60_000
MONDAY = 1_793_577_600_000
API = Watched("lines", "chat", "api")
TTFT = Watched("latency", "chat", name="ttft")
REQUESTS = Watched("requests", "chat")
STANDBY = Watched("work", "worker", "worker-blue")
Change = Callable[[int, Sample], Sample]


def ordinary(minute: int, rng: np.random.Generator) -> Sample:
    """A minute of ordinary traffic."""
    values = {API: float(rng.poisson(300)), TTFT: 0.5 * float(np.exp(rng.normal(0, 0.05))),
              REQUESTS: float(rng.poisson(150))}
    return Sample(MONDAY + minute * MINUTE, values)


def run(watch: Watch, minutes: range, change: Change = lambda _, s: s, seed: int = 1) -> list[Anomaly]:
    """Everything that began."""
    rng = np.random.default_rng(seed)
    return [a for m in minutes for a in watch.look(change(m, ordinary(m, rng))).began]


def replaced(sample: Sample, **values: float) -> Sample:
    """The same sample with other values by kind."""
    return Sample(sample.at_ms, {k: values.get(k.kind, v) for k, v in sample.values.items()})


@pytest.fixture
def warm() -> Watch:
    """Three ordinary hours old."""
    watch = Watch(interval_ms=MINUTE)
    assert run(watch, range(180)) == []
    return watch


def kinds(found: list[Anomaly]) -> set[str]:
    return {a.detector for a in found}


def test_the_first_hour_says_nothing() -> None:
    """After the install nothing is judged, however wild it is: there is nothing to compare with."""
    rng = np.random.default_rng(3)
    watch = Watch(interval_ms=MINUTE)
    wild = [a for m in range(60) for a in watch.look(Sample(
        MONDAY + m * MINUTE, {API: float(rng.integers(0, 2000)), TTFT: float(rng.exponential(1))},
        lines={"chat": [f"kind {m} of line that was never seen {rng.integers(9)}"] * 5})).began]
    assert wild == []


def test_latency_alone_is_caught_and_says_that_traffic_looks_normal(warm: Watch) -> None:
    """Waiting triples while rate and errors stay: caught within two samples, with the vanity sentence."""
    found = run(warm, range(180, 185), lambda _, s: replaced(s, latency=1.5), seed=2)
    assert [a.detector for a in found] == ["latency"]
    assert found[0].at_ms == MONDAY + 181 * MINUTE
    assert found[0].since_ms == MONDAY + 180 * MINUTE
    assert "request rate and errors look normal" in found[0].says
    assert "1.5" in found[0].says


def test_a_stream_that_always_speaks_and_stops_is_silent_within_two_intervals(warm: Watch) -> None:
    """Absent from the counts is zero lines; told once, and ended when it speaks again."""
    def without(_: int, sample: Sample) -> Sample:
        return Sample(sample.at_ms, {k: v for k, v in sample.values.items() if k != API})

    found = run(warm, range(180, 190), without, seed=2)
    assert [a.detector for a in found] == ["silence"]
    assert found[0].at_ms <= MONDAY + 182 * MINUTE
    rng = np.random.default_rng(4)
    ended = [a.detector for m in range(190, 192) for a in warm.look(ordinary(m, rng)).ended]
    assert ended == ["silence"]


def test_a_log_store_that_cannot_be_read_is_no_silence(warm: Watch) -> None:
    """Counts that are missing because nobody could be asked are unknown, not zero."""
    assert run(warm, range(180, 200), lambda _, s: Sample(s.at_ms, {}, logs_read=False)) == []


def test_a_renamed_stream_raises_nothing(warm: Watch) -> None:
    """One label set vanishes and an equal one appears: the same series under another name."""
    def renamed(_: int, sample: Sample) -> Sample:
        values = {k._replace(container="api-2") if k == API else k: v for k, v in sample.values.items()}
        return Sample(sample.at_ms, values)

    assert run(warm, range(180, 260), renamed, seed=2) == []
    assert API not in warm.roster.rows


def test_a_standby_that_works_is_told_without_any_history() -> None:
    """Two polls in a row suffice; one does not; it ends after three quiet ones."""
    watch = Watch(interval_ms=MINUTE)
    looks = [watch.look(Sample(MONDAY + m * MINUTE, waiting={STANDBY: 9.0} if 1 <= m <= 4 else {})) for m in range(9)]
    assert [[a.detector for a in look.began] for look in looks[:4]] == [[], [], ["standby_works"], []]
    assert [a.key for look in looks for a in look.ended] == [looks[2].began[0].key]


@pytest.mark.parametrize("jump", [-7_200_000, -90_000, 90_000, 7_200_000, 30 * 86_400_000])
def test_a_clock_that_jumps_raises_nothing(warm: Watch, jump: int) -> None:
    """Forward or back, by a minute or a month: the watch goes on."""
    def shifted(_: int, sample: Sample) -> Sample:
        return Sample(sample.at_ms + jump, sample.values)

    assert run(warm, range(180, 260), shifted, seed=2) == []
    if jump < 86_400_000:
        found = run(warm, range(260, 266), lambda m, s: shifted(m, replaced(s, latency=3.0)), seed=5)
        assert kinds(found) == {"latency"}


def test_missing_samples_and_values_raise_nothing(warm: Watch) -> None:
    """Holes of any length, single values that are not numbers or infinite."""
    def holed(minute: int, sample: Sample) -> Sample:
        bad = float("nan") if minute % 3 else float("inf")
        return Sample(sample.at_ms, {**sample.values, TTFT: bad} if minute % 2 else sample.values)

    assert run(warm, range(180, 240), holed, seed=2) == []
    assert run(warm, range(400, 460), seed=3) == []


def test_a_planned_event_raises_nothing_and_teaches_nothing(warm: Watch) -> None:
    """During an announced load test nothing alarms; afterwards the old level is still what is expected."""
    def tested(_: int, sample: Sample) -> Sample:
        return Sample(sample.at_ms, {k: 5 * v for k, v in sample.values.items()}, planned=frozenset({"*"}))

    level = float(warm.bank.state["level"][warm.roster.rows[REQUESTS]])
    assert run(warm, range(180, 220), tested, seed=2) == []
    assert float(warm.bank.state["level"][warm.roster.rows[REQUESTS]]) == level
    assert run(warm, range(220, 260), seed=3) == []


def test_a_lasting_change_is_told_once_and_then_the_new_level() -> None:
    """Twice the traffic for a day: one anomaly for each thing, then silence about it."""
    watch = Watch(interval_ms=MINUTE)
    run(watch, range(180))
    found = run(watch, range(180, 180 + 1440), lambda _, s: replaced(s, requests=300.0), seed=2)
    assert [a.detector for a in found] == ["requests"]
    assert watch.active == {}


def test_a_leak_is_told_before_the_limit_with_the_hours_left() -> None:
    """Memory that climbs 10 % of its limit an hour is told hours before; a flat one never is."""
    memory = Watched("memory", "worker", "w1")
    flat = memory._replace(container="w2")
    rng, watch, found = np.random.default_rng(1), Watch(interval_ms=MINUTE), []
    for minute in range(420):
        level = 2e8 * (1 + 0.01 * rng.normal())
        leaking = level + max(minute - 120, 0) * 1e9 * 0.1 / 60
        found += watch.look(Sample(MONDAY + minute * MINUTE, {memory: leaking, flat: level},
                                   limits={memory: 1e9, flat: 1e9})).began
    leaks = [a for a in found if a.detector == "leak"]
    assert [a.about.container for a in leaks] == ["w1"]
    assert leaks[0].value < 0.8e9
    assert "reaches its limit in" in leaks[0].says


def test_a_new_kind_of_line_is_told_once_and_known_lines_are_not() -> None:
    """After the first hour a kind of line nothing is like is told; new values in known lines are not."""
    watch, found = Watch(interval_ms=MINUTE), []
    for minute in range(120):
        lines = [f"job {minute * 7 + i} finished in {i + 3} ms" for i in range(6)] + [f"user {minute} logged in"] * 2
        if minute >= 100:
            lines += [f"ERROR shard {minute} refused the write lock"] * 4
        found += watch.look(Sample(MONDAY + minute * MINUTE, lines={"chat": lines})).began
    assert [(a.detector, a.urgency) for a in found] == [("new_lines", "warning")]
    assert "shard" in found[0].says


def test_a_burst_of_a_rare_kind_of_line_is_told_and_teaches_little() -> None:
    """A kind that comes once in twenty polls comes fifteen times in one; that it is rare again is no disappearance."""
    watch, found = Watch(interval_ms=MINUTE), []
    for minute in range(400):
        lines = [f"job {minute * 7 + i} finished in {i + 3} ms" for i in range(6)]
        rare = 15 if 250 <= minute < 253 else minute % 20 == 0
        lines += [f"cache of tenant {minute}{i} was rebuilt" for i in range(rare)]
        found += watch.look(Sample(MONDAY + minute * MINUTE, lines={"chat": lines})).began
    assert [a.detector for a in found] == ["burst_lines"]


def test_a_kind_of_line_that_always_came_and_stops_is_told() -> None:
    """Within a few dozen polls, once."""
    watch, found = Watch(interval_ms=MINUTE), []
    for minute in range(260):
        lines = [f"job {minute * 7 + i} finished in {i + 3} ms" for i in range(6)]
        lines += [] if minute >= 200 else [f"heartbeat of node {minute} is fine"] * 2
        found += watch.look(Sample(MONDAY + minute * MINUTE, lines={"chat": lines})).began
    assert [a.detector for a in found] == ["vanished_lines"]
    assert found[0].at_ms < MONDAY + 230 * MINUTE


def test_what_feedback_said_raises_the_limit_and_is_taken_back(warm: Watch) -> None:
    """A factor of four quietens a move of twice the level; without it the same move is told."""
    key = "latency/latency/chat//ttft/"
    warm.adapt({key: 4.0})
    assert run(warm, range(180, 183), lambda _, s: replaced(s, latency=0.85), seed=2) == []
    warm.adapt({})
    fresh = run(warm, range(200, 204), lambda _, s: replaced(s, latency=1.2), seed=2)
    assert [a.key for a in fresh] == [key]


def samples(start: int, end: int, seed: int) -> Iterator[Sample]:
    rng = np.random.default_rng(seed)
    for minute in range(start, end):
        sample = ordinary(minute, rng)
        broken = 240 <= minute < 260
        yield Sample(sample.at_ms, replaced(sample, latency=2.0).values if broken else sample.values,
                     waiting={STANDBY: 5.0} if broken else {}, lines={"chat": [f"job {minute} is done"] * 3},
                     limits={Watched("memory", "x"): 1.0})


def test_a_restart_changes_nothing() -> None:
    """Saved and loaded in the middle of an anomaly, a watch says exactly what one that went on says."""
    straight, first = Watch(interval_ms=MINUTE), Watch(interval_ms=MINUTE)
    for sample in samples(0, 245, 1):
        straight.look(sample)
        first.look(sample)
    again = Watch(interval_ms=MINUTE)
    load_watch(again, dump_recent(first), dump_hours(first))
    assert again.active == straight.active
    assert straight.active
    for sample in samples(245, 330, 2):
        one, two = straight.look(sample), again.look(sample)
        assert (one.began, one.ended) == (two.began, two.ended)


@pytest.mark.parametrize("blob", [b"", b"PK\x03\x04broken", b"\x93NUMPY", b"x" * 1000])
def test_a_broken_memory_is_refused(blob: bytes) -> None:
    """Bytes that are no memory raise BadInput, and nothing else."""
    with pytest.raises(BadInput):
        load_watch(Watch(interval_ms=MINUTE), blob)


def test_a_memory_of_another_interval_is_refused(warm: Watch) -> None:
    """Levels per minute say nothing about levels per second."""
    with pytest.raises(BadInput):
        load_watch(Watch(interval_ms=1_000), dump_recent(warm))

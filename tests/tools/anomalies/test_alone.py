"""Series of a PromQL expression, judged alone by the watch."""

from __future__ import annotations

import numpy as np

from tools.anomalies.alone import MOST
from tools.anomalies.memory import dump_recent, load_watch
from tools.anomalies.sample import Anomaly, Sample, Watched
from tools.anomalies.watch import Watch

MINUTE = 60_000
MONDAY = 1_793_577_600_000
GAUGE = Watched("series", "chat", name="gauge")


def looks(watch: Watch, values: list[float], start: int = 0, **more: object) -> list[Anomaly]:
    """What began."""
    return [a for i, v in enumerate(values)
            for a in watch.look(Sample(MONDAY + (start + i) * MINUTE, {GAUGE: v}, **more)).began]  # type: ignore[arg-type]


def test_a_series_says_what_is_new_about_it_and_ends() -> None:
    """One signal with the value, what was expected and the view; it leaves the active ones when it is calm."""
    values = np.random.default_rng(1).normal(50, 2, 700)
    values[600] += 40
    watch = Watch(interval_ms=MINUTE)
    (found,) = looks(watch, values.tolist())
    assert (found.detector, found.at_ms) == ("series", MONDAY + 600 * MINUTE)
    assert "88.29, expected 48.68" in found.says
    assert "times the limit that its own past sets" in found.says
    assert watch.active == {}


def test_a_planned_event_is_no_anomaly_and_teaches_nothing() -> None:
    """What was announced counts as a gap."""
    watch = Watch(interval_ms=MINUTE)
    looks(watch, np.random.default_rng(1).normal(50, 2, 500).tolist())
    assert looks(watch, [500.0] * 20, 500, planned=frozenset({"*"})) == []
    assert looks(watch, np.random.default_rng(2).normal(50, 2, 40).tolist(), 520) == []


def test_a_restart_keeps_the_past() -> None:
    """A watch that was saved and loaded tells the next spike; a new one would still be silent."""
    first, again = Watch(interval_ms=MINUTE), Watch(interval_ms=MINUTE)
    looks(first, np.random.default_rng(1).normal(50, 2, 500).tolist())
    load_watch(again, dump_recent(first))
    assert [a.key for a in looks(again, [51.0, 120.0], 500)] == ["series/series/chat//gauge/"]
    assert looks(Watch(interval_ms=MINUTE), [51.0, 120.0]) == []


def test_beyond_the_limit_series_are_judged_with_all_the_others() -> None:
    """The first ones are judged alone; memory stays bounded."""
    watch = Watch(interval_ms=MINUTE)
    watch.look(Sample(MONDAY, {GAUGE._replace(name=f"g{i}"): 1.0 for i in range(MOST + 5)}))
    assert len(watch.alone.singles) == MOST
    assert len(watch.roster.rows) == 5


def test_a_series_not_seen_for_days_is_given_up() -> None:
    """Its room is free for another, and what it told is over."""
    watch = Watch(interval_ms=MINUTE)
    looks(watch, [1.0, 2.0])
    watch.look(Sample(MONDAY + 3 * 86_400_000, {}))
    assert watch.alone.singles == {}

""""Not an anomaly", said from any door about an incident: what it quietens, and how it is taken back."""

from __future__ import annotations

import time

import pytest

from agent.incident import Signal
from agent.ledger import Feedback
from tests.triggers.parts import signal, take_in
from tools.anomalies.sample import Anomaly, Watched
from tools.sources.inventory import parse_inventory
from triggers.anomalies.signals import signal_of
from triggers.anomalies.store import STEP, WatchStore
from triggers.wiring import Store, build_correlator

NOW_MS = 1_793_577_600_000
LATENCY = Anomaly("latency", Watched("latency", "chat", name="ttft"), NOW_MS, NOW_MS - 60_000, 2.0, 0.5, 12.0,
                  "warning", "chat: latency 2, expected 0.5")
NOTHING = {"verdict": "no_fault"}


@pytest.fixture
def incident(store: Store) -> str:
    """Of an anomaly."""
    inventory = parse_inventory("version: 1\nservices: [{name: chat, containers: [api]}]\n")
    return opened(store, signal_of(LATENCY, inventory, received_ms=NOW_MS))


def opened(store: Store, told: Signal) -> str:
    """The incident that a signal opens."""
    take_in(store, told)
    build_correlator(store).tick()
    (found,) = store.incidents.list()
    return str(found["id"])


def say(store: Store, incident: str, author: str = "kim", **said: object) -> None:
    time.sleep(0.002)  # words are told apart by their millisecond
    store.ledger.add_feedback(Feedback(incident_id=incident, author=author, door="http", **said))  # type: ignore[arg-type]


def test_nothing_was_wrong_raises_the_limit_of_what_told(store: Store, incident: str) -> None:
    """One word of one author is one step, listed with who said it; another author's is another; a cause is none."""
    kept = WatchStore(database=store.database)
    say(store, incident, cause="wrong", correction={"component": "api", "category": "crash_loop"})
    assert kept.adaptations() == ()
    say(store, incident, cause="wrong", correction=NOTHING)
    (made,) = kept.adaptations()
    assert (made.key, made.factor, made.times, made.author) == (LATENCY.key, STEP, 1, "kim")
    say(store, incident, author="lee", cause="wrong", correction=NOTHING)
    assert [a.times for a in kept.adaptations()] == [2]


def test_a_changed_mind_takes_it_back(store: Store, incident: str) -> None:
    """The newest word of an author counts."""
    say(store, incident, cause="wrong", correction=NOTHING)
    say(store, incident, cause="right")
    assert WatchStore(database=store.database).adaptations() == ()


def test_undoing_on_the_command_line_outlives_the_feedback(store: Store, incident: str) -> None:
    """Undone words stay undone; what is said later counts from one again, and adds to the command line's."""
    kept = WatchStore(database=store.database)
    say(store, incident, cause="wrong", correction=NOTHING)
    time.sleep(0.002)
    kept.undo(LATENCY.key)
    assert kept.adaptations() == ()
    say(store, incident, author="lee", cause="wrong", correction=NOTHING)
    time.sleep(0.002)
    assert kept.adapt(LATENCY.key, author="kim").times == 2
    assert [a.times for a in kept.adaptations()] == [2]


def test_feedback_about_an_alert_quietens_no_watch(store: Store) -> None:
    """An incident without an anomaly has no detector to adapt."""
    say(store, opened(store, signal("slow", service="chat")), cause="wrong", correction=NOTHING)
    assert WatchStore(database=store.database).adaptations() == ()

"""The watcher: from what sources say to signals in the queue, across restarts, feedback and planned events."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from agent.assemble import assemble
from agent.incident import SignalKind
from config.errors import SourceUnavailable, UnknownThing
from evals.case import BUNDLED, load_case
from tests.triggers.anomalies.parts import HandClock, Sent, watcher
from tests.triggers.parts import run_until, signal, take_in
from tools.anomalies.sample import Anomaly, Watched
from tools.recorded.world import open_world
from tools.sources.changes import Change
from tools.sources.fakes import FakeChanges
from tools.world import World
from triggers.anomalies.planned import planned_services
from triggers.anomalies.signals import signal_of
from triggers.anomalies.store import MOST, WatchStore
from triggers.correlator import Correlator
from triggers.wiring import Store, build_correlator, build_intake, build_worker
from triggers.worlds import ByCluster

CASE = BUNDLED / "f01-a"
ONSET_MS = 1_795_225_540_619
STEP_MS = 10_000
SETTLE_MS = 5_000


@pytest.fixture(scope="module")
def recorded() -> World:
    """The recorded system as it was, but with nobody to alert."""
    return replace(open_world(CASE), alerts=None)


async def polls(world: World, store: Store, sent: Sent, start_ms: int, end_ms: int, **settings: float) -> None:
    clock = HandClock(0)
    watching = watcher(store, world, clock, sent, **settings)
    for now in range(start_ms, end_ms, STEP_MS):
        clock.now_ms = now + SETTLE_MS
        await watching.tick()


def test_the_case_is_the_one_meant() -> None:
    """The recording ends three minutes after its fault began."""
    assert 0 < load_case(CASE).now_ms - ONSET_MS < 300_000


async def test_a_healthy_system_raises_nothing(recorded: World, store: Store) -> None:
    """The minutes before the fault, from the first poll on."""
    sent = Sent()
    await polls(recorded, store, sent, ONSET_MS - 200_000, ONSET_MS - 10_000)
    assert sent.signals == []


async def test_a_standby_that_works_becomes_the_right_diagnosis_without_any_alert(
    recorded: World, store: Store
) -> None:
    """No rule fires: the watcher's own signal opens the incident, and the stray container is the root."""
    intake = build_intake(store)
    clock, now = HandClock(0), load_case(CASE).now_ms
    watching = watcher(store, recorded, clock, intake.commit)
    for at in range(ONSET_MS - 60_000, now - SETTLE_MS, STEP_MS):
        clock.now_ms = at + SETTLE_MS
        await watching.tick()
    investigator = ByCluster({recorded.cluster: assemble(recorded, lang="en", keep=store.ledger.save_evidence)})
    worker = build_worker(store, investigator, asked_at=lambda _incident, _now: now)
    await run_until(worker, lambda: any(i["state"] == "done" for i in store.incidents.list()))
    intake.close()
    (listed,) = store.incidents.list()
    shown = store.incidents.show(listed["id"])
    assert {s["kind"] for s in shown["signals"]} == {"anomaly"}
    assert any(s["labels"].get("detector") == "standby_works" for s in shown["signals"])
    root = shown["diagnosis"]["hypotheses"][0]
    assert (root["component"]["name"], root["category"]) == ("worker-blue", "role_violation")


async def test_a_declared_mode_makes_it_no_anomaly(recorded: World, store: Store) -> None:
    """While a load test is announced nothing is told."""
    told = FakeChanges([Change(ONSET_MS - 100_000, "mode", mode="load_test")])
    sent = Sent()
    await polls(replace(recorded, changes=told), store, sent, ONSET_MS - 30_000, ONSET_MS + 60_000)
    assert sent.signals == []


async def test_another_worker_goes_on_where_one_stopped(recorded: World, store: Store) -> None:
    """Polls taken in turn by two processes tell an anomaly once, not once each."""
    clock, one, two = HandClock(0), Sent(), Sent()
    first = watcher(store, recorded, clock, one, owner="one")
    second = watcher(store, recorded, clock, two, owner="two")
    for number, now in enumerate(range(ONSET_MS - 30_000, ONSET_MS + 90_000, STEP_MS)):
        clock.now_ms = now + SETTLE_MS
        await (second if number % 2 else first).tick()
    told = [s.fingerprint for s in (*one.signals, *two.signals) if s.labels["detector"] == "standby_works"]
    assert len(told) == 1


async def test_feedback_is_bounded_listed_and_reversible(store: Store) -> None:
    """However often it is said, a limit grows no farther than `MOST`; undoing takes all of it back, once."""
    key = "standby_works/work/worker/worker-blue//main"
    kept = WatchStore(database=store.database)
    for _ in range(9):
        made = kept.adapt(key, author="kim")
    assert (made.factor, made.times) == (MOST, 9)
    assert [a.key for a in kept.adaptations()] == [key]
    kept.undo(key)
    assert kept.adaptations() == ()
    with pytest.raises(UnknownThing):
        kept.undo(key)


async def test_sources_that_are_down_raise_nothing_and_are_told(recorded: World, store: Store) -> None:
    """Logs and metrics unreachable: no signal, and the poll says what was not read."""
    class Down:
        def __getattr__(self, _: str) -> object:
            async def fail(*_args: object, **_named: object) -> None:
                raise SourceUnavailable("no route to it")
            return fail

    sent = Sent()
    world = replace(recorded, logs=Down(), metrics=Down(), routing=Down(), changes=Down())  # type: ignore[arg-type]
    await polls(world, store, sent, ONSET_MS, ONSET_MS + 50_000)
    looked = WatchStore(database=store.database).read("main")
    assert sent.signals == []
    assert looked is not None
    assert {text.split(":")[0] for text in looked.looked["unread"]} >= {"log lines", "scrapes", "changes"}


async def test_the_queries_of_a_poll_do_not_depend_on_the_lines(recorded: World, store: Store) -> None:
    """The same number in a quiet and in a busy minute, and few."""
    sent = Sent()
    asked = []
    for now in (ONSET_MS - 100_000, ONSET_MS + 60_000):
        await polls(recorded, store, sent, now, now + 1)
        saved = WatchStore(database=store.database).read("main")
        assert saved is not None
        asked.append((saved.looked["metric_queries"], saved.looked["log_queries"]))
    assert asked[0] == asked[1]
    assert sum(asked[0]) < 60


@pytest.mark.parametrize(("cool_down", "times"), [(1_800, 1), (30, 2)])
async def test_what_flaps_is_told_once_in_a_cool_down(
    recorded: World, store: Store, cool_down: float, times: int
) -> None:
    """A standby that works, rests while planned, and works again a minute later: one signal, unless the cool-down is
    over."""
    told = FakeChanges([Change(ONSET_MS + 50_000, "mode", mode="maintenance"),
                        Change(ONSET_MS + 100_000, "mode", mode="normal")])
    sent = Sent()
    await polls(replace(recorded, changes=told), store, sent, ONSET_MS - 10_000, ONSET_MS + 150_000,
                cool_down_seconds=cool_down, grace_seconds=0)
    began = [s for s in sent.signals if s.labels["detector"] == "standby_works" and s.status == "firing"]
    assert len(began) == times


ANOMALY = Anomaly("latency", Watched("latency", "worker", "worker-green", "ttft", "main"), ONSET_MS, ONSET_MS - 9, 2.0,
                  0.5, 12.0, "warning", "worker: latency 2, expected 0.5")


async def test_an_anomaly_joins_the_incident_of_an_alert_about_the_same_service(recorded: World, store: Store) -> None:
    """Correlation places both at the service: one incident, not two."""
    made = signal_of(ANOMALY, recorded.inventory, received_ms=ONSET_MS)
    take_in(store, signal("alert-1", starts_ms=ONSET_MS, service="worker"), made)
    correlator = build_correlator(store, inventory=recorded.inventory)
    await run_correlator(correlator, store)
    (listed,) = store.incidents.list()
    assert listed["signals"] == 2


async def run_correlator(correlator: Correlator, store: Store) -> None:
    """Until both signals are in one incident, four seconds at most."""
    stop = asyncio.Event()
    running = asyncio.create_task(correlator.run(stop))
    for _ in range(200):
        await asyncio.sleep(0.02)
        if any(i["signals"] == 2 for i in store.incidents.list()):
            break
    stop.set()
    await running


def test_a_signal_carries_its_evidence_and_one_identity(recorded: World) -> None:
    """Kind, place, one line with numbers, the key for feedback; its end has the same fingerprint and beginning."""
    began = signal_of(ANOMALY, recorded.inventory, received_ms=1)
    ended = signal_of(ANOMALY, recorded.inventory, received_ms=2, ended_ms=ONSET_MS + 5)
    assert began.kind is SignalKind.ANOMALY
    assert (began.labels["service"], began.labels["container"]) == ("worker", "worker-green")
    assert began.text == ANOMALY.says
    assert began.payload["anomaly"]["key"] == ANOMALY.key
    assert (ended.fingerprint, ended.starts_ms, ended.status) == (began.fingerprint, began.starts_ms, "resolved")


@pytest.mark.parametrize(("change", "planned"), [
    (Change(900, "deploy", "api"), {"api"}), (Change(100, "deploy", "api"), set()), (Change(900, "switch"), {"*"}),
    (Change(2_000, "deploy", "api"), set()), (Change(10, "mode", "api", mode="maintenance"), {"api"}),
    (Change(10, "mode", "api", mode="both"), set()), (Change(10, "mode", mode="Load_Test"), {"*"}),
])
def test_what_is_planned(change: Change, planned: set[str]) -> None:
    """A change quietens its service for the grace period, a mode until it ends; `both` quietens nothing."""
    assert planned_services([change], at_ms=1_000, grace_ms=500) == planned


def test_a_mode_that_ended_is_over() -> None:
    """The last word about a service counts."""
    told = [Change(10, "mode", "api", mode="maintenance"), Change(20, "mode", "api", mode="normal")]
    assert planned_services(told, at_ms=1_000, grace_ms=500) == frozenset()

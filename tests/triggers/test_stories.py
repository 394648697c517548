"""What happens to an incident from its first signal to its end: grouping, urgency, late truth, flapping, merging."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.incident import Severity, Signal
from agent.ledger import Ledger
from agent.topology import Topology
from config.database import Database
from config.errors import LeaseLost
from config.migrations import migrate
from config.settings import Correlation, Retention, Rule
from config.tables import incidents, outbox, signals
from tests.triggers.parts import T0, diagnosis_of, signal
from tools.sources.inventory import Inventory, Service
from triggers.attach import attach, store_signals
from triggers.claims import Claim
from triggers.correlator import Correlator
from triggers.duties import Duties
from triggers.incidents import Incidents
from triggers.operations import Operations
from triggers.queue import Finish, Queue, QueuePolicy
from triggers.rules import Rules
from triggers.upkeep import Upkeep
from triggers.wake import Wake

SHOP = Inventory(services=(Service(name="api", depends_on=("db",)), Service(name="web", depends_on=("api",)),
                           Service(name="db"), Service(name="mail")))
MINUTE = 60_000


class World:
    """The parts around one database, with a clock that tests move."""

    def __init__(self, folder: Path, rules: tuple[Rule, ...] = ()) -> None:
        self.now = T0 + MINUTE
        self.database = Database(f"sqlite:///{folder / 'c.db'}", clock=lambda: self.now)
        migrate(self.database)
        wake = Wake(database=self.database)
        self.rules = Rules(rules)
        self.queue = Queue(database=self.database, wake=wake, publishers=("chat",),
                           policy=QueuePolicy(lease_ms=10_000, max_attempts=2, backoff_ms=1_000))
        self.correlator = Correlator(
            database=self.database, duties=Duties(database=self.database, owner="one"), wake=wake, publishers=("chat",),
            topology=Topology(SHOP), group_wait_ms=20_000)
        self.operations = Operations(database=self.database, wake=wake)
        self.upkeep = Upkeep(database=self.database, retention=Retention(incident_days=1, signal_days=1),
                             correlation=Correlation(flap_seconds=600, close_after_seconds=86_400))
        self.incidents = Incidents(database=self.database, ledger=Ledger(database=self.database))

    def arrive(self, *found: Signal, group: bool = True) -> None:
        def write(connection: sa.Connection) -> None:
            kept = [(s, self.rules.decide(s)) for s in found]
            stored = store_signals(connection, self.database, [(s, d) for s, d in kept if d != "ignore"])
            attach(connection, self.database, stored, publishers=("chat",))

        self.database.transact(write)
        while group and self.correlator.tick():
            pass

    def claim(self, *, after: int = 0) -> Claim:
        self.now += after
        claim = self.queue.claim("w")
        assert claim is not None
        return claim

    def finish(self, claim: Claim) -> Finish:
        return self.queue.finish(claim, diagnosis=diagnosis_of(claim), revision=claim.incident.revision)

    def rows(self) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(sa.select(incidents).order_by(incidents.c.opened_ms, incidents.c.id)).all())

    def messages(self) -> list[tuple[str, str]]:
        with self.database.read() as connection:
            return [tuple(r) for r in connection.execute(sa.select(outbox.c.kind, outbox.c.incident_id)
                                                         .order_by(outbox.c.id))]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    built = World(tmp_path)
    yield built
    built.database.close()


def test_a_grouping_window_delays_the_investigation_only(world: World) -> None:
    """A warning is announced at once and can be claimed only after the window."""
    world.arrive(signal("f1", service="api"))
    assert [kind for kind, _ in world.messages()] == ["announced"]
    assert world.queue.claim("w") is None
    assert world.queue.next_ready_ms() == 20_000
    assert world.claim(after=20_000).incident.signals[0].fingerprint == "f1"


def test_a_critical_signal_skips_the_window(world: World) -> None:
    """At the opening, and also when it joins an incident that is still waiting."""
    world.arrive(signal("f1", service="mail", severity=Severity.CRITICAL))
    assert world.claim().incident.severity is Severity.CRITICAL
    world.arrive(signal("f2", service="api"))
    assert world.queue.claim("w") is None
    world.arrive(signal("f3", service="db", severity=Severity.CRITICAL))
    claim = world.claim()
    assert (claim.incident.severity, len(claim.incident.signals)) == (Severity.CRITICAL, 2)


def test_a_queued_incident_escalates_past_others(world: World) -> None:
    """Its place in the queue follows its severity."""
    world.arrive(signal("f1", service="mail"))
    world.arrive(signal("f2", service="api", severity=Severity.INFO))
    world.arrive(signal("f3", service="db", severity=Severity.CRITICAL))
    assert {s.fingerprint for s in world.claim(after=30_000).incident.signals} == {"f2", "f3"}


def test_waiting_raises_priority(world: World) -> None:
    """A warning that has waited longer than its handicap goes before a new critical one."""
    world.arrive(signal("f1", service="mail"))
    world.now += 11 * MINUTE
    world.arrive(signal("f2", service="api", starts_ms=world.now, severity=Severity.CRITICAL))
    assert world.claim().incident.signals[0].fingerprint == "f1"


def test_a_repeated_notification_changes_nothing(world: World) -> None:
    """It is counted; the revision stays, so nobody looks again because of it."""
    world.arrive(signal("f1", service="api"))
    before = world.rows()
    for _ in range(3):
        world.arrive(signal("f1", service="api"))
    assert world.rows() == before
    with world.database.read() as connection:
        assert connection.execute(sa.select(signals.c.repeats)).scalar_one() == 3


def test_new_signals_reach_a_running_investigation(world: World) -> None:
    """It sees them when it looks again; a result that did not see them is not published, at first."""
    world.arrive(signal("f1", service="api"))
    claim = world.claim(after=30_000)
    world.arrive(signal("f2", service="web"))
    revision, found = world.queue.look_again(claim)
    assert (revision, {s.fingerprint for s in found}) == (claim.incident.revision + 1, {"f1", "f2"})
    assert world.finish(claim) is Finish.MOVED
    again = world.claim()
    assert (again.run.id != claim.run.id, len(again.incident.signals)) == (True, 2)
    assert world.finish(again) is Finish.PUBLISHED


def test_looking_again_is_not_endless(world: World) -> None:
    """When signals never stop coming the diagnosis is published after a few turns, and says that newer ones exist."""
    world.arrive(signal("f0", service="api"))
    world.now += 30_000
    turns = 0
    while True:
        claim = world.claim()
        turns += 1
        world.arrive(signal(f"f{turns}", service="api"))
        if world.finish(claim) is Finish.PUBLISHED:
            break
    assert turns == 3


def test_a_resolved_alert_is_an_outcome(world: World) -> None:
    """The incident is resolved when its last signal is; a diagnosis published after that says so."""
    both = signal("f1", service="api"), signal("f2", service="db")
    world.arrive(*both)
    claim = world.claim(after=30_000)
    world.arrive(replace(both[0], status="resolved", ends_ms=world.now))
    assert world.rows()[0].resolved_ms is None
    world.arrive(replace(both[1], status="resolved", ends_ms=world.now))
    assert world.rows()[0].resolved_ms == world.now
    assert world.finish(claim) is Finish.PUBLISHED
    with world.database.read() as connection:
        body = connection.execute(sa.select(outbox.c.body).where(outbox.c.kind == "diagnosed")).scalar_one()
    assert '"resolved_before": true' in body


def test_a_resolve_after_the_diagnosis_is_said(world: World) -> None:
    """The same thread is told once that it is over."""
    world.arrive(signal("f1", service="api"))
    world.finish(world.claim(after=30_000))
    for _ in range(2):
        world.arrive(signal("f1", service="api", status="resolved"))
    assert [kind for kind, _ in world.messages()] == ["announced", "diagnosed", "resolved"]


def test_a_resolve_with_another_beginning_ends_the_fingerprint(world: World) -> None:
    """Senders that restart forget when an alert began; over is over."""
    world.arrive(signal("f1", service="api", starts_ms=T0), signal("f1", service="api", starts_ms=T0 + 5_000))
    world.arrive(signal("f1", service="api", starts_ms=T0 + 9_000, status="resolved"))
    assert world.rows()[0].resolved_ms == world.now


def test_flapping_is_one_incident(world: World) -> None:
    """An alert that resolves and fires again soon comes back to its incident and starts no new investigation."""
    world.arrive(signal("f1", service="api"))
    world.finish(world.claim(after=30_000))
    for _ in range(5):
        world.now += MINUTE
        world.arrive(signal("f1", service="api", status="resolved"))
        world.upkeep.close_settled()
        world.now += MINUTE
        world.arrive(signal("f1", service="api", starts_ms=world.now))
    (row,) = world.rows()
    assert (row.state, row.resolved_ms, row.closed_ms) == ("done", None, None)


@pytest.mark.parametrize("moved", [0, 30 * MINUTE])
def test_a_refire_after_closing_is_a_new_linked_incident(world: World, moved: int) -> None:
    """Whether Alertmanager sends a new beginning or the old one."""
    world.arrive(signal("f1", service="api"))
    world.finish(world.claim(after=30_000))
    world.arrive(signal("f1", service="api", status="resolved"))
    world.now += 11 * MINUTE
    assert world.upkeep.close_settled() == 1
    world.arrive(signal("f1", service="api", starts_ms=T0 + moved))
    first, second = world.rows()
    assert (first.closed_ms is not None, second.linked_to, second.state) == (True, first.id, "queued")


def test_merging_folds_the_younger_into_the_older(world: World) -> None:
    """A cause that ties two incidents together merges them; the loser's worker is refused, its message folded."""
    world.arrive(signal("f1", service="web", severity=Severity.CRITICAL))
    first = world.claim()
    world.now += 1_000
    world.arrive(signal("f2", service="mail", severity=Severity.CRITICAL))
    with world.database.begin() as connection:  # as if it had been placed before the inventory knew better
        connection.exec_driver_sql("""UPDATE places SET place = '{"service": "api"}' WHERE place LIKE '%mail%'""")
    victim = world.claim()
    world.arrive(signal("f3", service="db", starts_ms=T0))
    older, younger = world.rows()
    assert (older.state, younger.state, younger.merged_into) == ("running", "merged", older.id)
    with pytest.raises(LeaseLost):
        world.finish(victim)
    _, found = world.queue.look_again(first)
    assert {s.fingerprint for s in found} == {"f1", "f2", "f3"}
    assert ("folded", younger.id) in world.messages()
    world.arrive(signal("f2", service="mail", status="resolved"))
    assert world.incidents.show(older.id)["merged"] == [younger.id]


def test_rules_decide_what_is_investigated(tmp_path: Path) -> None:
    """Ignored signals are not stored; recorded ones are, open nothing, and join what others open."""
    world = World(tmp_path, rules=(Rule(match={"alertname": "Watchdog"}, do="ignore"),
                                   Rule(match={"severity": "info|none"}, do="record")))
    world.arrive(signal("w", alertname="Watchdog"), signal("i", severity=Severity.INFO, **{"service": "mail"}))
    world.arrive(replace(signal("r", service="mail"), labels={"service": "mail", "severity": "none"}))
    world.rules = Rules(())
    assert len(world.rows()) == 1
    with world.database.read() as connection:
        assert sorted(connection.execute(sa.select(signals.c.fingerprint)).scalars()) == ["i", "r"]
    world.database.close()


def test_too_many_failures_are_a_dead_letter(world: World) -> None:
    """After its attempts an incident waits for a person, says so, and can be queued again from the start."""
    world.arrive(signal("f1", service="api"))
    first = world.claim(after=30_000)
    assert world.queue.fail(first, error="boom") == "queued"
    assert world.queue.claim("w") is None
    second = world.claim(after=5_000)
    assert (second.run.id, second.run.resumed, second.attempt) == (first.run.id, True, 2)
    assert world.queue.fail(second, error="boom") == "dead"
    assert [kind for kind, _ in world.messages()] == ["announced", "failed"]
    world.operations.requeue(first.incident.id)
    third = world.claim()
    assert (third.run.id != first.run.id, third.attempt) == (True, 1)


def test_a_worker_that_keeps_dying_does_not_take_others_down(world: World) -> None:
    """An incident whose workers vanish again and again ends as a dead letter too."""
    world.arrive(signal("f1", service="api"))
    world.claim(after=30_000)
    world.claim(after=10_001)
    world.now += 10_001
    assert world.queue.claim("w") is None
    (row,) = world.rows()
    assert (row.state, row.error) == ("dead", "the worker's lease lapsed")


def test_takeover_keeps_run_and_moment(world: World) -> None:
    """The next owner gets the same run and `asked_at`, unless signals came meanwhile: then it is a new run."""
    world.arrive(signal("f1", service="api"))
    first = world.claim(after=30_000)
    second = world.claim(after=10_001)
    assert (second.run.id, second.run.asked_at_ms) == (first.run.id, first.run.asked_at_ms)
    assert second.token == first.token + 1
    with pytest.raises(LeaseLost):
        world.queue.heartbeat(first)


def test_takeover_after_new_signals_is_a_new_run(world: World) -> None:
    """The old run's checkpoint does not know them."""
    world.arrive(signal("f1", service="api"))
    first = world.claim(after=30_000)
    world.arrive(signal("f2", service="web"))
    assert world.claim(after=10_001).run.id != first.run.id


def test_pause_cancel_snooze(world: World) -> None:
    """A paused queue hands out nothing; a cancelled incident's worker is refused; a snoozed one waits."""
    world.arrive(signal("f1", service="api", severity=Severity.CRITICAL))
    world.operations.pause()
    assert (world.queue.claim("w"), world.queue.next_ready_ms()) == (None, None)
    world.operations.resume()
    world.operations.snooze(world.rows()[0].id, seconds=60)
    assert world.queue.claim("w") is None
    claim = world.claim(after=MINUTE)
    world.operations.cancel(claim.incident.id)
    with pytest.raises(LeaseLost):
        world.finish(claim)
    assert world.operations.overview()["states"] == {"cancelled": 1}


def test_old_incidents_are_forgotten_whole(world: World) -> None:
    """Retention removes closed incidents with everything of theirs, and nothing else."""
    world.arrive(signal("f1", service="api"))
    world.finish(world.claim(after=30_000))
    world.arrive(signal("f1", service="api", status="resolved"), signal("gone", status="resolved"))
    world.now += 11 * MINUTE
    world.upkeep.close_settled()
    world.arrive(signal("f2", service="mail", starts_ms=world.now))
    world.now += 25 * 60 * MINUTE
    with world.database.begin() as connection:
        connection.execute(outbox.update().values(state="sent"))
    swept = world.upkeep.forget_old()
    assert (swept.incidents, swept.signals) == (1, 1)
    assert [row.title for row in world.rows()] == ["f2"]

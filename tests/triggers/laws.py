"""The queue's laws as a state machine: workers of any speed, a clock that jumps, and an operator, in any order.

At most one owner at a time; tokens only grow; a refused result changes nothing; nothing that came in is lost; what is
due first is taken first, and waiting raises priority.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.incident import Severity, Signal
from agent.topology import Topology
from config.database import Database
from config.errors import BadInput, LeaseLost
from config.migrations import migrate
from config.tables import diagnoses, incidents, leases, signals
from tests.triggers.parts import diagnosis_of, signal
from tools.sources.inventory import Inventory
from triggers.attach import attach, store_signals
from triggers.claims import Claim
from triggers.correlator import Correlator
from triggers.duties import Duties
from triggers.operations import Operations
from triggers.queue import Finish, Queue, QueuePolicy
from triggers.rows import HANDICAP_MS
from triggers.wake import Wake

LEASE = 1_000
POLICY = QueuePolicy(lease_ms=LEASE, max_attempts=3, backoff_ms=200, max_reruns=1)


class QueueLaws(RuleBasedStateMachine):
    """`url` may be set to an empty PostgreSQL database; tables are emptied between runs."""

    url: str | None = None

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.now = 1_800_000_000_000
        url = self.url or f"sqlite:///{Path(self.folder.name) / 'laws.db'}"
        self.database = Database(url, clock=lambda: self.now)
        migrate(self.database)
        if self.url is not None:
            with self.database.begin() as connection:
                connection.exec_driver_sql("TRUNCATE incidents, signals, places, runs, evidence, diagnoses, feedback, "
                                           "outbox, leases, spending CASCADE")
        wake = Wake(database=self.database)
        self.queue = Queue(database=self.database, wake=wake, policy=POLICY, publishers=("chat",))
        self.operations = Operations(database=self.database, wake=wake)
        self.correlator = Correlator(database=self.database, wake=wake, topology=Topology(Inventory()),
                                     duties=Duties(database=self.database, owner="laws"), group_wait_ms=0,
                                     publishers=("chat",))
        self.claims: list[Claim] = []
        self.tokens: dict[str, int] = {}
        self.until: dict[str, tuple[int, int]] = {}  # incident -> (token, lease end) of the newest claim
        self.sent: set[tuple[str, int]] = set()
        self.paused = False

    # -- the world --------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from("abcd"), minutes=st.integers(0, 3), severity=st.sampled_from(list(Severity)),
          status=st.sampled_from(["firing", "firing", "resolved"]))
    def arrive(self, name: str, minutes: int, severity: Severity, status: str) -> None:
        sent = signal(name, starts_ms=1_800_000_000_000 + minutes * 60_000, severity=severity, status=status,
                      service=name)
        self._take_in(sent)
        self.sent.add((sent.fingerprint, sent.starts_ms))

    def _take_in(self, sent: Signal) -> None:
        def write(connection: sa.Connection) -> None:
            stored = store_signals(connection, self.database, [(sent, "investigate")])
            attach(connection, self.database, stored, publishers=("chat",))

        self.database.transact(write)

    @rule()
    def group(self) -> None:
        self.correlator.tick()

    @rule(ms=st.sampled_from([1, 150, 600, LEASE + 1, 20_000]))
    def wait(self, ms: int) -> None:
        self.now += ms

    # -- workers ----------------------------------------------------------------------------------------------

    @rule(owner=st.sampled_from(["w1", "w2", "w3"]))
    def claim(self, owner: str) -> None:
        due = self._due()
        claim = self.queue.claim(owner)
        if claim is None:
            assert self.paused or not due
            return
        name = claim.incident.id
        assert not self.paused
        assert claim.token > self.tokens.get(name, 0), "tokens only grow"
        _, end = self.until.get(name, (0, -1))
        assert end < self.now, "the former owner's lease had not ended"
        assert name == due[0], "what is due first is taken first"
        self.tokens[name] = claim.token
        self.until[name] = (claim.token, self.now + LEASE)
        self.claims.append(claim)

    def _due(self) -> list[str]:
        """By the definition: queued, or lapsed with attempts left; severity's handicap added to the queueing time."""
        rows = self._rows()
        due = [r for r in rows if (r.state == "queued" and r.ready_ms <= self.now)
               or (r.state == "running" and r.lease_ms < self.now and r.attempts < POLICY.max_attempts)]
        return [r.id for r in sorted(due, key=lambda r: (r.queued_ms + HANDICAP_MS[r.severity], r.id))]

    def _rows(self) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(sa.select(incidents)).all())

    def _holds(self, claim: Claim) -> bool:
        row = next(r for r in self._rows() if r.id == claim.incident.id)
        return bool(row.state == "running" and row.token == claim.token)

    @precondition(lambda self: getattr(self, "claims", None))
    @rule(data=st.data(), way=st.sampled_from(["beat", "finish", "fail", "die", "release"]))
    def act(self, data: st.DataObject, way: str) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        holds, before = self._holds(claim), self._rows()
        try:
            outcome = self._do(claim, way)
        except LeaseLost:
            assert not holds, "the owner was refused"
            assert self._rows() == before, "a refused result changed something"
            return
        assert holds, f"a stale {way} was accepted"
        if way == "beat":
            self.until[claim.incident.id] = (claim.token, self.now + LEASE)
        else:
            self.until.pop(claim.incident.id, None)
        assert outcome != Finish.PUBLISHED or self._diagnosed(claim.run.id) == 1

    def _do(self, claim: Claim, way: str) -> Any:
        if way == "beat":
            return self.queue.heartbeat(claim)
        if way == "finish":
            return self.queue.finish(claim, diagnosis=diagnosis_of(claim), revision=claim.incident.revision)
        if way == "release":
            held = self._holds(claim)
            self.queue.release(claim)
            if not held:
                raise LeaseLost("release of a lost claim does nothing")
            return None
        return self.queue.fail(claim, error="no", permanent=way == "die")

    def _diagnosed(self, run: str) -> int:
        with self.database.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).where(diagnoses.c.run_id == run)).scalar_one())

    # -- the operator -----------------------------------------------------------------------------------------

    @precondition(lambda self: getattr(self, "tokens", None))
    @rule(data=st.data(), way=st.sampled_from(["cancel", "requeue"]))
    def operate(self, data: st.DataObject, way: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.tokens)))
        try:
            getattr(self.operations, way)(name)
            self.until.pop(name, None)
        except BadInput:
            return

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.paused = paused
        (self.operations.pause if paused else self.operations.resume)()

    # -- the laws ---------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "database"):
            return
        with self.database.read() as connection:
            kept = connection.execute(sa.select(signals.c.fingerprint, signals.c.starts_ms, signals.c.pending,
                                                signals.c.incident_id, signals.c.status)).all()
            held = {r.id: r for r in connection.execute(sa.select(incidents)).all()}
            connection.execute(sa.select(leases))
        assert {(k.fingerprint, k.starts_ms) for k in kept} == self.sent
        for k in kept:
            homeless = k.incident_id is None and not k.pending and k.status == "firing"
            assert not homeless, "a firing signal belongs to nothing and waits for nothing"
            assert k.incident_id is None or held[k.incident_id].state != "merged"
        for row in held.values():
            assert (row.state == "running") == (row.owner is not None) == (row.lease_ms is not None)
            assert row.token >= self.tokens.get(row.id, 0)

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            self.folder.cleanup()

"""The crash matrix: receivers and workers are killed at random moments, on both engines, and nothing is lost or said
twice."""

from __future__ import annotations

import random
import signal as signals
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from config.tables import diagnoses, incidents, outbox
from config.tables import signals as signal_rows
from tests.live.engines import postgres, url  # noqa: F401  (fixtures)
from tests.live.postgres import free_port
from tests.triggers.parts import alert, body, settings_for, signal, take_in
from tests.triggers.processes import answers, start_receiver, start_worker, stop, wait_for
from triggers.fake_publisher import SharedChannel
from triggers.wiring import Store, build_store

pytestmark = pytest.mark.live
ALERTS, A_CALL, SERVICES = 1_000, 5, 60


def _deliver(call: int, ports: list[int]) -> int:
    """Post until it is accepted, as Alertmanager does; how often it had to be repeated."""
    rng = random.Random(call)
    alerts = [alert(f"A{n}", fingerprint=f"fp{call}-{n}", service=f"svc-{rng.randrange(SERVICES)}")
              for n in range(A_CALL)]
    for attempt in range(400):
        try:
            answer = httpx.post(f"http://127.0.0.1:{ports[(call + attempt) % len(ports)]}/webhooks/alertmanager",
                                content=body(*alerts), timeout=10)
            if answer.status_code == 202:
                return attempt
            assert answer.status_code >= 500, answer.text
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError("never accepted")


class _Killer(threading.Thread):
    """Kills a random process with -9 and starts it again, until told to stop."""

    def __init__(self, starts: list[Callable[[], subprocess.Popen[str]]]) -> None:
        super().__init__(daemon=True)
        self.starts = starts
        self.processes = [start() for start in starts]
        self.kills = 0
        self.ended = threading.Event()

    def run(self) -> None:
        rng = random.Random(7)
        while not self.ended.wait(rng.uniform(0.3, 1.2)):
            at = rng.randrange(len(self.starts))
            stop(self.processes[at])
            self.processes[at] = self.starts[at]()
            self.kills += 1

    def revive(self) -> None:
        """Start again what a crash of its own making ended."""
        for at, process in enumerate(self.processes):
            if process.poll() is not None:
                self.processes[at] = self.starts[at]()


def test_crash_matrix(url: str, tmp_path: Path) -> None:  # noqa: F811
    """1,000 alerts while receivers and workers die: 0 lost, 0 double posts, every incident ends."""
    store = build_store(settings_for(url), publishers=())
    channel = SharedChannel(tmp_path / "channel.db")
    ports = [free_port(), free_port()]
    receivers = [lambda p=port: start_receiver(url, tmp_path, p, channel=True) for port in ports]
    options = ("--steps", "3", "--seconds", "0.05", "--lease", "2", "--die-after-post", "0.03")
    killer = _Killer([*receivers, *([lambda: start_worker(url, tmp_path, *options)] * 3)])
    try:
        wait_for(lambda: all(answers(p) for p in ports), seconds=60, what="the doors")
        killer.start()
        with ThreadPoolExecutor(8) as pool:
            repeated = sum(pool.map(lambda call: _deliver(call, ports), range(ALERTS // A_CALL)))
        for _ in range(4):  # go on killing while the rest is worked off
            time.sleep(1)
        killer.ended.set()
        killer.join()

        def settled() -> bool:
            killer.revive()
            return _settled(store)

        wait_for(settled, seconds=120, what="every incident ended and every message left")
    finally:
        killer.ended.set()
        stop(*killer.processes)
    _assert_whole(store, channel)
    print(f"{url.split(':')[0]}: {killer.kills} kills, {repeated} repeated calls, "  # noqa: T201
          f"{len(channel.posts())} posts")
    store.close()


def _settled(store: Store) -> bool:
    with store.database.read() as connection:
        pending = connection.execute(sa.select(sa.func.count()).where(signal_rows.c.pending)).scalar()
        unended = incidents.c.state.in_(("queued", "running"))
        going = connection.execute(sa.select(sa.func.count()).where(unended)).scalar()
        unsent = connection.execute(sa.select(sa.func.count()).where(outbox.c.state != "sent")).scalar()
    return not pending and not going and not unsent


def _assert_whole(store: Store, channel: SharedChannel) -> None:
    with store.database.read() as connection:
        kept = connection.execute(sa.select(signal_rows.c.fingerprint, incidents.c.state)
                                  .select_from(signal_rows.join(incidents))).all()
        states = Counter(connection.execute(sa.select(incidents.c.state)).scalars())
        concluded = connection.execute(sa.select(sa.func.count()).select_from(diagnoses)).scalar_one()
    assert len({k.fingerprint for k in kept}) == len(kept) == ALERTS, "0 lost"
    assert {k.state for k in kept} == {"done"}, states
    posts = Counter(marker for marker, _, _ in channel.posts())
    assert max(posts.values()) == 1, "0 double publications"
    kinds = Counter(kind for _, kind, _ in channel.posts())
    assert kinds["diagnosed"] == concluded
    assert kinds["announced"] == states["done"] + states["merged"]


def test_a_worker_that_never_returns_is_taken_over(url: str, tmp_path: Path) -> None:  # noqa: F811
    """A stopped worker's incident is finished by another within lease + 5 s; the zombie's late result is refused."""
    lease = 2.0
    store = build_store(settings_for(url), publishers=())
    take_in(store, signal("f1"))
    channel, journal = SharedChannel(tmp_path / "channel.db"), tmp_path / "journal.txt"
    options = ("--steps", "2", "--seconds", "0.3", "--lease", str(lease))
    workers = [start_worker(url, tmp_path, *options)]
    try:
        wait_for(lambda: journal.exists(), seconds=20, what="a first step")
        workers[0].send_signal(signals.SIGSTOP)
        workers.append(start_worker(url, tmp_path, *options))
        took = wait_for(lambda: any(k == "diagnosed" for _, k, _ in channel.posts()), seconds=20, what="a takeover")
        assert took <= lease + 5
        workers[0].send_signal(signals.SIGCONT)
        time.sleep(2 * lease)
        log = (tmp_path / "workers.log").read_text()
        assert "refused" in log or "lease lost" in log
    finally:
        stop(*workers)
    assert Counter(kind for _, kind, _ in channel.posts()) == {"announced": 1, "diagnosed": 1}
    (incident,) = store.incidents.list()
    assert (incident["state"], len(store.ledger.diagnoses(incident["id"]))) == ("done", 1)
    store.close()

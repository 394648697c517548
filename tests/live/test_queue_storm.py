"""The storm, through doors, correlator and claims, on both engines."""

from __future__ import annotations

import asyncio
import random
import threading
import time

import pytest
import sqlalchemy as sa

from agent.topology import Topology
from config.tables import incidents
from config.tables import signals as signal_rows
from evals.bench.storm import Storm, make_storm, pairwise
from tests.live.engines import postgres, url  # noqa: F401  (fixtures)
from tests.triggers.parts import settings_for
from triggers.duties import Duties
from triggers.wiring import Store, build_correlator, build_intake, build_queue, build_store

pytestmark = pytest.mark.live


@pytest.mark.parametrize("seed", [11, 12])
def test_ten_thousand_alerts_become_twelve_incidents(url: str, seed: int) -> None:  # noqa: F811
    """12 causes among 40 services, out of order and repeated: the right 12, and the first critical one within 1 s."""
    store = build_store(settings_for(url, correlation={"group_wait_seconds": 20}), publishers=())
    storm = make_storm(seed=seed, start_ms=time.time_ns() // 1_000_000 - 3_600_000)
    correlator = build_correlator(store, inventory=storm.inventory)
    assert Topology(storm.inventory).knows("edge-0")
    ended = threading.Event()

    def correlate() -> None:
        stop = asyncio.Event()

        async def run() -> None:
            running = asyncio.create_task(correlator.run(stop))
            while not ended.is_set() or correlator._has_pending():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            stop.set()
            await running

        asyncio.run(run())

    grouping = threading.Thread(target=correlate)
    grouping.start()
    waited, critical_at = _pour(store, storm)
    ended.set()
    grouping.join()
    precision, recall, count = _score(store, storm)
    print(f"{url.split(':')[0]} seed {seed}: {count} incidents, precision {precision:.4f}, recall {recall:.4f}, "  # noqa: T201
          f"first critical claimed after {critical_at * 1000:.0f} ms, 10,000 alerts in {waited:.1f} s")
    assert (count, precision >= 0.98, recall >= 0.98) == (12, True, True)
    assert critical_at < 1.0
    store.close()
    Duties(database=store.database, owner="x")


def _pour(store: Store, storm: Storm) -> tuple[float, float]:
    """Send everything in payload-sized pieces; (seconds it took, from the first critical's commit to its claim)."""
    intake, queue, rng = build_intake(store), build_queue(store), random.Random(1)
    claimed: list[float] = []
    sent: list[float] = []

    def claim() -> None:
        while not claimed:
            found = queue.claim("storm")
            if found is not None and found.incident.severity.value == "critical":
                claimed.append(time.monotonic())
            elif found is not None:
                queue.release(found)
            else:
                time.sleep(0.01)

    worker = threading.Thread(target=claim)
    worker.start()
    began, at = time.monotonic(), 0
    while at < len(storm.signals):
        piece = storm.signals[at : at + rng.randint(1, 60)]
        intake.submit(piece).result(timeout=30)
        if not sent and any(s.severity.value == "critical" for s in piece):
            sent.append(time.monotonic())
        at += len(piece)
    took = time.monotonic() - began
    worker.join()
    intake.close()
    return took, claimed[0] - sent[0]


def _score(store: Store, storm: Storm) -> tuple[float, float, int]:
    with store.database.read() as connection:
        home = dict(connection.execute(sa.select(signal_rows.c.fingerprint, signal_rows.c.incident_id)).tuples().all())
        count = connection.execute(sa.select(sa.func.count()).where(incidents.c.state != "merged")).scalar_one()
    found = [home[s.fingerprint] for s in storm.signals]
    assert None not in found
    precision, recall = pairwise(storm.truth, found)
    return precision, recall, count

"""`python -m tests.bench.queue`: the queue beside the raw engines, in one run, on SQLite and PostgreSQL.

It lives with the tests because it composes doors and workers, which evals may not import. Every figure is printed
with the raw commit rate of the same engine at the same hour; rates depend on the disk more than on anything here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import sqlalchemy as sa

from config.tables import incidents, leases
from tests.live.postgres import Postgres, binaries, free_port
from tests.triggers.parts import alert, body, diagnosis_of, settings_for, signal
from tests.triggers.processes import ROOT, answers, start_receiver, stop, wait_for
from triggers.fake_investigator import ScriptedInvestigator
from triggers.wiring import Store, build_correlator, build_intake, build_queue, build_store, build_worker

RAW_SECONDS = 3.0


def raw_commits(store: Store, threads: int = 4) -> float:
    """One-row write transactions per second through the same engine object, from several threads."""
    until = time.monotonic() + RAW_SECONDS

    def commit(thread: int) -> int:
        done = 0
        while time.monotonic() < until:
            with store.database.begin() as connection:
                connection.execute(store.database.insert(leases).values(
                    name=f"{thread}", token=done, lease_ms=0, due_ms=0).on_conflict_do_update(
                        index_elements=["name"], set_={"token": done}))
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(commit, range(threads))) / RAW_SECONDS


def intake_in_process(store: Store, count: int = 6_000, flying: int = 64) -> float:
    """Alerts per second, one a submission, 64 in flight, each answered after its commit."""
    intake, slots = build_intake(store), threading.Semaphore(flying)
    futures: list[Future[int]] = []
    began = time.monotonic()
    for n in range(count):
        slots.acquire()
        future = intake.submit([signal(f"in-{n}", service=f"s{n % 50}")])
        future.add_done_callback(lambda _: slots.release())
        futures.append(future)
    assert sum(f.result() for f in futures) == count
    rate = count / (time.monotonic() - began)
    intake.close()
    return rate


def intake_over_http(url: str, folder: Path, count: int = 3_000, flying: int = 16) -> dict[str, float]:
    """Alerts per second and latency in ms, one alert a call, over kept-alive connections."""
    port = free_port()
    receiver = start_receiver(url, folder, port)
    try:
        wait_for(lambda: answers(port), seconds=30, what="the door")
        spent = asyncio.run(_post(port, count, flying))
    finally:
        stop(receiver)
    times = sorted(spent["times"])
    return {"per_second": round(count / spent["seconds"]), "p50_ms": round(median(times) * 1000, 1),
            "p99_ms": round(quantiles(times, n=100)[98] * 1000, 1)}


async def _post(port: int, count: int, flying: int) -> dict[str, Any]:
    todo = iter([body(alert(fingerprint=f"h{n}", service=f"s{n % 50}")) for n in range(count)])
    times: list[float] = []

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for content in todo:
            began = time.monotonic()
            writer.write(b"POST /webhooks/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 202"), head
            await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
            times.append(time.monotonic() - began)
        writer.close()

    began = time.monotonic()
    await asyncio.gather(*(sender() for _ in range(flying)))
    return {"seconds": time.monotonic() - began, "times": times}


def fill(store: Store, count: int) -> None:
    """Incidents waiting to be claimed, put there the ordinary way."""
    intake = build_intake(store)
    run = time.time_ns()
    intake.submit([signal(f"fill-{run}-{n}", service=f"svc-{run}-{n}") for n in range(count)]).result()
    intake.close()
    correlator = build_correlator(store)
    while correlator.tick():
        pass


def drain(store: Store) -> int:
    """Claim and finish until nothing waits."""
    queue, done = build_queue(store), 0
    while (claim := queue.claim("bench")) is not None:
        queue.finish(claim, diagnosis=diagnosis_of(claim), revision=claim.incident.revision)
        done += 1
    return done


def claim_to_finish(store: Store, workers: int, count: int = 800) -> float:
    """Incidents per second, by `workers` processes."""
    fill(store, count)
    command = [sys.executable, "-m", "tests.bench.queue", "--drain", store.settings.database]
    processes = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                 for _ in range(workers)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    began = time.monotonic()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    counts = [int(process.communicate()[0].split()[-1]) for process in processes]
    with store.database.read() as connection:
        waiting = connection.execute(sa.select(sa.func.count()).where(incidents.c.state == "queued")).scalar()
    assert (sum(counts), waiting) == (count, 0), (counts, waiting)
    return count / (time.monotonic() - began)


def idle_latency(store: Store, samples: int = 60) -> dict[str, float]:
    """From the commit of an alert to its claim by an idle worker, in ms: grouping and wake-up included."""
    found: list[float] = asyncio.run(_idle(store, samples))
    return {"p50_ms": round(median(found), 1), "p95_ms": round(quantiles(found, n=20)[18], 1)}


async def _idle(store: Store, samples: int) -> list[float]:
    investigator, stop_event = ScriptedInvestigator(), asyncio.Event()
    other = build_store(store.settings, publishers=())  # as another process would: no bell of its own to ring
    running = asyncio.create_task(build_worker(store, investigator).run(stop_event))
    intake, found = build_intake(other), []
    await asyncio.sleep(1)
    for n in range(samples):
        await asyncio.to_thread(intake.submit([signal(f"idle-{n}", service=f"idle-{n}")]).result)
        began = time.monotonic()
        while len(investigator.asked) <= n:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        found.append((time.monotonic() - began) * 1000)
        await asyncio.sleep(0.12 + n % 7 * 0.01)
    stop_event.set()
    await running
    intake.close()
    other.close()
    return found


def measure(new_url: Callable[[], str], folder: Path) -> dict[str, Any]:
    """All figures of one engine; the raw rate before and after."""
    def fresh() -> Store:
        return build_store(settings_for(new_url(), worker={"lease_seconds": 60}), publishers=())

    store = fresh()
    result: dict[str, Any] = {"raw_commits": round(raw_commits(store))}
    result["intake_in_process"] = round(intake_in_process(store))
    store.close()
    url = new_url()
    build_store(settings_for(url), publishers=()).close()
    result["intake_http"] = intake_over_http(url, folder)
    for workers in (1, 4):
        store = fresh()
        result[f"claim_to_finish_{workers}"] = round(claim_to_finish(store, workers))
        store.close()
    store = fresh()
    result["idle_latency"] = idle_latency(store)
    result["raw_commits_after"] = round(raw_commits(store))
    store.close()
    result["marks"] = marks(result, idle_ms=100 if url.startswith("sqlite") else 20)
    return result


def marks(result: dict[str, Any], *, idle_ms: float) -> dict[str, bool]:
    """What is promised, and whether this run kept it."""
    raw = max(result["raw_commits"], result["raw_commits_after"])
    return {"intake in process >= 50 % of raw": result["intake_in_process"] >= raw / 2,
            "intake over HTTP >= 500/s": result["intake_http"]["per_second"] >= 500,
            "HTTP p99 < 100 ms": result["intake_http"]["p99_ms"] < 100,
            f"idle p95 <= {idle_ms:g} ms": result["idle_latency"]["p95_ms"] <= idle_ms}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drain", metavar="URL", help="(internal) be one of the draining workers")
    parser.add_argument("--engine", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    if options.drain:
        store = build_store(settings_for(options.drain, worker={"lease_seconds": 60}), publishers=())
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        sys.stdout.write(f"{drain(store)}\n")
        return
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results: dict[str, Any] = {}
        if options.engine != "postgresql":
            results["sqlite"] = measure(lambda: f"sqlite:///{folder / str(time.time_ns())}.db", folder)
        if options.engine != "sqlite" and binaries() is not None:
            server = Postgres()
            try:
                results["postgresql"] = measure(server.new_database, folder)
            finally:
                server.close()
    sys.stdout.write(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()

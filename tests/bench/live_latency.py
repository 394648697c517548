"""`python -m tests.bench.live_latency`: from an alert's arrival to its stored diagnosis, on real servers.

Boots the lab, waits until the founding fault makes a real rule fire, and posts that webhook again and again, each
time with a new fingerprint to a `culprit serve --with-worker` that has just started: what a first use costs is in the
figure. The grouping window is one second here; its length is a setting and comes on top. Needs what the lab needs
(evals/lab/README.md) and about seven minutes.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from tests.live.culprit_process import culprit
from tests.live.lab import booted_lab, missing
from tests.live.lab_world import announce
from tests.live.stray import FeltStray, felt_stray
from tests.tools.sources.scripted_server import Asked, Reply, serving

RUNS = 10
WAIT_S = 120.0
PROMISED_S = 15.0


@dataclass(frozen=True)
class Run:
    """Seconds from the alert's arrival to the first message out, and to the stored diagnosis."""

    first_message_s: float
    stored_s: float
    diagnosis: dict[str, Any]


def with_fingerprint(payload: dict[str, Any], number: int) -> dict[str, Any]:
    """The same webhook for another alert: nothing that was seen before."""
    body = copy.deepcopy(payload)
    for alert in body["alerts"]:
        alert["fingerprint"] = f"{int(alert['fingerprint'], 16) ^ (number + 1):016x}"
    return body


@contextmanager
def first_message() -> Iterator[tuple[str, list[float]]]:
    """A webhook to publish to, and when messages came there (a chat room would stand in its place)."""
    came: list[float] = []

    def answer(_: Asked) -> Reply:
        came.append(time.monotonic())
        return Reply(b"{}")

    with serving(answer) as server:
        yield server.url, came


def replay(felt: FeltStray, folder: Path, *, runs: int = RUNS, at_most_s: float = float("inf")) -> list[Run]:
    """Posts the received webhook `runs` times, each to a new process; the fault lasts meanwhile.

    None begins after `at_most_s`, however busy the machine.
    """
    done: list[Run] = []
    began = time.monotonic()
    while len(done) < runs and time.monotonic() - began < at_most_s:
        done.append(_replay_once(felt, folder / f"run-{len(done)}", len(done)))
    return done


def _replay_once(felt: FeltStray, folder: Path, number: int) -> Run:
    with first_message() as (room, came):
        publish = {"console": False, "webhooks": [{"name": "room", "url": room}]}
        with culprit(folder, {**felt.settings, "publish": publish}) as process:
            announce(felt.lab, process.url)
            body = with_fingerprint(felt.payload, number)
            began = time.monotonic()
            accepted = httpx.post(f"{process.url}/webhooks/alertmanager", json=body, timeout=30)
            assert accepted.status_code == 202, accepted.text
            diagnosis = process.wait_for_diagnosis(seconds=WAIT_S)
            stored = time.monotonic() - began
        return Run(round(came[0] - began, 2), round(stored, 2), diagnosis)


def p95(values: list[float]) -> float:
    """The smallest value that at least 95 % do not exceed: of ten, the slowest."""
    ordered = sorted(values)
    return ordered[-(-95 * len(ordered) // 100) - 1]


def summary(runs: list[Run]) -> dict[str, Any]:
    """What the bench prints."""
    stored, first = [r.stored_s for r in runs], [r.first_message_s for r in runs]
    return {
        "runs": len(runs), "promised_p95_s": PROMISED_S,
        "alert_to_stored_diagnosis_s": {"p50": round(median(stored), 2), "p95": p95(stored), "all": stored},
        "alert_to_first_message_s": {"p50": round(median(first), 2), "p95": p95(first), "all": first},
    }


def table(found: dict[str, Any]) -> str:
    """The summary for people."""
    rows = [(what, found[what]) for what in ("alert_to_stored_diagnosis_s", "alert_to_first_message_s")]
    return "".join(f"{what:<30} p50 {row['p50']:>6.2f}  p95 {row['p95']:>6.2f}  of {found['runs']} runs\n"
                   for what, row in rows)


def main() -> int:
    """Prints the figures; 1 when the promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.live_latency")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if lacking := missing():
        sys.stdout.write(f"live latency: not measured: {lacking}\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="culprit-bench-") as name:
        folder = Path(name)
        with booted_lab(folder) as lab, felt_stray(lab, folder / "first") as felt:
            found = summary(replay(felt, folder, runs=arguments.runs))
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if arguments.json else table(found))
    return int(found["alert_to_stored_diagnosis_s"]["p95"] > PROMISED_S)


if __name__ == "__main__":
    sys.exit(main())

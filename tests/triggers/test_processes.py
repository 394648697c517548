"""The processes as they are started: what a worker shows of itself, and that both end as they should when told to."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from config.errors import ConfigError
from config.settings import load_settings
from tests.tools.recorded.tiny_case import write_tiny_case
from tests.triggers.processes import ROOT, answers, stop, wait_for


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def written(folder: Path, **sections: object) -> Path:
    """A settings file; YAML reads JSON."""
    case = write_tiny_case(folder / "tiny").folder
    file = folder / "culprit.yaml"
    file.write_text(json.dumps({"data_dir": str(folder), "world": {"case": str(case)}, **sections}))
    return file


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with (folder / "process.log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-c", "from triggers.cli import main; main()", *arguments],
                                   cwd=ROOT, stdout=log, stderr=log, text=True)
    try:
        yield process
    finally:
        stop(process)


def test_a_worker_shows_its_numbers(tmp_path: Path) -> None:
    """With a port set, /metrics holds claims, attempts and model calls beside the queue's depth; the token guards it;
    SIGTERM ends the worker with 0."""
    port = free_port()
    file = written(tmp_path, worker={"metrics_port": port}, http={"auth": {"token": "right"}})
    with started(tmp_path, "worker", "--config", str(file)) as process:
        wait_for(lambda: answers(port), seconds=150, what="the worker's port")
        assert httpx.get(f"http://127.0.0.1:{port}/metrics").status_code == 401
        assert httpx.get(f"http://127.0.0.1:{port}/incidents").status_code == 404
        shown = httpx.get(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": "Bearer right"}).text
        for name in ("culprit_claim_latency_seconds", "culprit_attempts_total", "culprit_model_calls_total",
                     "culprit_queue_oldest_seconds", "culprit_incidents", "culprit_investigations_total"):
            assert f"# TYPE {name.removesuffix('_total')}" in shown or f"# TYPE {name}" in shown
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=90) == 0, (tmp_path / "process.log").read_text()


def test_doors_with_a_worker_drain_before_they_end(tmp_path: Path) -> None:
    """SIGTERM closes the doors, lets the worker drain and ends with 0: the signal itself does not end the process."""
    port = free_port()
    file = written(tmp_path, http={"port": port})
    with started(tmp_path, "serve", "--with-worker", "--config", str(file)) as process:
        wait_for(lambda: answers(port), seconds=150, what="the door")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=90) == 0, (tmp_path / "process.log").read_text()


def test_a_workers_numbers_are_not_shown_to_strangers(tmp_path: Path) -> None:
    """Listening on more than the loopback needs credentials, here as at the doors."""
    open_to_all = {"metrics_host": "0.0.0.0", "metrics_port": 9_000}
    with pytest.raises(ConfigError, match=r"worker\.metrics_host"):
        load_settings(written(tmp_path, worker=open_to_all))
    load_settings(written(tmp_path, worker=open_to_all, http={"auth": {"token": "t"}}))

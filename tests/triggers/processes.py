"""Starting, killing and awaiting worker processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]


def start_worker(url: str, folder: Path, *options: str) -> subprocess.Popen[str]:
    """A worker that has come up."""
    with (folder / "workers.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.triggers.worker_process", url, str(folder), *options],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", (folder / "workers.log").read_text()
    return process


def stop(*processes: subprocess.Popen[str]) -> None:
    """Kill whatever still runs."""
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def wait_for(condition: Callable[[], bool], *, seconds: float, what: str) -> float:
    """Seconds it took; fails with `what` if it did not come true."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"after {seconds:g} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


def start_receiver(url: str, folder: Path, port: int, *, channel: bool = False) -> subprocess.Popen[str]:
    """A door that may still be coming up; see `answers`."""
    with (folder / "receivers.log").open("a") as log:
        command = [sys.executable, "-m", "tests.triggers.receiver_process", url, str(port)]
        command += [str(folder / "channel.db")] if channel else []
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, text=True)


def answers(port: int) -> bool:
    """The door is ready."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False

"""`culprit serve --with-worker` as a process of its own, as users run it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.live.http_server import free_port

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Culprit:
    """A running process. `log` is what it wrote."""

    url: str
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "culprit.log").read_text("utf-8", "replace")

    def incidents(self) -> list[dict[str, Any]]:
        """All incidents, newest first."""
        return list(httpx.get(f"{self.url}/incidents", timeout=10).json()["incidents"])

    def incident(self, identity: str) -> dict[str, Any]:
        """One incident with its diagnosis."""
        return dict(httpx.get(f"{self.url}/incidents/{identity}", timeout=10).json())

    def wait_for_diagnosis(self, *, seconds: float) -> dict[str, Any]:
        """The diagnosis of the newest incident that has one."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for found in self.incidents():
                if found["state"] == "done":
                    return dict(self.incident(found["id"])["diagnosis"])
                assert found["state"] != "dead", f"{found['error']}\n{self.log[-3000:]}"
            time.sleep(0.1)
        raise AssertionError(f"no diagnosis within {seconds:g} s: {self.incidents()}\n{self.log[-3000:]}")


@contextmanager
def culprit(folder: Path, settings: Mapping[str, Any], *, port: int = 0) -> Iterator[Culprit]:
    """Doors and a worker in one process, with an own data folder; ended by SIGTERM."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    whole = {"data_dir": str(folder / "data"), "http": {"port": port}, **settings}
    (folder / "culprit.yaml").write_text(yaml.safe_dump(whole, allow_unicode=True), "utf-8")
    command = [sys.executable, "-m", "triggers.cli", "serve", "--with-worker", "--config", str(folder / "culprit.yaml")]
    with (folder / "culprit.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    found = Culprit(f"http://127.0.0.1:{port}", folder)
    try:
        _wait_until_ready(found, process)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(found: Culprit, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, found.log[-3000:]
        try:
            if httpx.get(f"{found.url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(f"culprit did not come up: {found.log[-3000:]}")

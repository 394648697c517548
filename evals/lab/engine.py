"""The Docker engine the lab runs on: the one that answers, or one started here."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import docker
from docker.errors import DockerException

from config.errors import SourceUnavailable

SOCKET = Path("/var/run/docker.sock")
PID_FILE = Path("/var/run/docker.pid")
START_S = 40


def connect(socket: Path = SOCKET) -> docker.DockerClient:
    """A client of the engine behind a unix socket. Raises SourceUnavailable when none answers."""
    try:
        client = docker.DockerClient(base_url=f"unix://{socket}", timeout=60)
        client.ping()
    except (DockerException, OSError) as error:
        raise SourceUnavailable(f"no Docker engine answers on {socket}: {error}") from error
    return client


def ensure_engine(log: Path) -> tuple[docker.DockerClient, subprocess.Popen[bytes] | None]:
    """The engine that answers, else a `dockerd` of our own (returned too, for its starter to stop)."""
    try:
        return connect(), None
    except SourceUnavailable:
        binary = shutil.which("dockerd")
        if binary is None:
            raise
    PID_FILE.unlink(missing_ok=True)  # a stale one stops dockerd from starting
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binary, "--storage-driver", "overlay2"], stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            return connect(), process
        except SourceUnavailable:
            time.sleep(0.5)
    process.terminate()
    raise SourceUnavailable(f"dockerd did not answer within {START_S} s, see {log}")

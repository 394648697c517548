"""A real PostgreSQL for live tests: Debian's, in a temporary folder, on a loopback port of its own."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

_numbers = itertools.count()


def binaries() -> Path | None:
    """The newest installed server's folder of programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


def free_port() -> int:
    """A loopback port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """Durable settings are left at their defaults. The server refuses to run as root: root becomes `postgres`."""

    def __init__(self) -> None:
        programs = binaries()
        assert programs is not None, "no PostgreSQL server is installed"
        self._programs = programs
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="culprit-pg-"))
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "culprit", "-A", "trust", "--locale=C.UTF-8")
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, timeout=120)
        assert done.returncode == 0, done.stdout

    def start(self) -> None:
        """Start and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        command = ["-D", str(self.folder / "data"), "-o", options, "-l", str(self.folder / "server.log"), "-w", "start"]
        log = self.folder / "pg_ctl.log"  # a pipe would stay open in the server
        argv = [str(self._programs / "pg_ctl"), *command]
        if os.geteuid() == 0:
            argv = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *argv]
        with log.open("w") as out:
            assert subprocess.run(argv, cwd=self.folder, stdout=out, stderr=out, check=False,
                                  timeout=120).returncode == 0, log.read_text()

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is a crash: recovery from the log at the next start."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"culprit_{next(_numbers)}_{time.time_ns()}"
        with psycopg.connect(f"postgresql://culprit@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://culprit@127.0.0.1:{self.port}/{name}"

    def close(self) -> None:
        """Stop and remove everything."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

"""Loki is not installable here: this serves a running lab's own container logs over the Loki endpoints.

The answers come from the same code that is held to a real Loki's recorded answers. Lines are read from Docker as they
are asked for, and once more before a container is removed, as a log shipper would have.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from docker.errors import NotFound

from evals.lab.lab import Lab
from evals.lab.log_shelf import parse_lines
from tests.live.http_server import serving_app
from tools.recorded.logs.engine import LogEngine
from tools.recorded.logs.loki_api import LokiApi
from tools.recorded.logs.recorded_logs import RecordedLogs
from tools.recorded.logs.store import stream_of

FRESH_S = 1.0
Stream = tuple[str, str, str]  # container, service, output


class LiveLogs:
    """Collects lines by stream; `application` answers from what was collected a second ago at most."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._lock = lab, threading.Lock()
        self._lines: dict[Stream, list[tuple[int, str]]] = {}
        self._read_at, self._api = 0.0, LokiApi(logs=self._logs(), now_ns=time.time_ns())
        lab.stack.before_removal.append(self._keep)

    async def application(
        self, scope: Mapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """ASGI."""
        if scope["type"] == "http":
            with self._lock:
                if time.monotonic() - self._read_at > FRESH_S:
                    self._refresh()
            await self._api(scope, receive, send)

    def _refresh(self) -> None:
        for spec in self._lab.stack.watched():
            self._collect(spec.name)
        self._api, self._read_at = LokiApi(logs=self._logs(), now_ns=time.time_ns()), time.monotonic()

    def _keep(self, name: str) -> None:
        with self._lock:
            self._collect(name)

    def _collect(self, name: str) -> None:
        spec = self._lab.stack.specs.get(name)
        if spec is None or not spec.watched:
            return
        try:
            container = self._lab.stack.client.containers.get(name)
        except NotFound:
            return
        for output in ("stdout", "stderr"):
            lines = self._lines.setdefault((name, spec.service, output), [])
            last = lines[-1][0] if lines else 0
            wanted = {"stdout": output == "stdout", "stderr": output == "stderr"}
            raw = container.logs(**wanted, timestamps=True, since=last / 1e9 if last else None)
            lines.extend(row for row in parse_lines(raw.decode("utf-8", "replace")) if row[0] > last)

    def _logs(self) -> RecordedLogs:
        host = self._lab.names.host
        streams = [
            stream_of({"container": name, "service": service, "host": host, "env": "prod",
                       **({"stream": output} if output == "stderr" else {})}, list(lines))
            for (name, service, output), lines in self._lines.items() if lines
        ]
        return RecordedLogs(load=lambda: LogEngine(streams), start_ns=0, now_ns=time.time_ns() + 1)


@contextmanager
def loki_standin(lab: Lab) -> Iterator[str]:
    """The address of a Loki that knows the lab's logs."""
    with serving_app(LiveLogs(lab).application) as url:
        yield url

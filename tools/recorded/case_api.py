"""A case as the servers it was recorded from: Prometheus' API, and Loki's under /loki, in one ASGI application."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from tools.evidence import iso
from tools.recorded.logs.loki_api import LokiApi
from tools.recorded.logs.recorded_logs import RecordedLogs
from tools.recorded.metrics import RecordedMetrics
from tools.recorded.prometheus_api import PrometheusApi, Receive, Send
from tools.recorded.prometheus_json import failure
from tools.recorded.snapshot import read_snapshot
from tools.recorded.world import open_world

App = Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]


def open_metrics_api(folder: Path, *, whole: bool = False) -> PrometheusApi | None:
    """The metrics of a case over Prometheus' API; None where they were not captured. Raises BadSnapshot."""
    metrics = open_world(folder, whole=whole).metrics
    server = read_snapshot(folder).manifest.server
    return PrometheusApi(metrics=metrics, server=server) if isinstance(metrics, RecordedMetrics) else None


class CaseApi:
    """What was captured answers; what was not says so with 422. `whole` lets a person look past `now`."""

    def __init__(self, folder: Path, *, whole: bool = False) -> None:
        manifest = read_snapshot(folder).manifest
        logs = open_world(folder, whole=whole).logs
        end_ms = manifest.window.end if whole else manifest.now
        self._prometheus = open_metrics_api(folder, whole=whole)
        self._loki = LokiApi(logs=logs, now_ns=end_ms * 1_000_000 + 1) if isinstance(logs, RecordedLogs) else None
        self.about = {"case": manifest.id, "start": iso(manifest.window.start), "now": iso(manifest.now),
                      "end": iso(end_ms), "captured": list(manifest.captured)}

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """ASGI entry point."""
        if scope["type"] != "http":
            return
        await self._app(scope["path"])(scope, receive, send)

    def _app(self, path: str) -> App:
        if path == "/":
            return _reply(200, self.about)
        if path in ("/-/healthy", "/-/ready"):
            return _reply(200, {"status": "success"})
        if path.startswith("/loki/") or path == "/ready":
            return self._loki or _reply(422, failure("execution", "not captured: logs"))
        return self._prometheus or _reply(422, failure("execution", "not captured: metrics"))


def _reply(status: int, body: Mapping[str, Any]) -> App:
    async def app(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        payload = json.dumps(body, ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": payload})

    return app

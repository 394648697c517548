"""A recording receiver: keeps each webhook body exactly as Alertmanager sent it, with the moment it arrived."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from evals.lab.moments import iso, now_ms


@dataclass(frozen=True)
class Delivery:
    """One webhook. `received_ms` in Unix milliseconds, `payload` the decoded body."""

    received_ms: int
    payload: dict[str, Any]

    def firing(self) -> bool:
        """Whether it announces something that fires."""
        return self.payload.get("status") == "firing"

    def as_record(self) -> dict[str, Any]:
        """The shape of alerts.json."""
        return {"received": iso(self.received_ms), "payload": self.payload}


class Receiver:
    """Listens on a loopback port until closed."""

    def __init__(self, port: int) -> None:
        self._deliveries: list[Delivery] = []
        self._lock = threading.Lock()
        receiver = self

        class Endpoint(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                receiver.accept(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Endpoint)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def accept(self, body: bytes) -> None:
        """Keeps one body."""
        with self._lock:
            self._deliveries.append(Delivery(received_ms=now_ms(), payload=dict(json.loads(body))))

    def deliveries(self) -> tuple[Delivery, ...]:
        """Everything received so far, in order."""
        with self._lock:
            return tuple(self._deliveries)

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()

"""Stand-in for the LLM provider: streams tokens with a settable latency, errors and rate limit.

`POST /v1/generate` streams one JSON line a token, for models named `…-2`; others do not exist (404). `POST /control`
merges a JSON object into the behaviour: `first_ms`, `token_ms`, `tokens`, `error_share`, `error_status`, `limit_per_s`.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .settings import stop_event

_behaviour: dict[str, float] = {
    "first_ms": 480,
    "token_ms": 55,
    "tokens": 14,
    "error_share": 0.0,
    "error_status": 503,
    "limit_per_s": 0,
}
_recent: list[float] = []
_lock = threading.Lock()


def _over_limit(now: float) -> bool:
    with _lock:
        _recent[:] = [t for t in _recent if now - t < 1.0]
        _recent.append(now)
        return bool(_behaviour["limit_per_s"]) and len(_recent) > _behaviour["limit_per_s"]


class Endpoint(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the provider is another company's."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        if self.path == "/control":
            _behaviour.update({k: float(v) for k, v in body.items() if k in _behaviour})
            self._answer(200, json.dumps(_behaviour))
        elif not str(body.get("model", "")).endswith("-2"):
            self._answer(404, '{"error":{"type":"model_not_found","message":"The model does not exist"}}')
        elif _over_limit(time.monotonic()):
            self._answer(
                429, '{"error":{"type":"rate_limit_exceeded","message":"Too many requests"}}', retry_after=True
            )
        elif random.random() < _behaviour["error_share"]:
            time.sleep(0.15)
            self._answer(int(_behaviour["error_status"]), '{"error":{"type":"server_error","message":"overloaded"}}')
        else:
            self._stream()

    def _answer(self, status: int, text: str, *, retry_after: bool = False) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if retry_after:
            self.send_header("Retry-After", "2")
        self.end_headers()
        self.wfile.write(data)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        time.sleep(_behaviour["first_ms"] / 1000 * random.uniform(0.8, 1.3))
        for number in range(max(3, round(random.gauss(_behaviour["tokens"], 2)))):
            self.wfile.write(json.dumps({"token": f"t{number}"}).encode() + b"\n")
            time.sleep(_behaviour["token_ms"] / 1000 * random.uniform(0.8, 1.3))


def main() -> None:
    """Serves until SIGTERM."""
    stopping = stop_event()
    server = ThreadingHTTPServer(("0.0.0.0", 8080), Endpoint)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stopping.wait()
    sys.exit(0)


if __name__ == "__main__":
    main()

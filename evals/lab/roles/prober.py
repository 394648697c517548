"""A synthetic user: asks the chat a question every few seconds and exposes the last answer, as a blackbox prober does.

Metrics: `probe_success`, `probe_duration_seconds{phase="ttft"|"total"}`, `probe_http_status_code`,
`probe_attempts_total`.
"""

from __future__ import annotations

import http.client
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .settings import config, stop_event

_last: dict[str, float] = {"success": 1, "ttft": 0, "total": 0, "status": 0, "attempts": 0}
_lock = threading.Lock()


def probe(edge: str, timeout_s: float) -> dict[str, float]:
    """One question with context; times in seconds. A time-out counts its whole length."""
    began = time.monotonic()
    connection = http.client.HTTPConnection(edge, 80, timeout=timeout_s)
    status, first, text = 0, 0.0, b""
    try:
        connection.request(
            "POST",
            "/chat",
            json.dumps(
                {
                    "prompt": "상태 확인: 한 문장으로 답해 줘",
                    "lang": "ko",
                    "context": True,
                    "request": secrets.token_hex(6),
                }
            ),
        )
        response = connection.getresponse()
        status = response.status
        while chunk := response.read1(4096):
            first = first or time.monotonic() - began
            text += chunk
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    total = time.monotonic() - began
    return {
        "success": float(status == 200 and b"event: done" in text),
        "ttft": first or total,
        "total": total,
        "status": status,
    }


def _record(edge: str, timeout_s: float) -> None:
    result = probe(edge, timeout_s)
    with _lock:
        _last.update(result)
        _last["attempts"] += 1


def exposition() -> str:
    """The last result in Prometheus' text format."""
    with _lock:
        last = dict(_last)
    return (
        f"# TYPE probe_success gauge\nprobe_success {last['success']:g}\n"
        "# TYPE probe_duration_seconds gauge\n"
        f'probe_duration_seconds{{phase="ttft"}} {last["ttft"]:.6f}\n'
        f'probe_duration_seconds{{phase="total"}} {last["total"]:.6f}\n'
        f"# TYPE probe_http_status_code gauge\nprobe_http_status_code {last['status']:g}\n"
        f"# TYPE probe_attempts_total counter\nprobe_attempts_total {last['attempts']:g}\n"
    )


class Endpoint(BaseHTTPRequestHandler):
    """`/metrics`."""

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        data = exposition().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Probes until SIGTERM; a slow probe never delays the next one."""
    settings = config()
    stopping = stop_event()
    server = ThreadingHTTPServer(("0.0.0.0", 9115), Endpoint)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while not stopping.wait(float(settings["period_s"])):
        threading.Thread(
            target=_record, args=(str(settings["edge"]), float(settings["timeout_s"])), daemon=True
        ).start()


if __name__ == "__main__":
    main()

"""Stands for the users: sends chat requests at a settable mean rate (Poisson arrivals), reads the streams to the end.

`POST /control {"rate": 3.0, "context_share": 0.4, "retries": 0}` changes it; it stops by itself after `max_s`.
"""

from __future__ import annotations

import http.client
import json
import math
import random
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .settings import config, stop_event

PROMPTS = (
    ("ko", "배송이 언제 도착하는지 알려 주세요"),
    ("ko", "환불 절차를 요약해 줘"),
    ("ko", "회의록을 세 줄로 정리해 줘"),
    ("en", "Summarise this contract"),
    ("en", "Write a polite reply"),
    ("en", "Explain the error in this trace"),
)
_state: dict[str, float] = {"rate": 0.0, "context_share": 0.4, "retries": 0.0, "docs_share": 0.05}
_counts = {"sent": 0, "ok": 0, "failed": 0}
_slots = threading.Semaphore(200)


def ask(edge: str, *, context: bool, timeout_s: float = 40) -> int:
    """One chat to its end; the HTTP status, 0 when the connection failed or the stream ended in an error."""
    language, prompt = random.choice(PROMPTS)
    body = {"prompt": prompt, "lang": language, "context": context, "request": secrets.token_hex(6)}
    connection = http.client.HTTPConnection(edge, 80, timeout=timeout_s)
    try:
        connection.request("POST", "/chat", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        return 0 if b"event: error" in data else response.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _visit_docs(edge: str) -> None:
    connection = http.client.HTTPConnection(edge, 80, timeout=5)
    try:
        connection.request("GET", f"/docs/{random.choice(('guide', 'api', 'faq'))}.html")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()


def _one(edge: str) -> None:
    with _slots:
        if random.random() < _state["docs_share"]:
            _visit_docs(edge)
            return
        for _ in range(1 + int(_state["retries"])):
            _counts["sent"] += 1
            good = ask(edge, context=random.random() < _state["context_share"]) == 200
            _counts["ok" if good else "failed"] += 1
            if good:
                return


class Endpoint(BaseHTTPRequestHandler):
    """The control door."""

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        _state.update({k: float(v) for k, v in body.items() if k in _state})
        self.do_GET()

    def do_GET(self) -> None:
        data = json.dumps({**_state, **_counts}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Sends until SIGTERM or `max_s`."""
    settings = config()
    _state.update({k: float(settings[k]) for k in _state if k in settings})
    stopping = stop_event()
    server = ThreadingHTTPServer(("0.0.0.0", 8090), Endpoint)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    end = time.monotonic() + float(settings["max_s"])
    while time.monotonic() < end:
        rate = _state["rate"] * (1 + 0.08 * math.sin(time.time() / 47))
        if stopping.wait(random.expovariate(rate) if rate > 0 else 1.0):
            return
        if rate > 0:
            threading.Thread(target=_one, args=(str(settings["edge"]),), daemon=True).start()


if __name__ == "__main__":
    main()

"""The chat API: takes a question, queues a job, streams what a worker publishes as server-sent events.

Statuses of its own: 429 application throttle, 503 no worker heartbeat (circuit) or no capacity, 504 no first token in
time, 502 the worker gave up.
"""

from __future__ import annotations

import json
import secrets
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .logline import Log
from .resp import Redis, RespError
from .settings import build, config, host, stop_event


class Api:
    """What the requests share."""

    def __init__(self) -> None:
        self.build = build()
        self.config = config()
        style = str(self.config.get("log_style", "logfmt"))
        self.log = Log(style, words=self.config.get("words"), api=host(), build=str(self.build["build"]))
        self.inflight = 0
        self.workers = 1
        self.lock = threading.Lock()
        self.recent: list[float] = []

    def connect(self) -> Redis:
        """A connection named after the container."""
        return Redis(str(self.config["redis"]), name=host(), timeout_s=5)

    def watch_workers(self, stopping: threading.Event) -> None:
        """Counts heartbeats every 5 s; none for three readings opens the circuit."""
        silent = 0
        while not stopping.wait(5):
            try:
                with self.connect() as redis:
                    silent = 0 if redis.call("KEYS", "hb:*") else silent + 1
            except (OSError, RespError) as error:
                self.log("warning", "Redis 상태 확인 실패", error=error)
                continue
            was, self.workers = self.workers, int(silent < 3)
            if was != self.workers:
                self.log("warning", "서킷 닫힘: 하트비트 회복" if self.workers else "서킷 열림: 워커 하트비트 없음")

    def refusal(self) -> tuple[int, str] | None:
        """Why a request is refused at the door, if it is."""
        now = time.monotonic()
        with self.lock:
            self.recent[:] = [t for t in self.recent if now - t < 1.0]
            self.recent.append(now)
            rate, busy = len(self.recent), self.inflight
        if not self.workers and self.config.get("circuit", True):
            return 503, "circuit_open"
        if rate > int(self.config.get("throttle_per_s", 10_000)):
            return 429, "app_throttled"
        if busy >= int(self.config.get("max_inflight", 10_000)):
            return 503, "no_capacity"
        return None


class Endpoint(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    api: Api

    def log_message(self, format: str, *args: Any) -> None:
        """The API logs for itself."""

    def do_GET(self) -> None:
        self._text(200 if self.path == "/healthz" else 404, "ok\n" if self.path == "/healthz" else "not found\n")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        refusal = self.api.refusal()
        request = str(body.get("request") or secrets.token_hex(6))
        if refusal:
            self.api.log("warning", "요청 거절", req=request, status=refusal[0], reason=refusal[1])
            self._text(refusal[0], refusal[1] + "\n")
            return
        with self.api.lock:
            self.api.inflight += 1
        try:
            self._chat(request, body)
        except (OSError, RespError) as error:
            self.api.log("error", "요청 처리 실패", req=request, status=502, error=error)
            self.close_connection = True
        finally:
            with self.api.lock:
                self.api.inflight -= 1

    def _chat(self, request: str, body: dict[str, Any]) -> None:
        job = f"j-{request}"
        began = time.time()
        schema = 2 if body.get("context") and int(self.api.build["contract"]) >= 2 else 1
        with self.api.connect() as events, self.api.connect() as redis:
            events.call("SUBSCRIBE", f"chat:reply:{job}")
            redis.call(
                "RPUSH",
                str(self.api.config["queue"]),
                json.dumps(
                    {
                        "id": job,
                        "schema": schema,
                        "prompt": body.get("prompt", ""),
                        "reply": f"chat:reply:{job}",
                        "at": began,
                    }
                ),
            )
            self.api.log("info", "요청 접수", req=request, job=job, schema=schema, lang=body.get("lang", "ko"))
            self._relay(request, job, events, began)

    def _relay(self, request: str, job: str, events: Redis, began: float) -> None:
        deadline = began + float(self.api.config["timeout_s"])
        first: float | None = None
        while True:
            try:
                message = json.loads(events.read(wait_s=max(0.05, deadline - time.time()))[2])
            except TimeoutError:
                message = {"error": "timeout"}
            if "error" in message:
                self._fail(request, job, str(message["error"]), began, streaming=first is not None)
                return
            if first is None:
                first = time.time()
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("X-Served-By", host())
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
            if message.get("done"):
                self.wfile.write(b"event: done\ndata: {}\n\n")
                self.api.log(
                    "info",
                    "응답 완료",
                    req=request,
                    job=job,
                    status=200,
                    ttft_ms=round((first - began) * 1000),
                    total_ms=round((time.time() - began) * 1000),
                )
                return
            self.wfile.write(f"data: {json.dumps(message)}\n\n".encode())
            self.wfile.flush()

    def _fail(self, request: str, job: str, reason: str, began: float, *, streaming: bool) -> None:
        status = 504 if reason == "timeout" else 502
        text = "완료 시간 초과" if reason == "timeout" else "워커가 작업을 처리하지 못했습니다"
        self.api.log(
            "error",
            text,
            req=request,
            job=job,
            status=status,
            error=reason,
            total_ms=round((time.time() - began) * 1000),
        )
        if streaming:
            self.wfile.write(b"event: error\ndata: {}\n\n")
        else:
            self._text(status, reason + "\n")

    def _text(self, status: int, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Served-By", host())
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Serves until SIGTERM; exits 1 when Redis refuses at start."""
    api = Api()
    stopping = stop_event()
    try:
        api.connect().close()
    except (OSError, RespError) as error:
        api.log("error", "Redis에 연결할 수 없어 종료합니다", error=error)
        sys.exit(1)
    Endpoint.api = api
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("0.0.0.0", 8000), Endpoint)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=api.watch_workers, args=(stopping,), daemon=True).start()
    api.log("info", "API 준비 완료", event="api_ready", port=8000, contract=api.build["contract"])
    stopping.wait()
    api.log("info", "API 종료", inflight=api.inflight)
    sys.exit(0)


if __name__ == "__main__":
    main()

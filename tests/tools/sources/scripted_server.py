"""A real HTTP server on loopback that answers as it is told: rightly, slowly, with errors, pages or half a JSON."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Reply:
    """One answer. `cut`: fewer bytes than announced are sent; `after_s`: how long the server thinks first; `chunked`:
    without a length, as streams are sent.
    """

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    after_s: float = 0.0
    cut: int = 0
    chunked: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]


def ok(document: object, **options: object) -> Reply:
    """A JSON document with status 200."""
    return Reply(json.dumps(document).encode(), **options)  # type: ignore[arg-type]


FAULTS: dict[str, Reply] = {
    "500": Reply(b"internal error", status=500, content_type="text/plain"),
    "503 with a reason": Reply(b'{"status":"error","errorType":"unavailable","error":"TSDB not ready"}', status=503),
    "HTML with 200": Reply(b"<!doctype html><html><body>Sign in</body></html>", content_type="text/html"),
    "HTML with 502": Reply(b"<html><h1>Bad Gateway</h1></html>", status=502, content_type="text/html"),
    "truncated JSON": Reply(b'{"status":"success","data":{"resultType":"vector","resu'),
    "a body cut off": Reply(b'{"status":"success","data":{}}' + b" " * 400, cut=300),
    "another JSON": Reply(b'["a list"]'),
    "null": Reply(b"null"),
    "empty": Reply(b""),
    "429": Reply(b"too many requests", status=429, content_type="text/plain", headers={"Retry-After": "3600"}),
    "slow": Reply(b"{}", after_s=30.0),
}
REFUSALS: dict[str, Reply] = {
    "401": Reply(b"Unauthorized", status=401, content_type="text/plain"),
    "403": Reply(b'{"error":"no org id"}', status=403),
    "a redirect to a login page": Reply(b"", status=302, headers={"Location": "/login"}),
}


class ScriptedServer:
    """`answer` decides each reply and may be replaced at any time; `asked` is what came in."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self.answer, self.asked = answer, list[Asked]()
        self._closing = threading.Event()
        server = self

        class Endpoint(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                server._serve(self)

            do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """http://127.0.0.1:port"""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def _serve(self, http: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(http.path)
        length = int(http.headers.get("Content-Length") or 0)
        http.rfile.read(length)
        params = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        asked = Asked(http.command, parts.path, params, {k.lower(): v for k, v in http.headers.items()})
        self.asked.append(asked)
        reply = self.answer(asked)
        deadline = time.monotonic() + reply.after_s
        while time.monotonic() < deadline and not self._closing.wait(0.02):
            pass
        try:
            if "Date" in reply.headers:
                http.send_response_only(reply.status)
            else:
                http.send_response(reply.status)
            http.send_header("Content-Type", reply.content_type)
            length = ("Transfer-Encoding", "chunked") if reply.chunked else ("Content-Length", str(len(reply.body)))
            http.send_header(*length)
            for name, value in reply.headers.items():
                http.send_header(name, value)
            http.end_headers()
            body = reply.body[: len(reply.body) - reply.cut]
            if reply.chunked:
                body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
            http.wfile.write(body)
            if reply.cut:
                http.close_connection = True
        except OSError:
            http.close_connection = True

    def close(self) -> None:
        """Stop listening and end what is still thinking."""
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def serving(answer: Callable[[Asked], Reply]) -> Iterator[ScriptedServer]:
    """A server for as long as the block lasts."""
    server = ScriptedServer(answer)
    try:
        yield server
    finally:
        server.close()

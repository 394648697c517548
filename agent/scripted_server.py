"""A scripted OpenAI-compatible server for tests: real HTTP on loopback, answers given beforehand, requests kept.

Shipped, so that users can test their own set-up (proxies, keys, timeouts) without a paid model.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Turn:
    """One answer: a status, a body (JSON-able, or text sent as it is), and how long to wait before it.

    `cut` closes the connection after half of the body was sent.
    """

    body: Any
    status: int = 200
    delay_s: float = 0.0
    cut: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


Script = Callable[[Mapping[str, Any], int], Turn]


def calls(*tool_calls: tuple[str, Any], text: str = "") -> Turn:
    """A reply that calls tools: (name, arguments); arguments given as text are sent unparsed."""
    rows = [
        {"id": f"call_{n}", "type": "function",
         "function": {"name": name, "arguments": a if isinstance(a, str) else json.dumps(a, ensure_ascii=False)}}
        for n, (name, a) in enumerate(tool_calls)
    ]
    return Turn(completion({"role": "assistant", "content": text or None, "tool_calls": rows}, "tool_calls"))


def says(text: str) -> Turn:
    """A reply in plain text."""
    return Turn(completion({"role": "assistant", "content": text}, "stop"))


def completion(message: Mapping[str, Any], finish: str) -> dict[str, Any]:
    """The body of a chat completion."""
    return {
        "id": "scripted", "object": "chat.completion", "created": 0, "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


@dataclass
class ScriptedServer:
    """`requests` are the parsed bodies received, `raw` their bytes."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)


@contextmanager
def scripted_server(script: Script | Sequence[Turn]) -> Iterator[ScriptedServer]:
    """Serve on a free loopback port. A sequence answers its turns in order and then repeats the last one."""
    turns = script

    def answer(body: Mapping[str, Any], number: int) -> Turn:
        return turns(body, number) if callable(turns) else turns[min(number, len(turns) - 1)]

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.loads(raw)
            with lock:
                number = len(server.requests)
                server.requests.append(body)
                server.raw.append(raw)
            turn = answer(body, number)
            time.sleep(turn.delay_s)
            data = turn.body.encode() if isinstance(turn.body, str) else json.dumps(turn.body).encode()
            try:
                self.send_response(turn.status)
                kind = "text/html" if isinstance(turn.body, str) else "application/json"
                for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **turn.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if turn.cut else data)
                self.close_connection = True
            except (BrokenPipeError, ConnectionResetError):
                return  # the client gave up waiting, as some scripts mean it to

        def log_message(self, format: str, *args: Any) -> None:
            return

    lock = threading.Lock()
    http = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server = ScriptedServer(f"http://127.0.0.1:{http.server_address[1]}/v1")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()

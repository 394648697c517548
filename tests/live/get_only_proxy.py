"""A Docker socket proxy that passes GET and nothing else, and remembers what was asked."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tests.tools.sources.scripted_server import Asked, Reply, ScriptedServer, serving

PASSED = ("content-type", "x-docker-container-path-stat", "api-version")


class _Engine(http.client.HTTPConnection):
    """HTTP over the engine's unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@contextmanager
def get_only_proxy(docker_socket: Path) -> Iterator[ScriptedServer]:
    """Serves on a loopback port; `asked` of the server is everything that came in."""
    def answer(asked: Asked) -> Reply:
        if asked.method != "GET":
            return Reply(b'{"message":"only GET is allowed"}', status=403)
        engine = _Engine(docker_socket)
        try:
            engine.request("GET", f"{asked.path}?{urlencode(asked.params)}" if asked.params else asked.path)
            response = engine.getresponse()
            headers = {name.title(): value for name in PASSED[1:] if (value := response.getheader(name))}
            return Reply(response.read(), status=response.status, headers=headers, chunked=True,
                         content_type=response.getheader("content-type") or "application/json")
        finally:
            engine.close()

    with serving(answer) as server:
        yield server

"""Enough of Redis' protocol (RESP2) for a queue and for pub/sub."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Any


class RespError(Exception):
    """The server answered with an error, or closed the connection."""


class Redis:
    """One connection. Not thread-safe: each thread opens its own. Socket errors pass through as OSError."""

    def __init__(self, host: str, port: int = 6379, *, name: str = "", timeout_s: float = 5.0) -> None:
        self._socket = socket.create_connection((host, port), timeout=timeout_s)
        self._file = self._socket.makefile("rb")
        if name:
            self.call("CLIENT", "SETNAME", name)

    def __enter__(self) -> Redis:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the socket; a blocked reader wakes up with an error."""
        self._file.close()
        self._socket.close()

    def send(self, *arguments: str) -> None:
        """Writes one command without reading its reply."""
        parts = [f"*{len(arguments)}\r\n".encode()]
        for argument in arguments:
            data = argument.encode()
            parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
        self._socket.sendall(b"".join(parts))

    def call(self, *arguments: str, wait_s: float | None = None) -> Any:
        """One command and its reply: str, int, list or None. `wait_s` replaces the time-out for a blocking command."""
        if wait_s is not None:
            self._socket.settimeout(wait_s)
        self.send(*arguments)
        return self.read()

    def read(self, *, wait_s: float | None = None) -> Any:
        """The next reply or pushed message."""
        if wait_s is not None:
            self._socket.settimeout(wait_s)
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise RespError("connection closed by server")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RespError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self._bulk(int(rest))
        if kind == b"*":
            return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        raise RespError(f"unexpected reply {line[:20]!r}")

    def _bulk(self, size: int) -> str | None:
        if size < 0:
            return None
        data = self._file.read(size + 2)
        if data is None or len(data) < size + 2:
            raise RespError("connection closed by server")
        return data[:-2].decode()

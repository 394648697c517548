"""A case served over real HTTP on loopback, as `culprit case serve` does it, for tests of what talks to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from tools.recorded.case_api import CaseApi


@contextmanager
def served_over_http(folder: Path, *, whole: bool = False) -> Iterator[str]:
    """The address while it is served. The socket listens before the server runs, so that no request comes too early."""
    application: Any = CaseApi(folder, whole=whole)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        server = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=30)

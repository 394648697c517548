"""The documentation site of another team: static pages, an access line each."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .settings import build, stop_event


class Endpoint(BaseHTTPRequestHandler):
    """One page."""

    def log_message(self, format: str, *args: Any) -> None:
        """Plain text, as the team likes it."""
        sys.stdout.write(f"{datetime.now(UTC):%Y/%m/%d %H:%M:%S} docs {format % args}\n")
        sys.stdout.flush()

    def do_GET(self) -> None:
        data = b"<html><body>" + b"guide " * 300 + b"</body></html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Serves until SIGTERM."""
    stopping = stop_event()
    sys.stdout.write(f"{datetime.now(UTC):%Y/%m/%d %H:%M:%S} docs site build {build()['build']} listening on :8000\n")
    sys.stdout.flush()
    server = ThreadingHTTPServer(("0.0.0.0", 8000), Endpoint)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stopping.wait()


if __name__ == "__main__":
    main()

"""The build server: alternates colours by build number, recreates one colour, rewrites the upstream, reloads nginx.

The healthy procedure ends with stopping the old colour's worker after a drain. Leaving that out is the founding bug.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evals.lab.moments import iso_now
from evals.lab.names import Names
from evals.lab.stack import Stack
from evals.lab.upstream import render_upstream

READY_API = "api_ready"
READY_WORKER = "consumer_ready"


class BuildServer:
    """`run_api(colour, build, …)` and `run_worker(…)` create containers; `changes` is what it announced, in order."""

    def __init__(
        self,
        *,
        names: Names,
        stack: Stack,
        upstream: Path,
        run_api: Callable[..., Any],
        run_worker: Callable[..., Any],
        run_docs: Callable[[str], Any],
    ) -> None:
        self.changes: list[dict[str, Any]] = []
        self._names = names
        self._stack = stack
        self._upstream = upstream
        self._run_api = run_api
        self._run_worker = run_worker
        self._run_docs = run_docs
        self._lock = threading.Lock()

    def announce(
        self,
        kind: str,
        *,
        service: str = "",
        colour: str = "",
        build: str = "",
        by: str = "ci",
        text: str = "",
        source: str = "build server",
        mode: str = "",
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Records one change as the build server (or an operator) publishes it."""
        with self._lock:
            self.changes.append(
                {
                    "at": iso_now(),
                    "kind": kind,
                    "service": service,
                    "colour": colour,
                    "build": build,
                    "by": by,
                    "text": text,
                    "source": source,
                    "mode": mode,
                    "attributes": dict(attributes or {}),
                }
            )

    def deploy(self, colour: str, build: str, *, text: str = "", by: str = "ci", **options: Any) -> None:
        """Recreates the API and the worker of a colour. The worker consumes from its boot on."""
        names = self._names
        self.announce("deploy", service=names.api_service, colour=colour, build=build, by=by, text=text)
        self._run_api(colour, build)
        self._stack.wait_for_line(names.api_of(colour), READY_API)
        self.announce("deploy", service=names.worker_service, colour=colour, build=build, by=by, text=text)
        self._run_worker(colour, build, **options)
        self._stack.wait_for_line(names.worker_of(colour), READY_WORKER)

    def write_upstream(self, colour: str, *colours: str) -> None:
        """Rewrites the switched file by rename, as deployment tools do."""
        servers = [self._names.api_of(c) for c in (colours or (colour,))]
        partial = self._upstream.with_suffix(".new")
        partial.write_text(render_upstream(colour, servers), encoding="utf-8")
        partial.rename(self._upstream)

    def reload(self) -> None:
        """`nginx -s reload`, as a signal to the container."""
        self._stack.get(self._names.proxy).kill(signal="HUP")

    def switch(self, colour: str, build: str, *, text: str = "") -> None:
        """Steers HTTP to a colour. It cannot stop the other colour's worker: nginx steers HTTP only."""
        self.write_upstream(colour)
        self.reload()
        self.announce("switch", service=self._names.api_service, colour=colour, build=build, text=text)

    def drain(self, colour: str, *, wait_s: float = 10) -> None:
        """Lets the colour finish what is in flight, then stops its worker."""
        time.sleep(wait_s)
        self._stack.stop(self._names.worker_of(colour))

    def declare_both(self, *, text: str, by: str = "ops") -> None:
        """Both colours serve on purpose: the upstream names both and a mode change says so."""
        self.write_upstream("both", *self._names.colours)
        self.reload()
        self.announce("mode", service=self._names.api_service, by=by, text=text, source="operations", mode="both")

    def deploy_docs(self, build: str, *, text: str) -> None:
        """Another team's innocent deploy."""
        self.announce("deploy", service=self._names.docs_service, build=build, by="docs-team", text=text)
        self._run_docs(build)

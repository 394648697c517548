"""Container logs, kept before a container is removed: `docker rm` destroys them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from evals.lab.moments import ns_of
from evals.lab.stack import Stack

Stream = tuple[str, str]  # container, "stdout" or "stderr"


class LogShelf:
    """Collects (ns, line) by container and stream, redacted on the way in."""

    def __init__(self, stack: Stack, redact: Callable[[str], str]) -> None:
        self._stack = stack
        self._redact = redact
        self._lines: dict[Stream, list[tuple[int, str]]] = {}
        self._services: dict[str, str] = {}
        self._lock = threading.Lock()
        stack.before_removal.append(self.keep)

    def keep(self, name: str) -> None:
        """Reads the whole log of one container; done once for each container that lived under a name."""
        spec = self._stack.specs.get(name)
        if spec is None or not spec.watched:
            return
        container = self._stack.get(name)
        for stream in ("stdout", "stderr"):
            raw = container.logs(stdout=stream == "stdout", stderr=stream == "stderr", timestamps=True)
            lines = parse_lines(raw.decode("utf-8", "replace"))
            with self._lock:
                self._services[name] = spec.service
                self._lines.setdefault((name, stream), []).extend((ns, self._redact(line)) for ns, line in lines)

    def keep_all(self) -> None:
        """Every container that still exists."""
        for spec in self._stack.watched():
            self.keep(spec.name)

    def streams(self, *, start_ns: int, end_ns: int) -> list[tuple[str, str, str, list[tuple[int, str]]]]:
        """(container, service, stream, entries) with start <= ns < end, ascending; empty streams left out."""
        found = []
        with self._lock:
            for (name, stream), lines in sorted(self._lines.items()):
                inside = sorted((e for e in lines if start_ns <= e[0] < end_ns), key=lambda e: e[0])
                if inside:
                    found.append((name, self._services[name], stream, inside))
        return found


def parse_lines(text: str) -> list[tuple[int, str]]:
    """Lines of `docker logs --timestamps` as (ns, line). Blank lines are dropped, as a shipper does."""
    entries = []
    for row in text.split("\n"):
        stamp, _, line = row.partition(" ")
        if stamp and line.strip():
            entries.append((ns_of(stamp), line.rstrip("\r")))
    return entries

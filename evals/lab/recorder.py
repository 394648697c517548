"""Watches a running lab: every few seconds one whole observation of containers, routing, queues, peers and alerts."""

from __future__ import annotations

import io
import json
import logging
import secrets
import tarfile
import threading
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from docker.errors import APIError, NotFound
from requests.exceptions import RequestException

from config.errors import SourceUnavailable
from config.redact import Redactor
from evals.lab import observe
from evals.lab.lab import Lab
from evals.lab.log_shelf import LogShelf
from evals.lab.moments import iso, iso_now, now_ms
from evals.lab.roles.resp import Redis, RespError
from evals.lab.upstream import read_upstream

log = logging.getLogger(__name__)
PERIOD_S = 15
LAB_ONLY = ("cpu_ms", "log_style", "words")  # how the lab imitates work and wording; no service has such settings


class Recorder:
    """Collects until `stop`; then `evals/lab/case_folder.py` writes what is here. Times in Unix milliseconds."""

    def __init__(self, lab: Lab, *, period_s: float = PERIOD_S) -> None:
        self.lab = lab
        self.start_ms = 0
        self.containers: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.routing: list[dict[str, Any]] = []
        self.queues: list[dict[str, Any]] = []
        self.peers: list[dict[str, Any]] = []
        self.alert_states: list[dict[str, Any]] = []
        self.redact: Callable[[str], str] = Redactor().redact
        self.logs = LogShelf(lab.stack, self.redact)
        self._period_s = period_s
        self._key = secrets.token_bytes(16)
        self._since: dict[str, tuple[str, str]] = {}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._pool = ThreadPoolExecutor(4)

    def start(self) -> None:
        """Starts watching now: the recording's window begins here."""
        self.start_ms = now_ms()
        for run in (self._watch_events, self._watch):
            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stops watching, after a last observation and the containers' logs."""
        self._stopping.set()
        self._threads[1].join(timeout=30)
        self.observe()
        self.logs.keep_all()
        self._pool.shutdown()

    def _watch(self) -> None:
        while True:
            try:
                self.observe()
            except (SourceUnavailable, APIError, RequestException, OSError, RespError) as error:
                log.warning("an observation was lost: %s", error)
            if self._stopping.wait(self._period_s):
                return

    def _watch_events(self) -> None:
        for event in self.lab.stack.client.events(decode=True, filters={"label": f"lab={self.lab.id}"}):
            record = observe.event_record(event, self.redact)
            if record and not self._unwatched(record["container"]):
                self.events.append(record)
            if self._stopping.is_set():
                return

    def _unwatched(self, name: str) -> bool:
        return name.startswith(tuple(self.lab.names.outside(role) for role in ("provider", "prober", "load")))

    def observe(self) -> None:
        """One whole observation."""
        at = iso_now()
        inspected = [i for i in self._pool.map(self._inspect, self._names()) if i]
        running = [i["Name"].lstrip("/") for i in inspected if i["State"]["Running"]]
        stats = [s for s in self._pool.map(self._stats, running) if s]
        tops = {name: rows for name, rows in zip(running, self._pool.map(self._top, running), strict=True) if rows}
        host = self.lab.names.host
        records = [observe.container_record(i, host=host, redact=self.redact) for i in inspected]
        self.containers.append({"at": at, "containers": records, "stats": stats, "top": tops})
        self.routing.append({"at": at, "views": self._views(at)})
        self._note_peers(at, inspected)
        self._note_alerts(at)
        if self.lab.tuning.record_queues:
            self._note_queue(at)

    def _names(self) -> list[str]:
        listed = self.lab.stack.client.api.containers(all=True, filters={"label": f"lab={self.lab.id}"})
        return sorted(c["Names"][0].lstrip("/") for c in listed if "lab.unwatched" not in c["Labels"])

    def _inspect(self, name: str) -> dict[str, Any] | None:
        try:
            return dict(self.lab.stack.client.api.inspect_container(name))
        except NotFound:
            return None

    def _stats(self, name: str) -> dict[str, Any] | None:
        try:
            return observe.stats_record(name, self.lab.stack.client.api.stats(name, stream=False, one_shot=True))
        except (APIError, KeyError):
            return None

    def _top(self, name: str) -> list[dict[str, str]]:
        try:
            return observe.processes(self.lab.stack.client.api.top(name, ps_args="-eo pid,args"), self.redact)
        except APIError:
            return []

    def _views(self, at: str) -> list[dict[str, Any]]:
        names = self.lab.names
        colour_of = {names.api_of(colour): colour for colour in names.colours}
        found = {
            "declared_host": _declared_host(self.lab, colour_of),
            "declared_container": _declared_container(self.lab, colour_of),
            "loaded": _loaded(self.lab),
        }
        views = []
        for view, (colour, detail) in found.items():
            known = self._since.get(view)
            if known is None or known[0] != colour:
                self._since[view] = (colour, at if known else "")
            views.append(
                {
                    "service": names.api_service,
                    "view": view,
                    "colour": colour,
                    "detail": detail,
                    "since": self._since[view][1] or None,
                }
            )
        return views

    def _note_peers(self, at: str, inspected: list[dict[str, Any]]) -> None:
        profiles = []
        for one in inspected:
            spec = self.lab.stack.specs.get(one["Name"].lstrip("/"))
            if spec is not None:
                config = {k: v for k, v in spec.config.items() if k not in LAB_ONLY}
                profiles.append(observe.profile(one, service=spec.service, config=config, key=self._key))
        if not self.peers or self.peers[-1]["profiles"] != profiles:
            self.peers.append({"at": at, "profiles": profiles})

    def _note_alerts(self, at: str) -> None:
        alerts = [observe.alert_record(a) for a in self.lab.monitoring.alert_states()]
        if not self.alert_states or self.alert_states[-1]["alerts"] != alerts:
            self.alert_states.append({"at": at, "alerts": alerts})

    def _note_queue(self, at: str) -> None:
        queue = self.lab.names.queue
        with Redis("127.0.0.1", self.lab.plot.broker) as redis:
            length = int(redis.call("LLEN", queue))
            waiting = observe.blocked_clients(str(redis.call("CLIENT", "LIST")))
        self.queues.append(
            {
                "at": at,
                "name": queue,
                "length": length,
                "consumers": len(waiting),
                "consumer_names": sorted(set(waiting)),
            }
        )

    def changes(self) -> list[dict[str, Any]]:
        """What was announced since the recording began."""
        start = iso(self.start_ms)
        return [c for c in self.lab.ci.changes if c["at"] >= start]


def _declared_host(lab: Lab, colour_of: dict[str, str]) -> tuple[str, str]:
    try:
        return read_upstream(lab.upstream.read_text(encoding="utf-8"), colour_of)
    except OSError as error:
        return "unknown", f"the file cannot be read: {error.strerror}"


def _declared_container(lab: Lab, colour_of: dict[str, str]) -> tuple[str, str]:
    """By the archive GET. It remounts bind sources from the host: for a directory, what the container sees."""
    try:
        chunks, _ = lab.stack.client.api.get_archive(lab.names.proxy, "/etc/nginx/upstream/active.conf")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.extractfile(archive.next() or "active.conf")
            text = member.read().decode() if member else ""
    except (APIError, tarfile.TarError, KeyError) as error:
        return "unknown", f"archive read failed: {type(error).__name__}"
    return read_upstream(text, colour_of)


def _loaded(lab: Lab) -> tuple[str, str]:
    """What the running nginx answers at the status location compiled into the switched include."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{lab.plot.edge}/__active", timeout=3) as response:
            return response.read(100).decode().strip() or "unknown", "GET /__active"
    except OSError as error:
        return "unknown", f"GET /__active failed: {type(error).__name__}"


def as_json(document: object) -> str:
    """JSON for the case folder: Korean as it is, no spaces."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

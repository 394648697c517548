"""A Docker engine's HTTP interface with canned containers, served on loopback: what docker-py really talks to."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from tests.tools.sources.scripted_server import Asked, Reply, ScriptedServer, ok, serving
from tools.evidence import iso


@dataclass
class FakeEngine:
    """`containers` by name as inspect shows them; `files` by (name, path); `skew_s`: its clock ahead of ours."""

    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)
    tops: dict[str, list[list[str]]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    skew_s: float = 0.0
    fault: Reply | None = None

    def answer(self, asked: Asked) -> Reply:
        """Routes one request."""
        headers = {"Date": formatdate(time.time() + self.skew_s, usegmt=True)}
        if self.fault is not None:
            return self.fault
        path = asked.path.removeprefix("/v1.41")
        if path == "/version":
            return ok({"Version": "20.10.24", "ApiVersion": "1.41"}, headers=headers)
        if path == "/_ping":
            return Reply(b"OK", content_type="text/plain", headers=headers)
        if path == "/containers/json":
            return ok([{"Id": c["Id"], "Names": [c["Name"]]} for c in self._listed(asked)], headers=headers)
        if path == "/events":
            rows = [e for e in self.events if e["timeNano"] / 1e9 <= float(asked.params["until"])]
            return Reply(b"".join(json.dumps(e).encode() + b"\n" for e in rows), chunked=True)
        _, _, identity, *rest = path.split("/")
        found = next((c for c in self.containers.values() if c["Id"].startswith(identity)), None)
        if found is None:
            return ok({"message": f"No such container: {identity}"}, status=404)
        return self._of(found, "/".join(rest), asked)

    def _listed(self, asked: Asked) -> list[dict[str, Any]]:
        wanted = json.loads(asked.params.get("filters", "{}")).get("label", [])
        labels = [tuple(w.partition("=")[::2]) for w in wanted]
        return [c for c in self.containers.values()
                if all(c["Config"]["Labels"].get(k) == v for k, v in labels)]

    def _of(self, found: Mapping[str, Any], what: str, asked: Asked) -> Reply:
        name = str(found["Name"]).lstrip("/")
        if what == "json":
            return ok(found)
        if what == "stats":
            cpu = {"cpu_usage": {"total_usage": 2_500_000_000},
                   "throttling_data": {"periods": 10, "throttled_periods": 4}}
            return ok({"read": iso(time.time_ns() // 1_000_000), "cpu_stats": cpu, "memory_stats": {"usage": 4096},
                       "networks": {"eth0": {"rx_bytes": 7, "tx_bytes": 9}}, "pids_stats": {"current": 3}})
        if what == "top":
            return ok({"Titles": ["PID", "COMMAND"], "Processes": self.tops.get(name, [["1", "sleep"]])})
        if what == "archive" and (name, asked.params["path"]) in self.files:
            text, modified = self.files[name, asked.params["path"]]
            stat = base64.b64encode(b"{}").decode()
            return Reply(tar_of(asked.params["path"], text, modified), content_type="application/x-tar",
                         headers={"X-Docker-Container-Path-Stat": stat})
        return ok({"message": f"Could not find the file in container {name}"}, status=404)


def inspect_of(name: str, *, image: str = "worker:41", state: str = "running", env: tuple[str, ...] = (),
               labels: Mapping[str, str] | None = None, mounts: tuple[tuple[str, str], ...] = (),
               created_ms: int | None = None, address: str = "", **host_config: Any) -> dict[str, Any]:
    """What `docker inspect` says; `mounts` are (source, destination)."""
    began = iso(created_ms or time.time_ns() // 1_000_000 - 3_600_000)
    live = state == "running"
    return {
        "Id": (name.encode().hex() + "0" * 64)[:64], "Name": f"/{name}", "Created": began,
        "Image": "sha256:" + "ab" * 32,
        "RestartCount": 1,
        "State": {"Status": state, "Running": live, "OOMKilled": False, "ExitCode": 0 if live else 137,
                  "StartedAt": began, "FinishedAt": "0001-01-01T00:00:00Z" if live else began},
        "Config": {"Image": image, "Env": list(env), "Labels": dict(labels or {}), "Cmd": ["python", "run.py"]},
        "HostConfig": {"NanoCpus": 500_000_000, "Memory": 1 << 28, **host_config},
        "Mounts": [{"Type": "bind", "Source": s, "Destination": d} for s, d in mounts],
        "NetworkSettings": {"Networks": {"chat": {"IPAddress": address}}},
    }


def event(name: str, action: str, at_ms: int, **attributes: str) -> dict[str, Any]:
    """One engine event with the labels a real one drags along."""
    told = {"name": name, "image": "worker:41", "secret.label": "hunter2hunter2", **attributes}
    return {"Type": "container", "Action": action, "timeNano": at_ms * 1_000_000, "Actor": {"Attributes": told}}


def tar_of(path: str, text: str, modified_s: float) -> bytes:
    """An archive of one file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        member = tarfile.TarInfo(path.rpartition("/")[2])
        member.size, member.mtime = len(text.encode()), int(modified_s)
        tar.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


@contextmanager
def engine(fake: FakeEngine) -> Iterator[ScriptedServer]:
    """Serves a fake engine; its docker URL is `url.replace("http", "tcp")`."""
    with serving(fake.answer) as server:
        yield server

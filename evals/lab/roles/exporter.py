"""Container metrics under cAdvisor's names, read from the Docker API's one-shot stats (no wait, any cgroup version).

Runs on the host: `python exporter.py --socket PATH --filter LABEL=VALUE --port N [--timestamps]`. With `--timestamps`
samples carry explicit times, as cAdvisor's do: Prometheus then writes no stale marker when a container vanishes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

UNWATCHED = "lab.unwatched"


class Engine(http.client.HTTPConnection):
    """HTTP over the engine's unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=4)
        self._path = path

    def connect(self) -> None:
        """Connects the unix socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def get(self, path: str) -> Any:
        """One GET, decoded."""
        self.request("GET", path)
        response = self.getresponse()
        data = response.read()
        if response.status != 200:
            raise OSError(f"engine answered {response.status} to {path}")
        return json.loads(data)


class Reader:
    """Lists the containers of one label and reads each.

    Inspect is asked once, and again while the engine says a container is up for seconds: a restart keeps the identity.
    """

    def __init__(self, path: str, label: str) -> None:
        self._path = path
        self._filter = quote(json.dumps({"label": [label]}))
        self._inspected: dict[str, dict[str, Any]] = {}
        self._pool = ThreadPoolExecutor(4)

    def read(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """(inspect, stats) of each running container that is watched."""
        engine = Engine(self._path)
        listed = engine.get(f"/containers/json?filters={self._filter}")
        engine.close()
        watched = [c for c in listed if UNWATCHED not in c["Labels"]]
        for container in watched:
            if "second" in container.get("Status", ""):
                self._inspected.pop(container["Id"], None)
        return [pair for pair in self._pool.map(self._one, [c["Id"] for c in watched]) if pair]

    def _one(self, identity: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        engine = Engine(self._path)
        try:
            if identity not in self._inspected:
                self._inspected[identity] = engine.get(f"/containers/{identity}/json")
            return self._inspected[identity], engine.get(f"/containers/{identity}/stats?stream=false&one-shot=true")
        except (OSError, ValueError):
            return None  # gone between the list and the reading
        finally:
            engine.close()


def samples(inspect: dict[str, Any], stats: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, str], float]]:
    """(metric, type, extra labels, value) of one container."""
    cpu = stats.get("cpu_stats", {})
    usage, throttling = cpu.get("cpu_usage", {}), cpu.get("throttling_data", {})
    memory = stats.get("memory_stats", {})
    inactive = memory.get("stats", {}).get("total_inactive_file", memory.get("stats", {}).get("inactive_file", 0))
    limits = inspect["HostConfig"]
    nano = limits.get("NanoCpus") or 0
    started = datetime.fromisoformat(inspect["State"]["StartedAt"][:26].rstrip("Z") + "+00:00")
    yield "container_cpu_usage_seconds_total", "counter", {"cpu": "total"}, usage.get("total_usage", 0) / 1e9
    yield "container_cpu_user_seconds_total", "counter", {}, usage.get("usage_in_usermode", 0) / 1e9
    yield "container_cpu_system_seconds_total", "counter", {}, usage.get("usage_in_kernelmode", 0) / 1e9
    if nano:
        yield "container_cpu_cfs_periods_total", "counter", {}, throttling.get("periods", 0)
        yield "container_cpu_cfs_throttled_periods_total", "counter", {}, throttling.get("throttled_periods", 0)
        yield "container_cpu_cfs_throttled_seconds_total", "counter", {}, throttling.get("throttled_time", 0) / 1e9
        yield "container_spec_cpu_quota", "gauge", {}, nano / 1e4
        yield "container_spec_cpu_period", "gauge", {}, 100_000
    yield "container_memory_usage_bytes", "gauge", {}, memory.get("usage", 0)
    yield "container_memory_working_set_bytes", "gauge", {}, max(0, memory.get("usage", 0) - inactive)
    yield "container_memory_failcnt", "counter", {}, memory.get("failcnt", 0)
    yield "container_spec_memory_limit_bytes", "gauge", {}, limits.get("Memory") or 0
    for interface, counts in (stats.get("networks") or {}).items():
        for direction, key in (("receive", "rx"), ("transmit", "tx")):
            label = {"interface": interface}
            yield f"container_network_{direction}_bytes_total", "counter", label, counts.get(f"{key}_bytes", 0)
            yield f"container_network_{direction}_packets_total", "counter", label, counts.get(f"{key}_packets", 0)
    yield "container_processes", "gauge", {}, stats.get("pids_stats", {}).get("current", 0)
    yield "container_start_time_seconds", "gauge", {}, started.timestamp()
    yield "container_last_seen", "gauge", {}, int(time.time())


def exposition(readings: list[tuple[dict[str, Any], dict[str, Any]]], *, timestamps: bool) -> str:
    """Prometheus' text format, families together."""
    stamp = f" {int(time.time() * 1000)}" if timestamps else ""
    families: dict[str, list[str]] = {}
    for inspect, stats in readings:
        fixed = {
            "id": f"/docker/{inspect['Id'][:20]}",
            "image": inspect["Config"]["Image"],
            "name": inspect["Name"].lstrip("/"),
        }
        for metric, kind, extra, value in samples(inspect, stats):
            labels = ",".join(f'{k}="{v}"' for k, v in {**fixed, **extra}.items())
            families.setdefault(f"# TYPE {metric} {kind}", []).append(f"{metric}{{{labels}}} {value!r}{stamp}")
    return "".join("\n".join([head, *lines]) + "\n" for head, lines in families.items())


def main() -> None:
    """Serves `/metrics` on the loopback address."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", default="/var/run/docker.sock")
    parser.add_argument("--filter", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--timestamps", action="store_true")
    arguments = parser.parse_args()
    reader = Reader(arguments.socket, arguments.filter)

    class Endpoint(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            try:
                data, status = exposition(reader.read(), timestamps=arguments.timestamps).encode(), 200
            except (OSError, ValueError) as error:
                data, status = f"{error}\n".encode(), 503
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    ThreadingHTTPServer(("127.0.0.1", arguments.port), Endpoint).serve_forever()


if __name__ == "__main__":
    main()

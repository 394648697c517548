"""A small synthetic case, written by code, for tests of anything that reads one: a stray standby worker.

02:00 start, 02:11:30 a deploy recreates worker-green, 02:12 it takes half of the jobs, 02:16 the alert arrives
(`now`), 02:20 end. Written as plain JSON and YAML, on purpose without the writers it helps to test.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml

Source = TypeVar("Source")

START_MS = int(datetime(2026, 11, 21, 2, 0, tzinfo=UTC).timestamp() * 1000)
STEP_MS = 5_000
ONSET_MS = START_MS + 12 * 60_000
NOW_MS = START_MS + 16 * 60_000
END_MS = START_MS + 20 * 60_000
MS = range(START_MS, END_MS + 1, STEP_MS)
CONTAINERS = {
    "nginx": "proxy",
    "api-blue": "api",
    "api-green": "api",
    "redis": "redis",
    "worker-blue": "worker",
    "worker-green": "worker",
}


def iso(ms: int) -> str:
    """As the format writes times."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class TinyCase:
    """Where it is and what happened when."""

    folder: Path
    start_ms: int = START_MS
    onset_ms: int = ONSET_MS
    now_ms: int = NOW_MS
    end_ms: int = END_MS


def write_tiny_case(folder: Path, **manifest: Any) -> TinyCase:
    """Write the case into a new folder; `manifest` replaces keys of snapshot.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    _yaml(folder / "snapshot.yaml", tiny_manifest() | manifest)
    _yaml(folder / "inventory.yaml", inventory())
    _yaml(folder / "case.yaml", case_yaml())
    _yaml(folder / "label.yaml", label_yaml())
    _lines(folder / "metrics.jsonl", metrics())
    _lines(folder / "logs.jsonl", logs())
    _lines(folder / "changes.jsonl", changes())
    for name, content in (
        ("containers", containers()),
        ("routing", routing()),
        ("alerts", alerts()),
        ("queues", queues()),
        ("peers", peers()),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return TinyCase(folder)


def tiny_manifest() -> dict[str, Any]:
    """snapshot.yaml of the case."""
    return {
        "format": 1,
        "id": "tiny",
        "cluster": "main",
        "window": {"start": iso(START_MS), "end": iso(END_MS)},
        "now": iso(NOW_MS),
        "server": {"prometheus": "2.42.0", "scrape_interval_s": 5, "lookback_s": 300, "default_subquery_step_s": 60},
        "captured": ["metrics", "logs", "containers", "routing", "alerts", "queues", "peers", "changes"],
        "scope": {"metrics": [], "logs": []},
        "missing": [],
        "neighbours": 0,
    }


def inventory() -> dict[str, Any]:
    """What exists and how the telemetry spells it."""
    work = {
        "unit": "job",
        "started": {"contains": "job started"},
        "done": {"contains": "job done", "parser": "logfmt", "value_field": "ms"},
        "failed": {"contains": "job failed"},
    }
    return {
        "version": 1,
        "clusters": [{"name": "main"}],
        "hosts": [{"name": "host-a", "cluster": "main", "instance": "host-a:9100", "role": "app"}],
        "labels": {
            "metrics": {"container": "name", "host": "instance"},
            "logs": {"container": "container", "service": "service", "host": "host"},
        },
        "services": [
            {"name": "proxy", "kind": "proxy", "containers": ["nginx"]},
            {
                "name": "api",
                "kind": "api",
                "owner": "chat",
                "colours": {"blue": ["api-blue"], "green": ["api-green"]},
                "routed": True,
                "depends_on": ["redis"],
            },
            {
                "name": "worker",
                "kind": "worker",
                "owner": "chat",
                "colours": {"blue": ["worker-blue"], "green": ["worker-green"]},
                "follows": "api",
                "depends_on": ["redis"],
                "work": work,
                "capacity": {"base_per_second": 6.0, "factor": 0.83},
            },
            {"name": "redis", "kind": "broker", "containers": ["redis"]},
        ],
    }


def runs(container: str, ms: int) -> bool:
    """The standby worker is stopped until the deploy recreates it."""
    return container != "worker-green" or ms >= ONSET_MS - 30_000


def cpu(container: str, ms: int) -> float:
    """Cumulative CPU seconds: the standby takes half of the active worker's work from the onset on."""
    minutes = (ms - START_MS) / 60_000
    late = max(0.0, (ms - ONSET_MS) / 60_000)
    if container == "worker-blue":
        return 30 * minutes - 15 * late
    if container == "worker-green":
        return 15 * late
    return 6 * minutes


def metrics() -> list[dict[str, Any]]:
    """`up` and cAdvisor's names, 5 s apart on one shared vector; worker-green has its own, later one."""
    whole = list(MS)
    lines: list[dict[str, Any]] = [
        {"times": "t0", "ms": whole},
        {
            "labels": {"__name__": "up", "instance": "host-a:9100", "job": "node"},
            "times": "t0",
            "values": [1] * len(whole),
        },
    ]
    for name in CONTAINERS:
        ms = [t for t in whole if runs(name, t)]
        labels = {"name": name, "instance": "host-a:9100", "image": f"{CONTAINERS[name]}:41"}
        times: dict[str, Any] = {"times": "t0"} if len(ms) == len(whole) else {"ms": ms}
        values = [round(cpu(name, t), 4) for t in ms]
        lines.append({"labels": {"__name__": "container_cpu_usage_seconds_total", **labels}, **times, "values": values})
        memory = [50_000_000 + (t // STEP_MS) % 7 * 1_000 for t in ms]
        lines.append({"labels": {"__name__": "container_memory_usage_bytes", **labels}, **times, "values": memory})
    return lines


def logs() -> list[dict[str, Any]]:
    """A job every two seconds: by blue alone, from the onset in turn with green; Korean lines among the API's."""
    entries: dict[str, list[list[Any]]] = {name: [] for name in CONTAINERS}
    for number, ms in enumerate(range(START_MS, END_MS, 2_000)):
        worker = "worker-green" if ms >= ONSET_MS and number % 2 else "worker-blue"
        ns = ms * 1_000_000
        entries["api-blue"].append([ns, f'level=info msg="요청을 받았습니다" job=j{number:05d}'])
        entries[worker].append([ns + 50_000_000, f'level=info msg="job started" job=j{number:05d}'])
        entries[worker].append([ns + 900_000_000, f'level=info msg="job done" job=j{number:05d} ms=850 by={worker}'])
        entries["nginx"].append([ns + 950_000_000, f"POST /chat 200 upstream=api-blue:8000 job=j{number:05d}"])
    return [
        {"labels": {"container": name, "service": CONTAINERS[name], "host": "host-a", "env": "prod"}, "entries": lines}
        for name, lines in entries.items()
        if lines
    ]


def changes() -> list[dict[str, Any]]:
    """One deploy, half a minute before the onset."""
    return [
        {
            "at": iso(ONSET_MS - 30_000),
            "kind": "deploy",
            "service": "worker",
            "colour": "green",
            "build": "42",
            "by": "ci",
            "text": "deploy worker 42 to green",
            "source": "build server",
            "mode": "",
            "attributes": {},
        }
    ]


def _container(name: str, ms: int) -> dict[str, Any]:
    alive = runs(name, ms)
    born = ONSET_MS - 30_000 if name == "worker-green" and alive else START_MS - 86_400_000
    digest = f"{sum(map(ord, name)):04x}{born % 65_536:04x}" * 8
    return {
        "name": name,
        "id": digest,
        "image": f"{CONTAINERS[name]}:{42 if name.endswith('green') else 41}",
        "image_id": f"sha256:{digest}",
        "state": "running" if alive else "exited",
        "labels": {"service": CONTAINERS[name]},
        "created": iso(born),
        "started": iso(born),
        "finished": None if alive else iso(START_MS - 3_600_000),
        "exit_code": None if alive else 143,
        "oom_killed": False,
        "restart_count": 0,
        "health": "",
        "cpu_limit": 1.0,
        "memory_limit": 268_435_456,
        "environment_keys": ["PORT", "COLOUR"],
        "networks": ["chat"],
        "mounts": [],
        "command": "python worker.py",
        "host": "host-a",
    }


def containers() -> dict[str, Any]:
    """Observations a minute apart, and the recreation's events."""
    observations: list[dict[str, Any]] = []
    for ms in range(START_MS, END_MS + 1, 60_000):
        alive = [name for name in CONTAINERS if runs(name, ms)]
        observations.append(
            {
                "at": iso(ms),
                "containers": [_container(name, ms) for name in CONTAINERS],
                "stats": [
                    {
                        "name": name,
                        "cpu_seconds": round(cpu(name, ms), 4),
                        "memory_bytes": 50_000_000,
                        "network_rx_bytes": 1000,
                        "network_tx_bytes": 1000,
                        "periods": 10,
                        "throttled_periods": 0,
                        "pids": 3,
                    }
                    for name in alive
                ],
                "top": {name: [{"pid": "1", "command": "python worker.py"}] for name in alive},
            }
        )
    deploy = ONSET_MS - 30_000
    events: list[dict[str, Any]] = [
        {
            "at": iso(deploy + 100 * i),
            "action": action,
            "container": "worker-green",
            "image": "worker:42",
            "exit_code": None,
            "attributes": {},
        }
        for i, action in enumerate(("create", "start"))
    ]
    return {"observations": observations, "events": events}


def routing() -> dict[str, Any]:
    """All three views say blue, all the time."""
    return {
        "observations": [
            {
                "at": iso(ms),
                "views": [
                    {
                        "service": "api",
                        "view": view,
                        "colour": "blue",
                        "detail": "server api-blue:8000;",
                        "since": iso(START_MS),
                    }
                    for view in ("declared_host", "declared_container", "loaded")
                ],
            }
            for ms in range(START_MS, END_MS + 1, 60_000)
        ]
    }


def alerts() -> dict[str, Any]:
    """One payload as Alertmanager writes it, received at `now`."""
    alert = {
        "status": "firing",
        "labels": {"alertname": "CompletionsLate", "severity": "warning", "service": "worker"},
        "annotations": {"summary": "Completions are late"},
        "startsAt": iso(NOW_MS - 60_000),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": "b5d2c9a0f1e37f11",
    }
    payload = {
        "receiver": "culprit",
        "status": "firing",
        "version": "4",
        "groupKey": '{}:{service="worker"}',
        "truncatedAlerts": 0,
        "groupLabels": {"service": "worker"},
        "commonLabels": alert["labels"],
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": [alert],
    }
    return {"payloads": [{"received": iso(NOW_MS), "payload": payload}], "states": []}


def queues() -> dict[str, Any]:
    """One list, a reading a minute."""
    return {
        "states": [
            {
                "at": iso(ms),
                "name": "chat:jobs",
                "length": 0,
                "consumers": 1 + (ms >= ONSET_MS),
                "consumer_names": ["worker-blue"] + ["worker-green"] * (ms >= ONSET_MS),
            }
            for ms in range(START_MS, END_MS + 1, 60_000)
        ]
    }


def peers() -> dict[str, Any]:
    """The workers differ in their image, from the deploy on."""

    def profile(name: str, tag: int) -> dict[str, Any]:
        return {
            "name": name,
            "service": "worker",
            "facts": {"image": f"worker:{tag}", "limit.cpu": "1.0", "env.keys": "COLOUR,PORT", "config.timeout": "30"},
        }

    return {
        "observations": [
            {"at": iso(ms), "profiles": [profile("worker-blue", 41), profile("worker-green", tag)]}
            for ms, tag in ((START_MS, 41), (ONSET_MS, 42))
        ]
    }


def case_yaml() -> dict[str, Any]:
    """The alert starts it; a question could as well."""
    return {
        "format": 1,
        "title": {"en": "Completions are late", "ko": "응답이 늦습니다"},
        "signals": [
            {"kind": "alertmanager", "payload": 0},
            {"kind": "question", "at": iso(NOW_MS), "text": "worker-blue 가 왜 느린가요?", "lang": "ko"},
        ],
        "origin": {"kind": "synthetic", "notes": "written by a test"},
        "licence": "Apache-2.0",
        "tags": ["tiny"],
        "recording": "tiny",
    }


def label_yaml() -> dict[str, Any]:
    """The truth."""
    return {
        "format": 1,
        "family": "F01",
        "verdict": "diagnosed",
        "onset": iso(ONSET_MS),
        "causes": [
            {
                "component": {"kind": "container", "name": "worker-green", "service": "worker", "colour": "green"},
                "category": "role_violation",
            }
        ],
        "actions": {
            "right": [{"kind": "stop_container", "target": "worker-green"}],
            "harmful": [{"kind": "stop_container", "target": "worker-blue"}],
        },
        "notes": "worker-green consumes though green is the standby",
    }


def there(source: Source | None) -> Source:
    """A source of a world that must have it."""
    assert source is not None
    return source


def _yaml(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")

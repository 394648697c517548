"""What Docker, nginx and Redis say at one moment, in the shapes of the case format. Fields are allow-listed.

Values of environment variables never leave this file: keys are kept, values only as keyed digests that show equality.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from evals.lab.moments import iso, iso_of

OWN_LABELS = ("lab", "lab.unwatched")
EVENTS = frozenset(
    {"create", "start", "die", "stop", "kill", "oom", "restart", "destroy", "pause", "unpause", "rename", "update"}
)
EVENT_ATTRIBUTES = ("signal", "exitCode", "image")


def container_record(inspect: Mapping[str, Any], *, host: str, redact: Callable[[str], str]) -> dict[str, Any]:
    """One container of containers.json, from `docker inspect`."""
    state, config, limits = inspect["State"], inspect["Config"], inspect["HostConfig"]
    running = bool(state["Running"])
    command = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
    return {
        "name": inspect["Name"].lstrip("/"),
        "id": inspect["Id"][:12],
        "image": config["Image"],
        "image_id": inspect["Image"].removeprefix("sha256:")[:12],
        "state": state["Status"],
        "labels": {k: redact(v) for k, v in (config.get("Labels") or {}).items() if k not in OWN_LABELS},
        "created": iso_of(inspect["Created"]),
        "started": iso_of(state["StartedAt"]),
        "finished": None if running else iso_of(state["FinishedAt"]),
        "exit_code": None if running else state["ExitCode"],
        "oom_killed": bool(state["OOMKilled"]),
        "restart_count": int(inspect.get("RestartCount") or 0),
        "health": (state.get("Health") or {}).get("Status", ""),
        "cpu_limit": limits["NanoCpus"] / 1e9 if limits.get("NanoCpus") else None,
        "memory_limit": limits.get("Memory") or None,
        "environment_keys": environment_keys(config.get("Env") or []),
        "networks": sorted((inspect.get("NetworkSettings") or {}).get("Networks") or {}),
        "mounts": sorted(m["Destination"] for m in inspect.get("Mounts") or []),
        "command": redact(" ".join(command)),
        "host": host,
    }


def environment_keys(environment: Iterable[str]) -> list[str]:
    """Names only."""
    return sorted({entry.partition("=")[0] for entry in environment})


def stats_record(name: str, stats: Mapping[str, Any]) -> dict[str, Any]:
    """One reading of containers.json, from `docker stats` (one-shot)."""
    cpu = stats.get("cpu_stats") or {}
    throttling = cpu.get("throttling_data") or {}
    networks = (stats.get("networks") or {}).values()
    return {
        "name": name,
        "cpu_seconds": round(cpu.get("cpu_usage", {}).get("total_usage", 0) / 1e9, 6),
        "memory_bytes": (stats.get("memory_stats") or {}).get("usage", 0),
        "network_rx_bytes": sum(n["rx_bytes"] for n in networks),
        "network_tx_bytes": sum(n["tx_bytes"] for n in networks),
        "periods": throttling.get("periods", 0),
        "throttled_periods": throttling.get("throttled_periods", 0),
        "pids": (stats.get("pids_stats") or {}).get("current", 0),
    }


def processes(top: Mapping[str, Any], redact: Callable[[str], str]) -> list[dict[str, str]]:
    """Rows of `docker top -eo pid,args`, a hundred at most."""
    return [{"pid": str(row[0]), "command": redact(" ".join(row[1:]))} for row in (top.get("Processes") or [])[:100]]


def event_record(event: Mapping[str, Any], redact: Callable[[str], str]) -> dict[str, Any] | None:
    """One engine event; None for those that asking itself causes (top, archive-path, exec…) and for other types."""
    if event.get("Type") != "container" or event.get("Action") not in EVENTS:
        return None
    attributes = event["Actor"]["Attributes"]
    code = attributes.get("exitCode")
    return {
        "at": iso(event["timeNano"] // 1_000_000),
        "action": event["Action"],
        "container": attributes.get("name", ""),
        "image": attributes.get("image", ""),
        "exit_code": int(code) if code is not None else None,
        "attributes": {k: redact(str(attributes[k])) for k in EVENT_ATTRIBUTES[:1] if k in attributes},
    }


def digest(key: bytes, value: str) -> str:
    """Equal values give equal digests within one recording and tell nothing outside it."""
    return "sha256:" + hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:16]


def profile(inspect: Mapping[str, Any], *, service: str, config: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """One instance of peers.json: image, limits, environment by digest, mounted configuration."""
    limits, environment = inspect["HostConfig"], inspect["Config"].get("Env") or []
    facts = {
        "image": inspect["Config"]["Image"],
        "image_id": inspect["Image"].removeprefix("sha256:")[:12],
        "limit.cpu": f"{limits['NanoCpus'] / 1e9:g}" if limits.get("NanoCpus") else "none",
        "limit.memory": str(limits.get("Memory") or "none"),
        "restart.policy": (limits.get("RestartPolicy") or {}).get("Name") or "no",
        "env.keys": ",".join(environment_keys(environment)),
        "networks": ",".join(sorted((inspect.get("NetworkSettings") or {}).get("Networks") or {})),
    }
    facts |= {f"env.{k}": digest(key, v) for k, _, v in (entry.partition("=") for entry in environment)}
    facts |= {f"config.{k}": v if isinstance(v, str) else json.dumps(v) for k, v in config.items()}
    return {"name": inspect["Name"].lstrip("/"), "service": service, "facts": dict(sorted(facts.items()))}


def alert_record(alert: Mapping[str, Any]) -> dict[str, Any]:
    """One alert of `/api/v2/alerts` as a state of alerts.json."""
    status = alert["status"]
    state = "firing" if status["state"] != "suppressed" else ("silenced" if status["silencedBy"] else "inhibited")
    return {
        "name": alert["labels"].get("alertname", ""),
        "state": state,
        "labels": dict(alert["labels"]),
        "annotations": dict(alert["annotations"]),
        "starts": iso_of(alert["startsAt"]),
        "ends": None,
    }


def blocked_clients(client_list: str) -> list[str]:
    """Names of the connections of CLIENT LIST that wait in a blocking pop, sorted."""
    rows = [
        dict(pair.partition("=")[::2] for pair in line.split()) for line in client_list.splitlines() if line.strip()
    ]
    return sorted(
        row.get("name", "") for row in rows if row.get("cmd") in ("blpop", "brpop") and "b" in row.get("flags", "")
    )

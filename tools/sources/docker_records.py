"""What Docker's answers become: allow-listed fields only, redacted.

Values of environment variables end here. Fetching is in `docker_host.py`; here nothing is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from config.redact import redact, redact_mapping
from tools.sources.containers import Container, ContainerEvent, ContainerProcess, ContainerStats

EVENTS = frozenset(
    ("create", "start", "die", "stop", "kill", "oom", "restart", "destroy", "pause", "unpause", "rename", "update")
)
HEALTH_EVENT = "health_status"
MAX_PROCESSES = 200
MAX_TEXT = 500
_FRACTION = re.compile(r"(\.\d{1,6})\d*")
_NEVER = "0001-01-01"


def docker_ms(text: str | None) -> int | None:
    """Milliseconds of Docker's time (nanoseconds, `Z` or an offset); None for its year one, which means never."""
    if not text or text.startswith(_NEVER):
        return None
    return round(datetime.fromisoformat(_FRACTION.sub(r"\1", text).replace("Z", "+00:00")).timestamp() * 1000)


def environment_keys(environment: Iterable[str] | None) -> tuple[str, ...]:
    """Names only, sorted."""
    return tuple(sorted({entry.partition("=")[0] for entry in environment or ()}))


def container_of(inspect: Mapping[str, Any], *, host: str, cluster: str) -> Container:
    """One container, from inspect. Raises KeyError, TypeError or ValueError on another shape."""
    state, config, limits = inspect["State"], inspect["Config"], inspect.get("HostConfig") or {}
    live = bool(state.get("Running"))
    command = " ".join([*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())])
    return Container(
        name=str(inspect["Name"]).lstrip("/"),
        id=str(inspect["Id"])[:12],
        image=str(config.get("Image", "")),
        image_id=str(inspect.get("Image", "")).removeprefix("sha256:")[:12],
        state=str(state["Status"]),
        labels={k: str(v)[:MAX_TEXT] for k, v in redact_mapping(config.get("Labels") or {}).items()},
        created_ms=docker_ms(inspect.get("Created")),
        started_ms=docker_ms(state.get("StartedAt")),
        finished_ms=None if live else docker_ms(state.get("FinishedAt")),
        exit_code=None if live else _whole(state.get("ExitCode")),
        oom_killed=bool(state.get("OOMKilled")),
        restart_count=_whole(inspect.get("RestartCount")) or 0,
        health=str((state.get("Health") or {}).get("Status", "")),
        cpu_limit=_cores(limits),
        memory_limit=_whole(limits.get("Memory")) or None,
        environment_keys=environment_keys(config.get("Env")),
        networks=tuple(sorted((inspect.get("NetworkSettings") or {}).get("Networks") or {})),
        mounts=tuple(sorted(str(m.get("Destination", "")) for m in inspect.get("Mounts") or ())),
        command=redact(command)[:MAX_TEXT],
        host=host,
        cluster=cluster,
    )


def _cores(limits: Mapping[str, Any]) -> float | None:
    """CPU limit in cores: NanoCpus, else quota over period."""
    if limits.get("NanoCpus"):
        return float(limits["NanoCpus"]) / 1e9
    if limits.get("CpuQuota"):
        return float(limits["CpuQuota"]) / float(limits.get("CpuPeriod") or 100_000)
    return None


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def stats_of(name: str, stats: Mapping[str, Any], at_ms: int) -> ContainerStats:
    """One reading of a running container."""
    cpu = stats.get("cpu_stats") or {}
    throttling = cpu.get("throttling_data") or {}
    networks = (stats.get("networks") or {}).values()
    return ContainerStats(
        name=name,
        at_ms=docker_ms(stats.get("read")) or at_ms,
        cpu_seconds=float((cpu.get("cpu_usage") or {}).get("total_usage") or 0) / 1e9,
        memory_bytes=int((stats.get("memory_stats") or {}).get("usage") or 0),
        network_rx_bytes=sum(int(n.get("rx_bytes") or 0) for n in networks),
        network_tx_bytes=sum(int(n.get("tx_bytes") or 0) for n in networks),
        periods=int(throttling.get("periods") or 0),
        throttled_periods=int(throttling.get("throttled_periods") or 0),
        pids=int((stats.get("pids_stats") or {}).get("current") or 0),
    )


def processes_of(top: Mapping[str, Any]) -> tuple[ContainerProcess, ...]:
    """Rows of `top` asked with `-eo pid,args`."""
    rows = [[str(cell) for cell in row] for row in top.get("Processes") or ()]
    return tuple(ContainerProcess(r[0], redact(" ".join(r[1:]))[:MAX_TEXT]) for r in rows[:MAX_PROCESSES] if r)


def event_of(event: Mapping[str, Any]) -> ContainerEvent | None:
    """One engine event; None for what asking itself causes (top, archive-path, exec…) and for other types."""
    action = str(event.get("Action", ""))
    if event.get("Type") != "container" or not (action in EVENTS or action.startswith(HEALTH_EVENT)):
        return None
    attributes = (event.get("Actor") or {}).get("Attributes") or {}
    code = attributes.get("exitCode")
    return ContainerEvent(
        at_ms=int(event["timeNano"]) // 1_000_000,
        action=action[:60],
        container=str(attributes.get("name", "")),
        image=str(attributes.get("image", "")),
        exit_code=None if code is None else int(code),
        attributes={"signal": str(attributes["signal"])} if "signal" in attributes else {},
    )

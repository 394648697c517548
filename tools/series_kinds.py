"""What a metric measures, from its name, by the naming conventions of exporters: latency, errors, cpu, …

A guess about units and floors only, never about which component is to blame. Names of services or containers are not
looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from tools.analysis.robust import Floor, floor_of

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_TIMED = frozenset({"response", "request", "processing"})  # with "time": how long one takes
_COUNTER = re.compile(r"[_-](total|count|sum|bucket)$")
_RULES: tuple[tuple[str, frozenset[str]], ...] = (
    ("throttling", frozenset({"throttled", "throttling"})),
    ("success", frozenset({"success", "availability", "up"})),
    ("errors", frozenset({
        "error", "errors", "err", "errs", "failure", "failures", "failed", "fail", "fails", "exception",
        "exceptions", "timeout", "timeouts", "servfail", "rejected", "refused", "dropped", "drops", "loss",
        "lost", "retries",
    })),
    ("latency", frozenset({
        "latency", "latencies", "duration", "durations", "delay", "rtt", "rt", "mrt", "elapsed", "ttft", "lag",
    })),
    ("cpu", frozenset({"cpu"})),
    ("memory", frozenset({
        "memory", "mem", "rss", "heap", "ram",
    })),
    ("network", frozenset({
        "network", "net", "transmit", "receive", "tx", "rx", "tcp", "socket", "sockets", "packets",
        "bandwidth",
    })),
    ("disk", frozenset({
        "disk", "diskio", "filesystem", "fs", "io", "iops", "blkio", "storage", "syscall",
    })),
    ("queue", frozenset({
        "queue", "backlog", "pending", "inflight", "waiting",
    })),
    ("requests", frozenset({
        "requests", "request", "workload", "ops", "qps", "rps", "tps", "throughput", "hits", "invocations",
        "calls", "connections",
    })),
)
_IDLE = re.compile(
    r"((?<!response)(?<!request)(?<!processing)_time_seconds|_timestamp_seconds|_info|_last_seen|_created"
    r"|_periods_total)$|(?i:cached|buffers|slab|pagecache)|^(container_spec_|scrape_|ALERTS|go_|python_|promhttp_)"
)


_UNITS: Mapping[str, tuple[tuple[str, float], ...]] = {
    "memory": (("bytes", 1.0),),
    "network": (("bytes", 1.0),),
    "disk": (("bytes", 1.0),),
    "cpu": (("seconds", 1.0), ("cores", 1.0)),
    "latency": (("seconds", 1.0), ("milliseconds", 1000.0), ("ms", 1000.0), ("(s)", 1.0), ("(ms)", 1000.0)),
    "share": (("ratio", 1.0),),
    "success": (("success", 1.0), ("up", 1.0), ("ratio", 1.0)),
}


@lru_cache(maxsize=10_000)
def floor_for(metric: str) -> Floor:
    """The floor of a metric: the absolute part of its kind counts only where the name says the unit it is in."""
    kind = kind_of(metric).kind
    floor, name = floor_of(kind), metric.lower()
    if kind not in _UNITS:
        return floor
    factor = next((f for unit, f in _UNITS[kind] if name.removesuffix("_total").endswith(unit)), None)
    return Floor(1e-9 if factor is None else floor.absolute * factor, floor.relative)


@dataclass(frozen=True)
class SeriesKind:
    """`kind` names the floor and the resource; `counter` series are read as rates; `moot` ones say nothing of load."""

    kind: str
    counter: bool
    moot: bool


@lru_cache(maxsize=10_000)
def kind_of(metric: str) -> SeriesKind:
    """The kind of a metric by the words of its name; `other` where no rule knows one."""
    words = {w.lower() for w in _WORDS.findall(metric)}
    timed = "time" in words and words & _TIMED
    found = "errors" if "5xx" in metric.lower() else "latency" if timed else ""
    found = found or next((kind for kind, marks in _RULES if words & marks), "other")
    share = words & {"ratio", "rate", "percent", "share"} or metric.endswith("(%)")
    if share and found in ("cpu", "memory", "disk"):
        found = "share" if found != "cpu" else "cpu"
    return SeriesKind(found, bool(_COUNTER.search(metric)), bool(_IDLE.search(metric)))

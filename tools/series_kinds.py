"""What a metric measures, from its name, by the naming conventions of exporters: latency, errors, cpu, …

A guess about units and floors only, never about which component is to blame. Names of services or containers are not
looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_COUNTER = re.compile(r"_(total|count|sum|bucket)$")
_RULES: tuple[tuple[str, frozenset[str]], ...] = (
    ("throttling", frozenset({"throttled", "throttling"})),
    ("success", frozenset({"success", "availability", "up"})),
    (
        "errors",
        frozenset(
            {
                "error",
                "errors",
                "failure",
                "failures",
                "failed",
                "exceptions",
                "timeouts",
                "servfail",
                "rejected",
                "5xx",
                "refused",
                "dropped",
                "retries",
            }
        ),
    ),
    ("latency", frozenset({"latency", "duration", "delay", "rtt", "ttft", "lag"})),
    ("cpu", frozenset({"cpu"})),
    ("memory", frozenset({"memory", "mem", "rss", "heap"})),
    ("network", frozenset({"network", "net", "transmit", "receive", "tx", "rx", "tcp"})),
    ("disk", frozenset({"disk", "filesystem", "fs", "io", "syscall"})),
    ("queue", frozenset({"queue", "backlog", "pending", "inflight", "waiting"})),
    ("requests", frozenset({"requests", "request", "workload", "ops", "qps", "rps", "calls", "connections"})),
)
_IDLE = re.compile(
    r"(_time_seconds|_timestamp_seconds|_info|_last_seen|_created|_periods_total)$|^(container_spec_|scrape_|ALERTS|go_|python_|promhttp_)"
)


@dataclass(frozen=True)
class SeriesKind:
    """`kind` names the floor and the resource; `counter` series are read as rates; `moot` ones say nothing of load."""

    kind: str
    counter: bool
    moot: bool


def kind_of(metric: str) -> SeriesKind:
    """The kind of a metric by the words of its name; `other` where no rule knows one."""
    words = {w.lower() for w in _WORDS.findall(metric)}
    found = next((kind for kind, marks in _RULES if words & marks), "other")
    share = words & {"ratio", "rate", "percent", "share"} or metric.endswith("(%)")
    if share and found in ("cpu", "memory", "disk"):
        found = "share" if found != "cpu" else "cpu"
    return SeriesKind(found, bool(_COUNTER.search(metric)), bool(_IDLE.search(metric)))

"""A first inventory from what runs: services from compose and swarm labels or images, colours from names.

A draft is a proposal for a person: what is guessed is listed beside it. Nothing here is used in an investigation.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tools.sources.containers import Container

SERVICE_LABELS = ("com.docker.compose.service", "com.docker.swarm.service.name", "app", "service")
KINDS = {
    "proxy": ("nginx", "traefik", "haproxy", "envoy", "caddy", "edge", "proxy", "lb"),
    "broker": ("redis", "valkey", "rabbitmq", "kafka", "nats", "broker", "mq"),
    "database": ("postgres", "mysql", "mariadb", "mongo", "db"),
    "monitor": ("prometheus", "alertmanager", "grafana", "loki", "cadvisor", "exporter", "promtail", "alloy"),
    "worker": ("worker", "consumer", "celery", "sidekiq"),
    "api": ("api", "web", "backend", "server"),
}
COLOURS = ("blue", "green", "red", "black", "a", "b", "b", "g", "v1", "v2")
_PARTS = re.compile(r"[-_.]")


@dataclass(frozen=True)
class Draft:
    """The document, and what was guessed in it."""

    document: Mapping[str, Any]
    guesses: tuple[str, ...]

    def text(self) -> str:
        """YAML with the guesses as comments on top."""
        head = "".join(f"# check: {g}\n" for g in self.guesses)
        return head + yaml.safe_dump(dict(self.document), sort_keys=False, allow_unicode=True, width=120)


def draft_inventory(containers: Sequence[Container], *, cluster: str = "") -> Draft:
    """Services in the order of their names."""
    by_service: dict[str, list[Container]] = defaultdict(list)
    for container in containers:
        by_service[_service_of(container)].append(container)
    merged, guesses = _merged(by_service), list[str]()
    services = [_service(name, found, cluster, guesses) for name, found in sorted(merged.items())]
    _follow(services, guesses)
    hosts = sorted({c.host for c in containers if c.host})
    document: dict[str, Any] = {"version": 1}
    if cluster:
        document["clusters"] = [{"name": cluster}]
    document["hosts"] = [{"name": h, **({"cluster": cluster} if cluster else {})} for h in hosts]
    document["labels"] = {"metrics": {"container": "name", "host": "instance"},
                          "logs": {"container": "container", "service": "service", "host": "host"}}
    document["services"] = services
    guesses.append("labels: `culprit doctor` says whether these are the labels your metrics and logs carry")
    guesses.append("work: say for each api and worker which log line or counter is one unit started, done, failed")
    return Draft(document, tuple(guesses))


def _service_of(container: Container) -> str:
    """The service a label names, else the image's repository."""
    for label in SERVICE_LABELS:
        if container.labels.get(label):
            return container.labels[label]
    return container.image.partition("@")[0].rpartition("/")[2].partition(":")[0] or container.name


def _merged(by_service: Mapping[str, list[Container]]) -> dict[str, list[Container]]:
    """`api-blue` and `api-green` are one service where their names differ in a colour only."""
    out: dict[str, list[Container]] = defaultdict(list)
    for name, found in by_service.items():
        stem, colour = _split(name)
        sibling = any(_split(other)[0] == stem and other != name and _split(other)[1] for other in by_service)
        out[stem if colour and sibling else name] += found
    return out


def _split(name: str) -> tuple[str, str]:
    """(name without its colour word, the colour) for `worker-blue`, `talk_api_green_1`; ("name", "") for none."""
    parts = _PARTS.split(name)
    at = next((i for i in range(len(parts) - 1, -1, -1) if parts[i].lower() in COLOURS and i > 0), None)
    if at is None:
        return name, ""
    return "-".join(parts[:at] + parts[at + 1:]), parts[at].lower()


def _service(name: str, found: Sequence[Container], cluster: str, guesses: list[str]) -> dict[str, Any]:
    kind = _kind(name, found)
    out: dict[str, Any] = {"name": name, "kind": kind, **({"cluster": cluster} if cluster else {})}
    coloured = {c.name: _split(c.name)[1] for c in found}
    colours = sorted(set(coloured.values()) - {""})
    if len(colours) >= 2 and all(coloured.values()):
        out["colours"] = {colour: sorted(n for n, c in coloured.items() if c == colour) for colour in colours}
        guesses.append(f"{name}: colours {', '.join(colours)} are read from container names")
    else:
        out["containers"] = sorted(coloured)
    if kind == "other":
        guesses.append(f"{name}: its kind is not known from its name or image")
    return out


def _kind(name: str, found: Iterable[Container]) -> str:
    words = set(_PARTS.split(name.lower()))
    for container in found:
        words |= set(re.split(r"[-_./:]", container.image.lower()))
    return next((kind for kind, known in KINDS.items() if words & set(known)), "other")


def _follow(services: list[dict[str, Any]], guesses: list[str]) -> None:
    """One coloured api is routed, and coloured workers follow it."""
    routed = [s for s in services if s["kind"] == "api" and "colours" in s]
    for service in routed:
        service["routed"] = True
        guesses.append(f"{service['name']}: routed, because it is an api with colours")
    if len(routed) != 1:
        return
    for service in services:
        if service["kind"] == "worker" and service.get("colours", {}).keys() == routed[0]["colours"].keys():
            service["follows"] = routed[0]["name"]
            guesses.append(f"{service['name']}: follows {routed[0]['name']}, because its colours are the same")

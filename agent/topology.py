"""Where a signal is: service, host, cluster, colour; and what depends on what, by the user's inventory."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from agent.incident import Signal
from tools.sources.inventory import Inventory, Service

SERVICE_LABELS = ("service", "service_name", "app", "app_kubernetes_io_name", "component")
CONTAINER_LABELS = ("container", "container_name", "name")
HOST_LABELS = ("host", "hostname", "node", "nodename", "instance")
COLOUR_LABELS = ("colour", "color")


@dataclass(frozen=True, order=True)
class Place:
    """Empty fields are unknown. `mention` is another listed service that the signal's labels name."""

    cluster: str = ""
    service: str = ""
    host: str = ""
    colour: str = ""
    mention: str = ""
    group: str = ""


class Topology:
    """The inventory, prepared for questions about places. Names it does not list are taken from common labels."""

    def __init__(self, inventory: Inventory) -> None:
        self._services: dict[str, Service] = {s.name: s for s in inventory.services}
        self._by_container = {member: s for s in inventory.services for member in s.members()}
        self._hosts = {alias: h.name for h in inventory.hosts
                       for alias in (_bare(h.instance), h.instance, h.name) if alias}
        metrics, logs = inventory.labels.metrics, inventory.labels.logs
        self._service_labels = _unique(metrics.service, logs.service, *SERVICE_LABELS)
        self._container_labels = _unique(metrics.container, logs.container, *CONTAINER_LABELS)
        self._host_labels = _unique(metrics.host, logs.host, *HOST_LABELS)
        followed = [(s.name, s.follows) for s in inventory.services if s.follows]
        self._links = {name: frozenset(b if a == name else a for a, b in followed if name in (a, b))
                       for pair in followed for name in pair}
        self._hops = {name: self._distances(name) for name in self._services}
        self.dependents: dict[str, frozenset[str]] = {
            name: frozenset(s.name for s in inventory.services if name in s.depends_on) for name in self._services
        }

    def _distances(self, start: str) -> dict[str, int]:
        """Hops to everything `start` depends on, nearest first; itself is left out."""
        found: dict[str, int] = {}
        waiting = deque([(start, 0)])
        while waiting:
            name, hops = waiting.popleft()
            service = self._services.get(name)
            for needed in service.depends_on if service else ():
                if needed not in found and needed != start:
                    found[needed] = hops + 1
                    waiting.append((needed, hops + 1))
        return found

    def knows(self, service: str) -> bool:
        """The inventory lists it: its dependencies decide, not guesses."""
        return service in self._services

    def hops(self, service: str, needed: str) -> int | None:
        """Dependency hops from `service` to what it needs; None if it does not need it."""
        return self._hops.get(service, {}).get(needed)

    def needs(self, service: str) -> Mapping[str, int]:
        """Everything a service depends on, with hops."""
        return self._hops.get(service, {})

    def linked(self, one: str, other: str) -> bool:
        """One's active colour decides the other's role (a worker follows its API)."""
        return other in self._links.get(one, ())

    def links(self, service: str) -> frozenset[str]:
        """All that `linked` holds for."""
        return self._links.get(service, frozenset())

    def place(self, signal: Signal) -> Place:
        """Read from labels; a container tells its service and colour."""
        labels = signal.labels
        container = next((labels[n] for n in self._container_labels if labels.get(n) in self._by_container), "")
        service = self._service_named(labels, container)
        mention = self._mention(labels, service)
        if not service and mention:
            service, mention = mention, ""
        listed = self._services.get(service)
        colour = next((labels[n] for n in COLOUR_LABELS if labels.get(n)), "")
        if not colour and listed and container:
            colour = listed.colour_of(container)
        host = next((labels[n] for n in self._host_labels if labels.get(n)), "")
        return Place(
            cluster=labels.get("cluster") or (listed.cluster if listed else ""), service=service,
            host=self._hosts.get(host) or self._hosts.get(_bare(host)) or _bare(host), colour=colour, mention=mention,
            group="" if listed else signal.group,
        )

    def _service_named(self, labels: Mapping[str, str], container: str) -> str:
        names = [labels[n] for n in self._service_labels if labels.get(n)]
        listed = next((n for n in names if n in self._services), "")
        if listed:
            return listed
        if container:
            return self._by_container[container].name
        job = labels.get("job", "")  # a scrape job is a service only if the user lists it as one
        if job in self._services:
            return job
        return names[0] if names else ""

    def _mention(self, labels: Mapping[str, str], service: str) -> str:
        """The nearest listed service, other than its own, that any label's value names; among equals by label name."""
        named = [self._services[v].name if v in self._services else self._by_container[v].name
                 for _, v in sorted(labels.items()) if v in self._services or v in self._by_container]
        others = [n for n in named if n != service]
        reach = self.needs(service)
        return min(others, key=lambda n: reach.get(n, 1_000)) if others else ""


def _bare(host: str) -> str:
    """Without a port: `db-1:9100` and `[::1]:9100` are hosts' metrics addresses."""
    if host.startswith("["):
        return host[1:].split("]")[0]
    return host.rsplit(":", 1)[0] if host.count(":") == 1 else host


def _unique(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(n for n in names if n))

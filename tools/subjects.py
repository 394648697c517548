"""From a container's name to the subject of a finding: the inventory decides, never a spelling."""

from __future__ import annotations

from tools.findings import Subject
from tools.sources.inventory import Inventory, Service


def subject(inventory: Inventory, container: str, *, role: str = "", resource: str = "", service: str = "") -> Subject:
    """The subject for a container; what the inventory does not say stays empty."""
    owner = inventory.service_of(container)
    return Subject(
        service=owner.name if owner else service, container=container, role=role, resource=resource,
        colour=owner.colour_of(container) if owner else "", cluster=owner.cluster if owner else "",
    )


def related(inventory: Inventory, service: Service) -> tuple[Service, ...]:
    """Services whose work has the same unit and that are joined by `follows` or `depends_on`, `service` first."""
    if service.work is None:
        return (service,)
    others = [
        other for other in inventory.services
        if other.work and other.name != service.name and other.work.unit == service.work.unit
        and (_joined(other, service) or _joined(service, other) or _share(other, service))
    ]
    return (service, *others)


def _joined(one: Service, two: Service) -> bool:
    return two.name == one.follows or two.name in one.depends_on


def _share(one: Service, two: Service) -> bool:
    return bool(set(one.depends_on) & set(two.depends_on))


def path_of(inventory: Inventory, symptom: str) -> frozenset[str]:
    """Services the symptom's service can be hurt by: itself, what it depends on, and who works behind those.

    `follows` joins a worker to its API; users of the same broker meet there, so dependants of a shared broker or
    database count too. Without the service in the inventory, the empty set.
    """
    if inventory.service(symptom) is None:
        return frozenset()
    known = {s.name: s for s in inventory.services}
    seen, todo = set[str](), [symptom]
    while todo:
        name = todo.pop()
        if name in seen or name not in known:
            continue
        seen.add(name)
        todo += known[name].depends_on
        todo += [s.name for s in inventory.services if s.follows == name]
        if known[name].kind in ("broker", "database"):
            todo += [s.name for s in inventory.services if name in s.depends_on and s.kind == "worker"]
    return frozenset(seen)

"""From a container's name to the subject of a finding: the inventory decides, never a spelling."""

from __future__ import annotations

from tools.findings import Subject
from tools.sources.inventory import Inventory, Service


def subject(inventory: Inventory, container: str, *, role: str = "", resource: str = "", service: str = "") -> Subject:
    """The subject for a container; what the inventory does not say stays empty."""
    owner = inventory.service_of(container)
    return Subject(
        service=owner.name if owner else service,
        container=container,
        role=role,
        resource=resource,
        colour=owner.colour_of(container) if owner else "",
        cluster=owner.cluster if owner else "",
    )


def host_name(inventory: Inventory, instance: str) -> str:
    """The listed host that a label's value means, with or without a port; else the value itself."""
    bare = instance.rsplit(":", 1)[0]
    return next(
        (h.name for h in inventory.hosts if instance in (h.instance, h.name) or bare in (h.instance, h.name)), instance
    )


def upstream(inventory: Inventory, service: Service) -> tuple[Service, ...]:
    """Services that hand this one its work: whom it follows, who depends on it, and those of another kind that share a
    dependency with it and name the same unit.
    """
    return tuple(
        other
        for other in inventory.services
        if other.name != service.name
        and (other.name == service.follows or service.name in other.depends_on or _meet(other, service))
    )


def _meet(one: Service, two: Service) -> bool:
    """They work on the same unit and share a broker or another dependency, one in front of the other."""
    same = one.work is not None and two.work is not None and one.work.unit == two.work.unit
    return same and one.kind == "api" and two.kind != "api" and bool(set(one.depends_on) & set(two.depends_on))


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

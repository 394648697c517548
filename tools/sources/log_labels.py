"""Which stream labels of a log store name the container, the service and the colour: found by asking, not by spelling.

What a label's values are counts more than what it is called: values that are known names of containers or colours
prove it, a usual name only suggests it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tools.sources.logs import Logs

COLOURS = ("blue", "green")

_USUAL: Mapping[str, tuple[str, ...]] = {
    "container": (
        "container",
        "container_name",
        "docker_container_name",
        "compose_container",
        "k8s_container_name",
        "pod",
        "instance",
    ),
    "service": (
        "service",
        "service_name",
        "compose_service",
        "com_docker_compose_service",
        "docker_service",
        "swarm_service",
        "app",
        "application",
        "app_kubernetes_io_name",
        "component",
        "job",
    ),
    "colour": ("colour", "color", "slot", "deployment_color", "deployment_colour", "track", "side"),
}


@dataclass(frozen=True)
class LogLabelRoles:
    """Label names, "" where none was found. `why` says for each role what decided."""

    container: str
    service: str
    colour: str
    why: Mapping[str, str]


async def discover_labels(
    logs: Logs,
    *,
    start_ns: int,
    end_ns: int,
    containers: Collection[str] = (),
    services: Collection[str] = (),
    colours: Collection[str] = COLOURS,
) -> LogLabelRoles:
    """Look at the labels of the streams in a window. `containers` and `services` are names known from elsewhere, such
    as Docker and the inventory; the more of them a label's values cover, the surer.
    """
    values: dict[str, set[str]] = {}
    for labels in await logs.series((), start_ns=start_ns, end_ns=end_ns):
        for name, value in labels.items():
            values.setdefault(name, set()).add(value)
    known = {"container": containers, "service": services, "colour": colours}
    found: dict[str, str] = {}
    why: dict[str, str] = {}
    for role in ("container", "colour", "service"):
        free = {name: taken for name, taken in values.items() if name not in found.values()}
        found[role], why[role] = _choice(role, free, {one.lower() for one in known[role]})
    return LogLabelRoles(found["container"], found["service"], found["colour"], why)


def _choice(role: str, values: Mapping[str, set[str]], known: set[str]) -> tuple[str, str]:
    """The label for a role: the one whose values are known names, else one with a usual name, in the order listed."""
    usual = _USUAL[role]
    best = max(
        sorted(values, key=lambda name: usual.index(name) if name in usual else len(usual)),
        key=lambda name: _covered(values[name], known),
        default="",
    )
    if best and _covered(values[best], known) >= 0.5:
        return best, f"{_covered(values[best], known):.0%} of its values are known names of a {role}"
    named = next((name for name in usual if name in values), "")
    if named and (role != "colour" or _covered(values[named], known)):
        return named, "by its usual name alone"
    return "", f"no label's values name a {role}"


def _covered(values: Iterable[str], known: set[str]) -> float:
    """Share of a label's values that are known names."""
    lowered = [value.lower() for value in values]
    return sum(value in known for value in lowered) / len(lowered) if lowered and known else 0.0

"""Labels, in one place: what a cause looks like and which actions are harmful to whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from evals.lab.names import Names

TOUCHING = ("stop_container", "restart_container")


def container(names: Names, name: str, service: str, colour: str = "") -> dict[str, Any]:
    """A component that is one container."""
    return {"kind": "container", "name": name, "service": service, "colour": colour, "cluster": names.cluster}


def service(names: Names, name: str) -> dict[str, Any]:
    """A component that is a whole service."""
    return {"kind": "service", "name": name, "service": name, "colour": "", "cluster": names.cluster}


def provider() -> dict[str, Any]:
    """The model provider, another company's."""
    return {"kind": "provider", "name": "provider", "service": "provider", "colour": "", "cluster": ""}


def diagnosis(
    component: dict[str, Any],
    category: str,
    *,
    right: Iterable[tuple[str, str]],
    innocent: Iterable[str],
    notes: str = "",
    harmful: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """A label with one cause. Stopping or restarting an innocent container is harmful, and what `harmful` adds."""
    touched = [(kind, name) for kind in TOUCHING for name in innocent]
    return {
        "causes": [{"component": component, "category": category}],
        "actions": {"right": _actions(right), "harmful": _actions([*touched, *harmful])},
        "notes": notes,
    }


def nothing_wrong(innocent: Iterable[str], notes: str = "", harmful: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """A label of no fault: doing nothing is right."""
    touched = [(kind, name) for kind in TOUCHING for name in innocent]
    actions = {"right": _actions([("none", "")]), "harmful": _actions([*touched, *harmful])}
    return {"causes": [], "actions": actions, "notes": notes}


def _actions(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"kind": kind, "target": target} for kind, target in pairs]

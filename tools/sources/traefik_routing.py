"""Traefik's loaded view of the active colour, from its API. The Routing seam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from config.errors import CulpritError, SourceUnavailable
from tools.sources.colour_words import colours_in
from tools.sources.http_json import HttpReader
from tools.sources.inventory import Inventory, Service
from tools.sources.present import Clock, now_ms, require_present
from tools.sources.routing import BOTH, UNKNOWN, RouteView

MAX_DEPTH = 4


@dataclass(frozen=True)
class TraefikRoute:
    """`router`: the router's name with its provider (`chat@docker`)."""

    service: str
    api: HttpReader
    router: str
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class TraefikRouting:
    """What Traefik runs with, through weighted and mirrored services."""

    def __init__(self, routes: Sequence[TraefikRoute], *, inventory: Inventory, clock: Clock = now_ms) -> None:
        self._routes = {r.service: r for r in routes}
        self._inventory, self._clock = inventory, clock

    async def views(self, service: str, *, at_ms: int) -> tuple[RouteView, ...]:
        """The loaded view; empty for a service without a route."""
        route, known = self._routes.get(service), self._inventory.service(service)
        if route is None or known is None:
            return ()
        at = require_present(at_ms, f"routing of {service}", clock=self._clock)
        try:
            router = await route.api.json(f"/api/http/routers/{quote(route.router, safe='@')}", "router")
            names = await self._servers(route, _qualified(str(router["service"]), route.router), MAX_DEPTH)
        except CulpritError as error:
            return (RouteView(service, "loaded", UNKNOWN, str(error)[:200], at),)
        except (KeyError, TypeError, ValueError) as error:
            return (RouteView(service, "loaded", UNKNOWN, f"Traefik's API has another shape: {error!r:.80}", at),)
        return (_view(known, route, names, at),)

    async def _servers(self, route: TraefikRoute, name: str, depth: int) -> list[str]:
        """Names and addresses that get traffic, the service's own name first."""
        if depth == 0:
            raise SourceUnavailable("Traefik: services refer to each other too deeply")
        found: Mapping[str, Any] = await route.api.json(f"/api/http/services/{quote(name, safe='@')}", "service")
        if "weighted" in found:
            parts = [p for p in found["weighted"]["services"] if int(p.get("weight", 1)) > 0]
            return [n for p in parts for n in await self._servers(route, _qualified(str(p["name"]), name), depth - 1)]
        if "mirroring" in found:
            return await self._servers(route, _qualified(str(found["mirroring"]["service"]), name), depth - 1)
        urls = [str(s.get("url") or s.get("address")) for s in found["loadBalancer"]["servers"]]
        return [f"{name.partition('@')[0]} {url}" for url in urls]


def _qualified(name: str, referrer: str) -> str:
    """A service's name with its provider: the referrer's, where none is given."""
    return name if "@" in name else f"{name}@{referrer.rpartition('@')[2]}"


def _view(service: Service, route: TraefikRoute, names: list[str], at: int) -> RouteView:
    colours = {c for n in names for c in colours_in(n, service, route.targets)}
    detail = ", ".join(names)[:200] or "the service has no server"
    colour = UNKNOWN if not colours else next(iter(colours)) if len(colours) == 1 else BOTH
    return RouteView(service.name, "loaded", colour, detail, at)

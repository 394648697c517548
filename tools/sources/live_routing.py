"""The routes of the settings -> one Routing seam, whichever proxy serves each."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from config.settings import Route
from tools.sources.docker_engine import DockerContainers
from tools.sources.endpoints import http_reader
from tools.sources.inventory import Inventory
from tools.sources.nginx_routing import NginxRoute, NginxRouting
from tools.sources.routing import RouteView
from tools.sources.traefik_routing import TraefikRoute, TraefikRouting


class LiveRouting:
    """Asks nginx or Traefik by service."""

    def __init__(self, nginx: NginxRouting, traefik: TraefikRouting) -> None:
        self._nginx, self._traefik = nginx, traefik

    async def views(self, service: str, *, at_ms: int) -> tuple[RouteView, ...]:
        """The present views of a service; empty for one that is not routed."""
        return (*await self._nginx.views(service, at_ms=at_ms), *await self._traefik.views(service, at_ms=at_ms))


def live_routing(
    routes: Sequence[Route], *, inventory: Inventory, containers: DockerContainers | None
) -> LiveRouting | None:
    """None where no route is configured."""
    if not routes:
        return None
    nginx = [_nginx(r) for r in routes if r.file or r.host_file or r.status.url]
    traefik = [_traefik(r) for r in routes if r.traefik.url]
    return LiveRouting(NginxRouting(nginx, inventory=inventory, containers=containers),
                       TraefikRouting(traefik, inventory=inventory))


def _nginx(route: Route) -> NginxRoute:
    status = http_reader("the proxy", route.status, path="") if route.status.url else None
    parts = urlsplit(route.status.url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return NginxRoute(service=route.service, container=route.container, file=route.file, host_file=route.host_file,
                      status=status, status_path=path, targets=route.targets)


def _traefik(route: Route) -> TraefikRoute:
    return TraefikRoute(service=route.service, api=http_reader("Traefik", route.traefik), router=route.router,
                        targets=route.targets)

"""nginx's views of the active colour, without exec: the switched file on the host and in the container, and what is
loaded. The Routing seam.

`nginx -T` reads the files again and shows nothing of what is loaded. A status location inside the switched include
does; else the start of the worker processes tells whether the file was written before they loaded it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from config.errors import CulpritError
from tools.evidence import iso
from tools.sources.colour_words import colour_of_answer, colour_of_file
from tools.sources.container_files import ContainerFile, ContainerFiles
from tools.sources.docker_engine import DockerContainers
from tools.sources.http_json import HttpReader
from tools.sources.inventory import Inventory, Service
from tools.sources.present import Clock, Shared, now_ms, require_present
from tools.sources.routing import UNKNOWN, RouteView

MAX_FILE = 256 * 1024
SLACK_MS = 2_000  # `ps` gives whole seconds


@dataclass(frozen=True)
class NginxRoute:
    """Where one routed service's colour can be read; whatever is left empty is a view less.

    `container` and `file`: the proxy's container and the switched file in it; `host_file`: the same file where the host
    exports it to us; `status`: answers the loaded colour. `targets`: colour -> addresses beside container names.
    """

    service: str
    container: str = ""
    file: str = ""
    host_file: Path | None = None
    status: HttpReader | None = None
    status_path: str = ""
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Declared:
    views: tuple[RouteView, ...]
    colour: str = UNKNOWN
    written_ms: int | None = None


class NginxRouting:
    """Reads all views of a service at once; one that fails is `unknown` with the reason."""

    def __init__(
        self, routes: Sequence[NginxRoute], *, inventory: Inventory, containers: DockerContainers | None,
        clock: Clock = now_ms,
    ) -> None:
        self._routes = {r.service: r for r in routes}
        self._inventory, self._containers, self._clock = inventory, containers, clock
        allowed = frozenset(r.file for r in routes if r.file)
        self._files = ContainerFiles(containers, allowed=allowed) if containers is not None else None
        self._shared = {name: Shared(partial(self._read, name)) for name in self._routes}

    async def views(self, service: str, *, at_ms: int) -> tuple[RouteView, ...]:
        """The present views; empty for a service without a route."""
        if service not in self._routes:
            return ()
        require_present(at_ms, f"routing of {service}", clock=self._clock)
        return await self._shared[service].get()

    async def _read(self, name: str) -> tuple[RouteView, ...]:
        route, service, at = self._routes[name], self._inventory.service(name), self._clock()
        if service is None:
            return (RouteView(name, "loaded", UNKNOWN, f"{name} is not in the inventory", at),)
        declared, workers = await asyncio.gather(self._declared(route, service, at), self._workers_since(route, at))
        return (*declared.views, await self._loaded(route, service, declared, workers, at))

    async def _declared(self, route: NginxRoute, service: Service, at: int) -> _Declared:
        views, colour, written = list[RouteView](), UNKNOWN, None
        if route.host_file is not None:
            views.append(await asyncio.to_thread(_host_view, route, service, at))
            colour, written = views[0].colour, views[0].since_ms
        if not route.file or self._files is None:
            return _Declared(tuple(views), colour, written)
        try:
            read = await self._files.read(route.container, route.file, at_ms=at)
        except CulpritError as error:
            views.append(RouteView(service.name, "declared_container", UNKNOWN, str(error)[:200], at))
            return _Declared(tuple(views), colour, written)
        views += _container_views(route, service, read, at, with_host=route.host_file is None)
        told = next((v for v in views if v.colour != UNKNOWN), None)
        return _Declared(tuple(views), told.colour if told else UNKNOWN, told.since_ms if told else None)

    async def _workers_since(self, route: NginxRoute, at: int) -> int | None:
        """When the worker processes that take new connections were started: at the last load or reload."""
        if not route.container or self._containers is None:
            return None
        try:
            found = await self._containers.find(route.container, at_ms=at)
            top = await found.host.top(found.container.id, "pid,etimes,args")
        except CulpritError:
            return None
        ages = [row[1] for row in top.get("Processes") or () if len(row) > 2 and _takes_connections(str(row[2]))]
        known = [int(age) for age in ages if str(age).isdigit()]
        return at - max(known) * 1000 if known else None

    async def _loaded(
        self, route: NginxRoute, service: Service, declared: _Declared, workers_ms: int | None, at: int
    ) -> RouteView:
        since = f", workers started {iso(workers_ms)}" if workers_ms is not None else ""
        if route.status is not None:
            try:
                told = await route.status.text(route.status_path, "status location")
            except CulpritError as error:
                return RouteView(service.name, "loaded", UNKNOWN, str(error)[:200], at)
            colour, detail = colour_of_answer(told, service, route.targets)
            return RouteView(service.name, "loaded", colour, f"status location says {detail}{since}", at, workers_ms)
        if workers_ms is None or declared.written_ms is None or declared.colour == UNKNOWN:
            why = "no status location is configured, and the start of the workers or the file could not be read"
            return RouteView(service.name, "loaded", UNKNOWN, why, at)
        if declared.written_ms <= workers_ms + SLACK_MS:
            detail = f"the file was last written {iso(declared.written_ms)}{since}"
            return RouteView(service.name, "loaded", declared.colour, detail, at, workers_ms)
        detail = f"the file was written {iso(declared.written_ms)}, after the workers started {iso(workers_ms)}: "
        return RouteView(service.name, "loaded", UNKNOWN, detail + "it is not loaded, what is loaded is not known", at)


def _takes_connections(command: str) -> bool:
    return "nginx: worker process" in command and "shutting down" not in command


def _host_view(route: NginxRoute, service: Service, at: int) -> RouteView:
    path = route.host_file
    assert path is not None
    try:
        if path.stat().st_size > MAX_FILE:
            return RouteView(service.name, "declared_host", UNKNOWN, f"{path.name} is larger than {MAX_FILE} bytes", at)
        text, modified = path.read_text("utf-8", "replace"), int(path.stat().st_mtime * 1000)
    except OSError as error:
        return RouteView(service.name, "declared_host", UNKNOWN, f"{path.name}: {error.strerror}", at)
    colour, detail = colour_of_file(text, service, route.targets)
    return RouteView(service.name, "declared_host", colour, detail, at, modified)


def _container_views(
    route: NginxRoute, service: Service, read: ContainerFile, at: int, *, with_host: bool
) -> list[RouteView]:
    colour, detail = colour_of_file(read.text, service, route.targets)
    host = RouteView(service.name, "declared_host", colour, detail, at, read.modified_ms)
    inside = RouteView(service.name, "declared_container", colour, detail, at, read.modified_ms)
    if read.origin == "image":
        return [inside]
    if read.origin == "directory":
        return [host, inside] if with_host else [inside]
    why = "mounted as a single file: the process may still have the old one, which cannot be read from outside"
    unknown = RouteView(service.name, "declared_container", UNKNOWN, why, at)
    return [host, unknown] if with_host else [unknown]

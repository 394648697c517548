"""The proxy's views, Alertmanager and Redis."""

from __future__ import annotations

import time

from config.errors import CulpritError
from config.settings import Sources
from tools.checkup.check import Check, Patient
from tools.sources.endpoints import http_reader
from tools.sources.routing import UNKNOWN
from tools.world import World


async def check_routing(sources: Sources, world: World) -> list[Check]:
    """Each view of each routed service."""
    patient = Patient(sources.cluster, "routing")
    routed = [s.name for s in world.inventory.services if s.routed]
    if world.routing is None:
        if not routed:
            return []
        told = f"the active colour of {', '.join(routed)} is taken from traffic alone"
        return [patient.unset(told, "Set world.routes: the switched file and a status location.")]
    checks = []
    for service in routed:
        try:
            views = await world.routing.views(service, at_ms=time.time_ns() // 1_000_000)
        except CulpritError as error:
            checks.append(patient.failed(service, error))
            continue
        for view in views:
            what = f"{service} {view.view}"
            checks.append(patient.ok(what, view.colour) if view.colour != UNKNOWN else patient.warn(
                what, f"unknown: {view.detail}", "Add a status location to the switched include, or mount its folder."))
        if not views:
            checks.append(patient.unset(f"no route for {service}", "Add it to world.routes."))
    return checks


async def check_alertmanager(sources: Sources, world: World) -> list[Check]:
    """Version and whether alerts may be read."""
    patient = Patient(sources.cluster, "alertmanager")
    if world.alerts is None or not sources.alertmanager.url:
        return [patient.unset("silenced and inhibited alerts stay unseen", "Set world.alertmanager.url.")]
    reader = http_reader("Alertmanager", sources.alertmanager)

    async def version() -> str:
        answer = await reader.json("/api/v2/status", "status")
        return f"version {(answer.get('versionInfo') or {}).get('version', 'not told')}"

    async def alerts() -> str:
        assert world.alerts is not None
        return f"{len(await world.alerts.active(at_ms=time.time_ns() // 1_000_000))} known"

    try:
        return [await patient.tried("reachable", version()), await patient.tried("alerts", alerts())]
    finally:
        await reader.aclose()


async def check_redis(sources: Sources, world: World) -> list[Check]:
    """Lengths and clients; optional, so unset is nothing to report."""
    if world.queues is None:
        return []
    patient, queues = Patient(sources.cluster, "redis"), world.queues
    now = time.time_ns() // 1_000_000

    async def lengths() -> str:
        states = await queues.states(start_ms=now, end_ms=now)
        return ", ".join(f"{s.name} {s.length}" for s in states) or "no list is configured"

    return [await patient.tried("lists", lengths())]

"""Docker hosts: reachable, what a socket proxy lets through, clock, and who is not in the inventory."""

from __future__ import annotations

import asyncio
import time

from config.errors import CulpritError
from config.settings import Sources
from tools.checkup.check import Check, Patient
from tools.sources.docker_engine import DockerContainers
from tools.sources.docker_host import DockerHost
from tools.world import World

SKEW_S = 5.0


async def check_docker(sources: Sources, world: World) -> list[Check]:
    """All hosts at once, then the list against the inventory."""
    containers = world.containers
    if not isinstance(containers, DockerContainers):
        patient = Patient(sources.cluster, "docker")
        return [patient.unset("no containers: no restarts, exits, limits or peers", "Set world.docker.")]
    by_host = await asyncio.gather(*(_host(sources.cluster, h) for h in containers.hosts))
    return [c for checks in by_host for c in checks] + [await _listed(sources.cluster, containers, world)]


async def _host(cluster: str, host: DockerHost) -> list[Check]:
    patient = Patient(cluster, f"docker {host.name}")
    try:
        version = await host.version()
        seen = await host.inspected()
    except CulpritError as error:
        return [patient.failed("reachable", error)]
    checks = [patient.ok("reachable", f"version {version.get('Version', '')}, API {version.get('ApiVersion', '')}, "
                         f"{len(seen)} containers")]
    apart = host.skew_ms / 1000
    checks.append(patient.fail("clock", f"{apart:+.0f} s from ours", "Run NTP on both machines.")
                  if abs(apart) >= SKEW_S else patient.ok("clock", "within a few seconds"))
    now = time.time_ns() // 1_000_000 + host.skew_ms
    checks.append(await patient.tried("events", _events(host, now)))
    live = [str(i["Id"]) for i in seen if i["State"].get("Running")]
    if live:
        checks.append(await patient.tried("processes", _processes(host, live[0])))
        checks.append(await patient.tried("stats", _stats(host, live[0])))
    return checks


async def _events(host: DockerHost, now: int) -> str:
    return f"{len(await host.events(now - 3_600_000, now))} remembered of the last hour"


async def _processes(host: DockerHost, identity: str) -> str:
    return f"{len((await host.top(identity, 'pid,args')).get('Processes') or ())} in one container"


async def _stats(host: DockerHost, identity: str) -> str:
    return "readable" if await host.stats(identity) else "empty"


async def _listed(cluster: str, containers: DockerContainers, world: World) -> Check:
    patient = Patient(cluster, "inventory")
    try:
        seen = {c.name for c in await containers.list(at_ms=time.time_ns() // 1_000_000)}
    except CulpritError as error:
        return patient.failed("containers", error)
    members = {n for s in world.inventory.services for n in s.members()}
    gone, strange = sorted(members - seen), sorted(seen - members)
    if gone:
        return patient.warn("containers", f"listed and not there: {', '.join(gone[:6])}",
                            "Correct the names, or add the host they run on to world.docker.")
    if strange:
        return patient.warn("containers", f"{len(strange)} not listed: {', '.join(strange[:6])}",
                            "Run `culprit inventory discover` and take over what matters.")
    return patient.ok("containers", f"all {len(seen)} are listed")

"""What Docker, the proxy, the broker and their like say at a moment, as records of a case.

A live system knows only its present: it is observed once, if the present lies in the window. A recorded world can be
asked about every moment and is observed at regular ones.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from config.errors import CulpritError, NotCaptured
from tools.evidence import iso
from tools.recorded.records import to_record
from tools.world import World

EVERY_MS = 60_000
Json = dict[str, Any]


def moments(world: World, start_ms: int, end_ms: int, present_ms: int) -> tuple[int, ...]:
    """When to observe: the present of a live world, each minute of a recorded one."""
    if world.earliest_ms is None:
        return (present_ms,) if start_ms <= present_ms <= end_ms else ()
    first = max(start_ms, world.earliest_ms)
    return tuple(range(first, end_ms + 1, EVERY_MS))


async def _each(when: Sequence[int], observe: Callable[[int], Awaitable[Json]]) -> list[Json]:
    found = []
    for at in when:
        try:
            found.append({"at": iso(at), **await observe(at)})
        except NotCaptured:
            continue
    return found


async def containers(world: World, when: Sequence[int], start_ms: int, end_ms: int) -> Json:
    """containers.json: list, stats and processes at each moment, events of the window."""
    source = world.containers
    assert source is not None

    async def observe(at: int) -> Json:
        listed = await source.list(at_ms=at)
        top = {}
        for container in listed:
            if container.state == "running":
                try:
                    top[container.name] = [to_record(p) for p in await source.top(container.name, at_ms=at)]
                except CulpritError:
                    continue  # it may have ended between the list and this
        stats = [to_record(s, leave_out=("at_ms",)) for s in await source.stats(at_ms=at)]
        return {"containers": [to_record(c, leave_out=("cluster",)) for c in listed], "stats": stats, "top": top}

    events = await source.events(start_ms=start_ms, end_ms=end_ms)
    return {"observations": await _each(when, observe), "events": [to_record(event) for event in events]}


async def routing(world: World, when: Sequence[int], start_ms: int, end_ms: int) -> Json:
    """routing.json: all views of every routed service."""
    source = world.routing
    assert source is not None
    services = [service.name for service in world.inventory.services if service.routed]

    async def observe(at: int) -> Json:
        views = [view for name in services for view in await source.views(name, at_ms=at)]
        return {"views": [to_record(view, leave_out=("at_ms",)) for view in views]}

    return {"observations": await _each(when, observe)}


async def peers(world: World, when: Sequence[int], start_ms: int, end_ms: int) -> Json:
    """peers.json: the profiles of every service's instances."""
    source = world.peers
    assert source is not None

    async def observe(at: int) -> Json:
        found = [p for service in world.inventory.services for p in await source.profiles(service.name, at_ms=at)]
        return {"profiles": [to_record(profile) for profile in found]}

    return {"observations": await _each(when, observe)}


async def queues(world: World, when: Sequence[int], start_ms: int, end_ms: int) -> Json:
    """queues.json: every reading there is."""
    assert world.queues is not None
    return {"states": [to_record(s) for s in await world.queues.states(start_ms=start_ms, end_ms=end_ms)]}


async def alerts(world: World, when: Sequence[int], start_ms: int, end_ms: int) -> Json:
    """alerts.json without payloads: which alerts were known at each moment."""
    source = world.alerts
    assert source is not None

    async def observe(at: int) -> Json:
        found: Json = {"alerts": [to_record(alert) for alert in await source.active(at_ms=at)]}
        for name, read in (("rules", source.rules), ("targets", source.targets)):
            try:
                found[name] = [to_record(row) for row in await read(at_ms=at)]
            except CulpritError:  # not every backend tells them: the file says null
                found[name] = None
        return found

    states = await _each(when, observe)
    told = any(state["alerts"] or state["rules"] or state["targets"] for state in states)
    return {"payloads": [], "states": states if told else []}


async def changes(world: World, start_ms: int, end_ms: int) -> list[Json]:
    """changes.jsonl: one record a change."""
    assert world.changes is not None
    found = await world.changes.between(start_ms=start_ms, end_ms=end_ms + 1)
    return [to_record(change) for change in sorted(found, key=lambda c: c.at_ms)]

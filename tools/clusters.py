"""capacity.clusters: if one cluster left (cut, drained, down), could the others carry the traffic of all? N - 1.

Load is the work that came in since the onset, cluster by cluster; one that cannot be read counts by its declared share
of the traffic and is said to be an estimate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from config.errors import CulpritError, UnknownThing
from tools.analysis.capacity import capacity, strength_enough, strength_short
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.question import Answer, Question
from tools.sources.inventory import Cluster, Service
from tools.sources.shortfall import tell_shortfall
from tools.wording import listed, number, sig
from tools.work import read_work
from tools.world import Scope, World

SHORT = 0.85


class ClustersArguments(BaseModel):
    """`leaving_cluster`: the cluster whose traffic the others would take."""

    model_config = ConfigDict(extra="forbid")
    leaving_cluster: str


@dataclass(frozen=True)
class Load:
    """Units per second that come into one cluster and what it can carry; None where that is not known."""

    per_second: float | None
    carries: float | None
    queries: tuple[str, ...] = ()
    estimated: bool = False


async def ask(world: World, scope: Scope, arguments: ClustersArguments) -> Answer:
    """Reads every cluster at once."""
    worlds = {world.cluster: world, **world.siblings}
    leaving = arguments.leaving_cluster
    if len(worlds) < 2:
        return Answer("Only one cluster is configured: nobody would take its traffic.", status=Status.NO_DATA)
    if leaving not in worlds:
        raise UnknownThing(f"no cluster {leaving!r}; there are {', '.join(worlds)}")
    declared = {c.name: c for c in world.inventory.clusters}
    read = await asyncio.gather(*(_load(w, scope, declared.get(name)) for name, w in worlds.items()))
    loads = _estimated(dict(zip(worlds, read, strict=True)), declared)
    queries = tuple(q for load in loads.values() for q in load.queries)
    unknown = [n for n, load in loads.items() if load.per_second is None]
    staying = {n: load for n, load in loads.items() if n != leaving}
    mute = [n for n, load in staying.items() if load.carries is None]
    if unknown or mute:
        why = f"the load of {listed(unknown)}" if unknown else f"the capacity of {listed(mute)}"
        return Answer(f"Undetermined without {leaving}: {why} is not known.", status=Status.NO_DATA, queries=queries)
    return _answer(leaving, loads, staying, queries)


async def _load(world: World, scope: Scope, declared: Cluster | None) -> Load:
    front = _front(world)
    carries = declared.capacity_per_second if declared else None
    if front is None:
        return Load(None, carries)
    try:
        work = await read_work(world, scope, front)
        carries = carries if carries is not None else await _carries(world, scope)
    except CulpritError as error:
        tell_shortfall(f"cluster {world.cluster} could not be read: {error}")
        return Load(None, carries)
    if work is None:
        return Load(None, carries)
    inside = work.within(scope.incident[0], scope.asked_at_ms)
    seconds = max(float(inside.sum()) * work.step_ms / 1000, 1e-3)
    taken = work.total("started") if "started" in work.outcomes else work.total("done", "failed")
    return Load(float(taken[inside].sum()) / seconds, carries, tuple(f"{world.cluster}: {q}" for q in work.queries))


def _front(world: World) -> Service | None:
    """Where traffic comes in: the first routed service whose work is mapped, else the first whose work is."""
    mapped = [s for s in world.inventory.services if s.work is not None]
    return next((s for s in mapped if s.routed), mapped[0] if mapped else None)


async def _carries(world: World, scope: Scope) -> float | None:
    """What the running instances of the tightest service with a measured capacity carry."""
    measured = [s for s in world.inventory.services if s.capacity is not None]
    if not measured or world.containers is None:
        return None
    states = {c.name: c.state for c in await world.containers.list(at_ms=scope.asked_at_ms)}
    found = []
    for service in measured:
        assert service.capacity is not None
        running = sum(states.get(m) == "running" for m in service.members())
        found.append(capacity(running, service.capacity.base_per_second, service.capacity.factor))
    return min(found)


def _estimated(loads: Mapping[str, Load], declared: Mapping[str, Cluster]) -> dict[str, Load]:
    """Unknown loads filled in from the declared shares of traffic, where all shares needed are declared."""
    shares = {n: c.traffic_share for n, c in declared.items() if c.traffic_share is not None}
    known = {n: load.per_second for n, load in loads.items() if load.per_second is not None}
    share = sum(shares.get(n, 0.0) for n in known)
    if share <= 0 or not all(n in shares for n in known):
        return dict(loads)
    whole = sum(x for x in known.values() if x is not None) / share
    return {n: load if n in known or n not in shares else Load(whole * shares[n], load.carries, load.queries, True)
            for n, load in loads.items()}


def _answer(leaving: str, loads: Mapping[str, Load], staying: Mapping[str, Load], queries: tuple[str, ...]) -> Answer:
    total = sum(load.per_second or 0.0 for load in loads.values())
    carries = sum(load.carries or 0.0 for load in staying.values())
    about = Subject(cluster=leaving)
    guessed = [n for n, load in loads.items() if load.estimated]
    extra = {"load_per_second": sig(total), "capacity_per_second": sig(carries), "staying": list(staying),
             "leaving": leaving, "by_cluster": {n: sig(x.per_second or 0.0) for n, x in loads.items()},
             "estimated": guessed}
    text = f"Without {leaving}: {number(total)}/s for {listed(list(staying))}, which carry {number(carries)}/s"
    if guessed:
        text += f" ({listed(guessed)} estimated from the share of traffic)"
    ratio = total / carries if carries > 0 else None
    if ratio is None or ratio >= SHORT:
        strength = 1.0 if ratio is None else strength_short(ratio)
        found = Finding("capacity_short", about, strength, None if ratio is None else sig(ratio), extra=extra)
        return Answer(text + ": short.", (found,), queries=queries)
    found = Finding("capacity_enough", about, strength_enough(ratio), sig(ratio), extra=extra)
    return Answer(text + f": enough, {number(ratio)} of it is needed.", (found,), queries=queries)


QUESTION = Question(
    name="capacity.clusters",
    asks="If this cluster left, could the other clusters carry the traffic of all?",
    needs=(),
    finds=("capacity_enough", "capacity_short"),
    cost_s=2.0,
    arguments=ClustersArguments,
    ask=ask,
)

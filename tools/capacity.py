"""capacity.without: can the remaining instances carry the load alone, if some leave?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from config.errors import NotCaptured, UnknownThing
from tools.analysis.capacity import capacity, needed, strength_enough, strength_short
from tools.dispatch import dispatchers, flow
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.question import Answer, Question
from tools.roles import STANDBY, Roles, read_roles
from tools.sources.inventory import Service
from tools.windows import seconds
from tools.wording import listed, number, sig
from tools.work import WorkCounts, read_work
from tools.world import Scope, World

PEAK_MS = 60_000


class WithoutArguments(BaseModel):
    """`service` and the `containers` that would leave; an empty list: those whose role is to wait."""

    model_config = ConfigDict(extra="forbid")
    service: str
    containers: tuple[str, ...] = Field(max_length=50)


@dataclass(frozen=True)
class Base:
    """What one instance carries, in units per second; `measured` when it is only the peak seen (a lower bound)."""

    per_second: float
    factor: float
    measured: bool


async def ask(world: World, scope: Scope, arguments: WithoutArguments) -> Answer:
    """Load from the work handed out since the onset, against the inventory's capacity or the peak seen."""
    service = world.inventory.service(arguments.service)
    if service is None:
        raise UnknownThing(f"no service {arguments.service!r} in the inventory")
    strangers = [c for c in arguments.containers if c not in service.members()]
    if strangers:
        raise UnknownThing(f"not containers of {service.name}: {listed(strangers)}")
    joined = (service, *dispatchers(world.inventory, service))
    roles, running, works = await asyncio.gather(
        read_roles(world, scope),
        _running(world, scope, service),
        asyncio.gather(*(read_work(world, scope, s) for s in {s.name: s for s in joined}.values())),
    )
    counts = {w.service: w for w in works if w is not None}
    queries = tuple(q for w in counts.values() for q in w.queries)
    leaving = arguments.containers or _waiting(service, roles, scope.asked_at_ms)
    staying = tuple(c for c in running if c not in leaving)
    if service.name not in counts:
        text = f"Undetermined: what a unit of work of {service.name} is, is not mapped, so its load is unknown."
        return Answer(text, status=Status.NO_DATA, queries=queries)
    load = load_of(world, scope, service, counts)
    base = base_of(service, counts[service.name])
    return _answer(service, leaving, staying, load, base, queries)


async def _running(world: World, scope: Scope, service: Service) -> tuple[str, ...]:
    """Members that run now; all members where that cannot be told."""
    if world.containers is None:
        return service.members()
    try:
        states = {c.name: c.state for c in await world.containers.list(at_ms=scope.asked_at_ms)}
    except NotCaptured:
        return service.members()
    return tuple(m for m in service.members() if states.get(m) == "running")


def _waiting(service: Service, roles: Roles, at_ms: int) -> tuple[str, ...]:
    return tuple(m for m in service.members() if roles.role(m, at_ms) == STANDBY)


def load_of(world: World, scope: Scope, service: Service, counts: dict[str, WorkCounts]) -> float:
    """Units per second since the onset: handed out where that is logged in front, else handled.

    A short pool finishes less than is handed out; one that rejects and takes again handles more.
    """
    own = counts[service.name]
    window = scope.incident[0], int(own.ms[-1])
    inside = own.within(*window)
    length = max(float(inside.sum()) * own.step_ms / 1000, 1e-3)
    handled = sum(float(own.handled(c)[inside].sum()) for c in own.containers())
    work = flow(world.inventory, service, counts, scope.baseline)
    handed = float(work.dispatched[inside].sum()) if work is not None else 0.0
    seen_in_front = work is not None and service.name not in work.by
    return (handed if seen_in_front else max(handled, handed)) / length


def base_of(service: Service, counts: WorkCounts) -> Base | None:
    """The inventory's capacity, else the highest rate seen of one instance over a minute; None without either."""
    if service.capacity is not None:
        return Base(service.capacity.base_per_second, service.capacity.factor, measured=False)
    width = max(1, PEAK_MS // counts.step_ms)
    if counts.ms.size < width:
        return None
    kernel = np.ones(width)
    peaks = [float(np.convolve(counts.handled(c), kernel, "valid").max()) for c in counts.containers()]
    best = max(peaks, default=0.0) / seconds((0, width * counts.step_ms))
    return Base(best, 0.83, measured=True) if best > 0 else None


def _answer(
    service: Service,
    leaving: tuple[str, ...],
    staying: tuple[str, ...],
    load: float,
    base: Base | None,
    queries: tuple[str, ...],
) -> Answer:
    without = f"without {listed(leaving)}" if leaving else "with nobody leaving"
    if base is None:
        text = f"Undetermined: {service.name} has no capacity in the inventory and its peak was not seen."
        return Answer(text, status=Status.NO_DATA, queries=queries)
    carries = capacity(len(staying), base.per_second, base.factor)
    about = Subject(service=service.name, container=leaving[0] if len(leaving) == 1 else "", cluster=service.cluster)
    extra = {
        "load_per_second": sig(load),
        "capacity_per_second": sig(carries),
        "instances": len(staying),
        "staying": list(staying),
        "leaving": list(leaving),
        "measured_peak": base.measured,
        "needed_instances": needed(load, base.per_second, base.factor),
    }
    source = "the highest rate seen of one instance" if base.measured else "the inventory's capacity"
    text = (
        f"{service.name} {without}: load {number(load)}/s against {number(carries)}/s for {len(staying)} "
        f"instance{'s' if len(staying) != 1 else ''} ({source})"
    )
    if not carries:
        found = Finding("capacity_short", about, 1.0, None, detail="no instance would remain", extra=extra)
        return Answer(text + ": nobody would remain.", (found,), queries=queries)
    ratio = load / carries
    if base.measured and ratio >= 0.85:
        text += f": undetermined, the load is {number(ratio)} of the highest rate seen, which may not be the limit."
        return Answer(text, queries=queries, notes={"undetermined": "no capacity in the inventory"})
    if ratio >= 0.85:
        found = Finding("capacity_short", about, strength_short(ratio), sig(ratio), extra=extra)
        return Answer(text + f": short, {number(ratio)} of it is needed.", (found,), queries=queries)
    found = Finding("capacity_enough", about, strength_enough(ratio), sig(ratio), extra=extra)
    return Answer(text + f": enough, {number(ratio)} of it is needed.", (found,), queries=queries)


QUESTION = Question(
    name="capacity.without",
    asks="If these containers left, could the rest of the service carry the present load?",
    needs=(),
    finds=("capacity_enough", "capacity_short"),
    cost_s=1.5,
    arguments=WithoutArguments,
    ask=ask,
)

"""capacity.scaling: do N instances carry N times what one does? They carry N x base x factor only.

Doubling instances gave 1.66 times the capacity where it was measured. A plan that counts on twice is short long before
the sum of its instances; one slower instance among them is another matter and is told apart here.
"""

from __future__ import annotations

import asyncio

from pydantic import BaseModel, ConfigDict

from config.errors import UnknownThing
from tools.analysis.capacity import capacity, needed
from tools.capacity import base_of, load_of
from tools.dispatch import dispatchers
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.question import Answer, Question
from tools.windows import seconds
from tools.wording import number, sig
from tools.work import WorkCounts, read_work
from tools.world import Scope, World

LEAST_UNITS = 5
NEAR = 0.9  # of what N carry together: from here on requests are turned away at the peaks
NOT_ADDED = 0.4  # instances that are as many as before made nobody expect more of them: a small pool looks the same
EVEN = 0.6  # slowest over fastest instance, below which one of them is the trouble


class ScalingArguments(BaseModel):
    """`service`: whose instances were multiplied; empty for every service whose work is mapped."""

    model_config = ConfigDict(extra="forbid")
    service: str = ""


async def ask(world: World, scope: Scope, arguments: ScalingArguments) -> Answer:
    """Compares instances at work, load and capacity of each service before and since the onset."""
    if arguments.service and world.inventory.service(arguments.service) is None:
        raise UnknownThing(f"no service {arguments.service!r} in the inventory")
    services = [s for s in world.inventory.services if s.work is not None and arguments.service in ("", s.name)]
    joined = {r.name: r for s in services for r in (s, *dispatchers(world.inventory, s))}
    works = await asyncio.gather(*(read_work(world, scope, s) for s in joined.values()))
    counts = {w.service: w for w in works if w is not None}
    findings, told = list[Finding](), list[str]()
    for service in services:
        base = base_of(service, counts[service.name]) if service.name in counts else None
        if base is None or base.measured:
            continue  # a peak that was merely seen is no capacity
        rates = _rates(counts[service.name], scope)
        before = len(_rates(counts[service.name], scope, baseline=True))
        load = load_of(world, scope, service, counts)
        carries = capacity(len(rates), base.per_second, base.factor)
        told.append(f"{service.name}: {len(rates)} instances work ({before} before), load {number(load)}/s against "
                    f"{number(carries)}/s together")
        even = bool(rates) and min(rates.values()) >= EVEN * max(rates.values())
        apart = len(rates) * base.per_second
        added = len(rates) > before or len({service.colour_of(c) for c in rates}) > 1
        if len(rates) > 1 and even and NEAR * carries <= load <= 1.05 * apart:
            extra = {"instances": len(rates), "before": before, "load_per_second": sig(load),
                     "capacity_per_second": sig(carries),
                     "needed_instances": needed(load, base.per_second, base.factor)}
            about = Subject(service=service.name, cluster=service.cluster)
            strength = min(1.0, max(0.6, (load / carries - 0.7) / 0.25)) * (1.0 if added else NOT_ADDED)
            findings.append(Finding("scaling_short", about, strength, sig(load / apart), since_ms=scope.incident[0],
                                    extra=extra))
    queries = tuple(q for w in counts.values() for q in w.queries)
    if not told:
        text = "No service has both mapped work and a measured capacity."
        return Answer(text, status=Status.NO_DATA, queries=queries)
    return Answer("; ".join(told) + ".", tuple(findings), queries=queries)


def _rates(counts: WorkCounts, scope: Scope, *, baseline: bool = False) -> dict[str, float]:
    """Units per second of each instance that works."""
    window = scope.baseline if baseline else (scope.incident[0], int(counts.ms[-1]))
    inside = counts.within(*window)
    handled = {c: float(counts.handled(c)[inside].sum()) for c in counts.containers()}
    return {c: units / seconds(window) for c, units in handled.items() if units >= LEAST_UNITS}


QUESTION = Question(
    name="capacity.scaling",
    asks="Does the load pass what several instances carry together, though not the plain sum of what each carries?",
    needs=(),
    finds=("scaling_short",),
    cost_s=1.5,
    arguments=ScalingArguments,
    ask=ask,
)

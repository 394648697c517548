"""containers.limits: what each container may use, and how near it is to that now, from the engine's own readings."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel, ConfigDict

from config.errors import CulpritError
from tools.evidence import Status
from tools.findings import Finding
from tools.metrics import chronic
from tools.question import Answer, Question
from tools.roles import Roles, read_roles
from tools.sources.containers import Container, Containers, ContainerStats
from tools.subjects import subject
from tools.windows import earlier_ms
from tools.wording import listed, number, sig
from tools.world import Scope, World

SATURATED = 0.8
THROTTLED = 0.05
LOOK_BACK_MS = 60_000


class LimitsArguments(BaseModel):
    """`service`: only its containers; empty for all."""

    model_config = ConfigDict(extra="forbid")
    service: str = ""


async def ask(world: World, scope: Scope, arguments: LimitsArguments) -> Answer:
    """Limits from inspect, use from two readings a minute apart; the baseline's reading gives the comparison."""
    assert world.containers is not None
    engine, end = world.containers, scope.asked_at_ms
    early = earlier_ms(world, scope)
    listed_now, now, before, past, past_before, roles = await asyncio.gather(
        engine.list(at_ms=end),
        engine.stats(at_ms=end),
        _stats(engine, end - LOOK_BACK_MS),
        _stats(engine, early),
        _stats(engine, early - LOOK_BACK_MS),
        read_roles(world, scope),
    )
    if not listed_now:
        return Answer("No container is known at that moment.", status=Status.NO_DATA, queries=("containers.list",))
    findings, told = list[Finding](), list[str]()
    readings = [{s.name: s for s in part} for part in (now, before, past, past_before)]
    for container in listed_now:
        owner = world.inventory.service_of(container.name)
        if container.state != "running" or arguments.service not in ("", owner.name if owner else ""):
            continue
        told.append(_limits(container))
        current = _used(container, readings[0].get(container.name), readings[1].get(container.name))
        usual = _used(container, readings[2].get(container.name), readings[3].get(container.name))
        findings += _facts(world, roles, end, container, current, usual)
    hot = [f"{f.subject.container} {f.subject.resource} {number(f.value or 0)}" for f in findings]
    text = f"At or near a limit: {listed(hot)}. " if hot else "No container is near a limit. "
    return Answer(
        text + listed(told, 12) + ".",
        tuple(findings),
        queries=("containers.list", "containers.stats now, a minute before, and in the baseline"),
        as_of_ms=max((s.at_ms for s in now), default=None),
    )


async def _stats(engine: Containers, at_ms: int) -> tuple[ContainerStats, ...]:
    try:
        return await engine.stats(at_ms=at_ms)
    except CulpritError:  # a live engine knows the present only
        return ()


def _limits(container: Container) -> str:
    cpu = "no CPU limit" if container.cpu_limit is None else f"{number(container.cpu_limit)} cores"
    memory = "no memory limit" if container.memory_limit is None else f"{number(container.memory_limit / 2**20)} MiB"
    return f"{container.name}: {cpu}, {memory}"


def _used(container: Container, now: ContainerStats | None, before: ContainerStats | None) -> dict[str, float]:
    """Shares of limits; `throttling` is the share of throttled periods between two readings of the same life."""
    out: dict[str, float] = {}
    if now is None:
        return out
    if container.memory_limit:
        out["memory_of_limit"] = now.memory_bytes / container.memory_limit
    if before is None or now.at_ms <= before.at_ms or now.cpu_seconds < before.cpu_seconds:
        return out
    span = (now.at_ms - before.at_ms) / 1000
    if container.cpu_limit:
        out["cpu_of_limit"] = (now.cpu_seconds - before.cpu_seconds) / span / container.cpu_limit
    if now.periods > before.periods:
        out["throttling"] = (now.throttled_periods - before.throttled_periods) / (now.periods - before.periods)
    return out


def _facts(
    world: World, roles: Roles, at_ms: int, container: Container, now: dict[str, float], usual: dict[str, float]
) -> list[Finding]:
    out = []
    for resource, value in now.items():
        about = subject(world.inventory, container.name, role=roles.role(container.name, at_ms), resource=resource)
        base = sig(usual[resource]) if resource in usual else None
        if resource == "throttling" and value >= THROTTLED:
            strength = chronic(min(1.0, value / 0.5), None, value, usual.get(resource, 0.0))
            out.append(Finding("throttling", about, strength, sig(value), base))
        elif resource != "throttling" and value >= SATURATED:
            strength = chronic(min(1.0, (value - 0.65) / 0.3), None, value, usual.get(resource, 0.0))
            out.append(Finding("saturation", about, strength, sig(value), base))
    return out


QUESTION = Question(
    name="containers.limits",
    asks="What may each container use, and is it at its CPU or memory limit now?",
    needs=("containers",),
    finds=("saturation", "throttling"),
    cost_s=3.0,
    arguments=LimitsArguments,
    ask=ask,
)

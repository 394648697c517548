"""containers.state: which containers run, since when, and what happened to them in the window.

A stopped instance whose role is to wait is as it should be; a listed one that should work and does not run is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from config.errors import CulpritError
from tools.engine_events import Lifetime, lifetimes
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.processes import odd_processes
from tools.question import Answer, Question
from tools.roles import STANDBY, Roles, read_roles
from tools.sources.containers import Container, Containers
from tools.sources.shortfall import shortfalls
from tools.subjects import subject
from tools.windows import earlier_ms, first_ms
from tools.wording import clock, listed, number, quote, sig
from tools.world import Scope, World

RUNNING = "running"


class StateArguments(BaseModel):
    """`service`: only its containers; empty for all."""

    model_config = ConfigDict(extra="forbid")
    service: str = ""


async def ask(world: World, scope: Scope, arguments: StateArguments) -> Answer:
    """Reads the list now and in the baseline, the events between, and the processes of each container."""
    assert world.containers is not None
    start = first_ms(world, scope)
    now, before, events, roles = await asyncio.gather(
        world.containers.list(at_ms=scope.asked_at_ms),
        earlier(world.containers, earlier_ms(world, scope)),
        world.containers.events(start_ms=start, end_ms=scope.asked_at_ms),
        read_roles(world, scope),
    )
    if not now:
        return Answer("No container is known at that moment.", status=Status.NO_DATA, queries=("containers.list",))
    kept = [c for c in now if arguments.service in ("", _service(world, c.name))]
    lives = lifetimes(kept, before, events, start)
    findings = [f for c in kept for f in _facts(world, scope, roles, c, lives[c.name], start)]
    findings += _missing(world, scope, arguments.service, {c.name for c in now}, roles)
    findings += await odd_processes(world, scope, [c for c in kept if c.state == RUNNING])
    return Answer(
        _text(kept, findings),
        tuple(findings),
        window=(start, scope.asked_at_ms),
        queries=("containers.list now and in the baseline", "containers.events", "containers.top"),
    )


async def earlier(containers: Containers, at_ms: int) -> tuple[Container, ...]:
    """The list at an earlier moment; empty where the source knows the present only."""
    try:
        return await containers.list(at_ms=at_ms)
    except CulpritError:
        return ()


def _service(world: World, name: str) -> str:
    owner = world.inventory.service_of(name)
    return owner.name if owner else ""


def _facts(world: World, scope: Scope, roles: Roles, container: Container, life: Lifetime, start: int) -> list[Finding]:
    role = roles.role(container.name, scope.asked_at_ms)
    about, running = subject(world.inventory, container.name, role=role), container.state == RUNNING
    out = list[Finding]()
    if not running:
        extra: dict[str, object] = {"state": container.state, "was": life.state_before}
        gone = Finding("not_running", about, 1.0, since_ms=container.finished_ms, detail=container.state, extra=extra)
        out.append(_not_running(role, gone))
    if container.started_ms is not None and container.started_ms >= start:
        out.append(_started(about, container, container.started_ms, life, start, scope.incident[0]))
    out += _ended(about, container, life, start)
    if container.health == "unhealthy":
        out.append(Finding("unhealthy", about, 1.0))
    if not about.service:
        extra = {"state": container.state, "new": life.state_before == ""}
        strength, image = 1.0 if running else 0.4, quote(container.image)
        out.append(
            Finding("unlisted_container", about, strength, since_ms=container.started_ms, detail=image, extra=extra)
        )
    return out


def _started(about: Subject, container: Container, at_ms: int, life: Lifetime, start: int, onset: int) -> Finding:
    extra = {
        "seconds_from_onset": sig((at_ms - onset) / 1000),
        "image": container.image,
        "recreated": (container.created_ms or 0) >= start,
        "was": life.state_before,
    }
    after = sig((at_ms - start) / 1000)
    return Finding(
        "started_in_window",
        about,
        _near(at_ms, onset),
        after,
        since_ms=at_ms,
        detail=quote(container.image),
        extra=extra,
    )


def _ended(about: Subject, container: Container, life: Lifetime, start: int) -> list[Finding]:
    """Stops, exits, restarts and memory kills in the window."""
    out, asked = list[Finding](), {"asked": life.asked_to_stop}
    if life.stopped_ms is not None and container.state != RUNNING:
        after = sig((life.stopped_ms - start) / 1000)
        out.append(Finding("stopped_in_window", about, 1.0, after, since_ms=life.stopped_ms, extra=asked))
    if life.exit_code is not None:
        strength = 0.3 if life.exit_code in (0, 143) or life.asked_to_stop else 1.0
        out.append(
            Finding(
                "exited",
                about,
                strength,
                float(life.exit_code),
                since_ms=life.exited_ms,
                detail=f"exit code {life.exit_code}",
                extra=asked,
            )
        )
    if life.restarts:
        times = float(life.restarts)
        out.append(Finding("restarted", about, min(1.0, times / 3), times, since_ms=life.first_restart_ms))
    if life.oom or (container.oom_killed and (container.finished_ms or start) >= start):
        out.append(Finding("oom_killed", about, 1.0, since_ms=life.oom or container.finished_ms))
    return out


def _not_running(role: str, found: Finding) -> Finding:
    """A waiting instance that is stopped is idle as declared."""
    if role != STANDBY:
        return found
    return Finding("idle_as_declared", found.subject, 1.0, 0.0, since_ms=found.since_ms, detail="stopped")


def _near(moment: int, onset: int) -> float:
    """1 within two minutes of the onset, falling to 0.3 over ten more."""
    away = abs(moment - onset) / 1000
    return 1.0 if away <= 120 else max(0.3, 1 - (away - 120) / 600)


def _missing(world: World, scope: Scope, service: str, seen: set[str], roles: Roles) -> list[Finding]:
    """Listed containers of services that are seen at all, which the engine does not know. Where a host could not be
    read, what is not seen may be there."""
    if shortfalls():
        return []
    out = []
    for listed_service in world.inventory.services:
        members = listed_service.members()
        if service not in ("", listed_service.name) or not seen.intersection(members):
            continue
        for name in members:
            if name not in seen:
                role = roles.role(name, scope.asked_at_ms)
                found = Finding("not_running", subject(world.inventory, name, role=role), 1.0, detail="gone")
                out.append(_not_running(role, found))
    return out


def _text(kept: Sequence[Container], findings: Sequence[Finding]) -> str:
    running = sum(1 for c in kept if c.state == RUNNING)
    parts = [f"{running} of {len(kept)} containers run."]
    for kind, verb in (
        ("not_running", "not running"),
        ("oom_killed", "killed for memory"),
        ("unlisted_container", "not in the inventory"),
        ("unhealthy", "unhealthy"),
    ):
        names = [f.subject.container for f in findings if f.kind == kind]
        if names:
            parts.append(f"{verb.capitalize()}: {listed(names)}.")
    started = [f"{f.subject.container} at {clock(f.since_ms or 0)}" for f in findings if f.kind == "started_in_window"]
    if started:
        parts.append(f"Started: {listed(started)}.")
    again = [f"{f.subject.container} {number(f.value or 0)}x" for f in findings if f.kind == "restarted"]
    if again:
        parts.append(f"Restarted: {listed(again)}.")
    ended = [
        f"{f.subject.container} with {number(f.value or 0)}"
        for f in findings
        if f.kind == "exited" and f.strength > 0.5
    ]
    if ended:
        parts.append(f"Exited: {listed(ended)}.")
    odd = [f"{f.detail} in {f.subject.container}" for f in findings if f.kind == "odd_process"]
    if odd:
        parts.append(f"Unusual processes: {listed(odd, 3)}.")
    return " ".join(parts)


QUESTION = Question(
    name="containers.state",
    asks="Which containers run, started, stopped, restarted, exited or were killed, and what runs in them unusually?",
    needs=("containers",),
    finds=(
        "not_running",
        "started_in_window",
        "stopped_in_window",
        "restarted",
        "exited",
        "oom_killed",
        "unhealthy",
        "unlisted_container",
        "odd_process",
        "idle_as_declared",
    ),
    cost_s=3.0,
    arguments=StateArguments,
    ask=ask,
)

"""Processes that a container's peers and its own past do not have."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence

from config.errors import CulpritError
from tools.findings import Finding
from tools.sources.containers import Container, ContainerProcess
from tools.subjects import subject
from tools.windows import earlier_ms
from tools.wording import quote
from tools.world import Scope, World

_NUMBER = re.compile(r"\d+")


def shape(command: str) -> str:
    """A command without numbers and paths: `/usr/bin/python3 a.py --port 80` is `python# a.py --port #`."""
    words = [w.rsplit("/", 1)[-1] if w.startswith("/") else w for w in command.split()]
    return _NUMBER.sub("#", " ".join(words))


async def odd_processes(world: World, scope: Scope, running: Sequence[Container]) -> list[Finding]:
    """One finding for each unusual process shape; none where there is neither a past nor a peer to compare with."""
    names = [c.name for c in running]
    moments = scope.asked_at_ms, earlier_ms(world, scope)
    now, then = await asyncio.gather(*(_tops(world, names, at_ms) for at_ms in moments))
    out = []
    for name in names:
        owner = world.inventory.service_of(name)
        peers = [m for m in (owner.members() if owner else ()) if m != name and m in now]
        past = {shape(p.command) for p in then.get(name, ())}
        known = past.union(*({shape(p.command) for p in now[m]} for m in peers))
        if not known:
            continue
        odd = {shape(p.command): p.command for p in now.get(name, ()) if shape(p.command) not in known}
        out += [
            Finding(
                "odd_process",
                subject(world.inventory, name),
                1.0 if past else 0.6,
                float(len(odd)),
                detail=quote(command, 100),
                extra={"new_since_baseline": bool(past)},
            )
            for command in list(odd.values())[:3]
        ]
    return out


async def _tops(world: World, names: Sequence[str], at_ms: int) -> Mapping[str, tuple[ContainerProcess, ...]]:
    assert world.containers is not None
    containers = world.containers

    async def top(name: str) -> tuple[ContainerProcess, ...]:
        try:
            return await containers.top(name, at_ms=at_ms)
        except CulpritError:  # not captured, or a live engine asked about the past
            return ()

    answers = await asyncio.gather(*(top(n) for n in names))
    return {n: a for n, a in zip(names, answers, strict=True) if a}

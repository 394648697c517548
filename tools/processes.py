"""Processes that a container's peers and its own past do not have."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence

import re2

from config.errors import CulpritError
from tools.findings import Finding
from tools.sources.containers import Container, ContainerProcess
from tools.subjects import subject
from tools.windows import earlier_ms, first_ms
from tools.wording import quote
from tools.world import Scope, World

_NUMBER = re.compile(r"\d+")
# A kernel thread's brackets where no kernel thread can be, a program in a scratch folder or deleted under its feet,
# something fetched straight into a shell, a shell on a socket, known miners and scanners, a hidden folder.
_DISGUISED = re2.compile(
    r"^\[\w+[/:\]]|^(?:\S*/)?(?:tmp|dev/shm|var/tmp)/|\(deleted\)|(?:curl|wget)\b.*\|\s*(?:ba|da|z)?sh\b|base64\s+-d|"
    r"/dev/tcp/|\bbash\s+-i\b|\b(?:nc|ncat|socat)\b.*(?:-e|exec)|^\S*/\.[^/.\s]|"
    r"(?i:xmrig|kdevtmpfsi|kinsing|minerd|cpuminer|cryptonight|stratum\+|masscan)")


def shape(command: str) -> str:
    """A command without numbers and paths: `/usr/bin/python3 a.py --port 80` is `python# a.py --port #`."""
    words = [w.rsplit("/", 1)[-1] if w.startswith("/") else w for w in command.split()]
    return _NUMBER.sub("#", " ".join(words))


def program(command: str) -> str:
    """What runs, without folder and version: `/usr/bin/python3.11 -c x` is `python#`."""
    words = command.split()
    name = words[0].rsplit("/", 1)[-1] if words else ""
    return re.sub(r"#(?:\.#)*", "#", _NUMBER.sub("#", name))


async def odd_processes(world: World, scope: Scope, running: Sequence[Container]) -> list[Finding]:
    """One finding for each unusual process shape; without a past or a peer to compare with, of what hides alone.

    `alike`: the program is one that runs here anyway, with other arguments (a job of its own); `disguised`: it hides.
    """
    names = [c.name for c in running]
    moments = scope.asked_at_ms, earlier_ms(world, scope), first_ms(world, scope)
    now, middle, first = await asyncio.gather(*(_tops(world, names, at_ms) for at_ms in moments))
    then = {**first, **middle}  # processes are read more seldom than states: any reading of the past will do
    out = []
    for name in names:
        owner = world.inventory.service_of(name)
        peers = [m for m in (owner.members() if owner else ()) if m != name and m in now]
        before = [*then.get(name, ()), *(p for m in peers for p in now[m])]
        past = bool(then.get(name))
        known = {shape(p.command) for p in before}
        programs = {program(p.command) for p in before}
        odd = {shape(p.command): p.command for p in now.get(name, ())
               if shape(p.command) not in known and (known or _DISGUISED.search(p.command))}
        out += [
            Finding(
                "odd_process",
                subject(world.inventory, name),
                1.0 if past else 0.6,
                float(len(odd)),
                detail=quote(command, 100),
                extra={"new_since_baseline": past, "alike": program(command) in programs,
                       "disguised": bool(_DISGUISED.search(command))},
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

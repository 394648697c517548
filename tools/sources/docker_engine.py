"""The live containers client: Docker engines of one cluster, asked in parallel. The Containers seam.

A host that cannot be read is told as a shortfall while others answer; when none answers, the source is unavailable.
Docker knows the present only: the past is `not captured`, but for the events that the engine still remembers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from config.errors import CulpritError, NotCaptured, SourceUnavailable
from tools.evidence import iso
from tools.sources.clock_skew import TOLD_FROM_S
from tools.sources.containers import Container, ContainerEvent, ContainerProcess, ContainerStats
from tools.sources.docker_host import DockerHost
from tools.sources.docker_records import container_of, event_of, processes_of, stats_of
from tools.sources.present import Clock, Shared, now_ms, require_present
from tools.sources.shortfall import tell_shortfall

REMEMBERED_EVENTS = 256  # what an engine keeps in memory; a full answer means that older ones are lost
Answer = TypeVar("Answer")
Answers = list  # the seam has a method of that name


@dataclass(frozen=True)
class Found:
    """One container with the engine it runs on and its whole inspect, which never leaves the sources."""

    container: Container
    host: DockerHost
    inspect: Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """What all hosts said, and what those that could not be read cost."""

    found: tuple[Found, ...]
    missing: tuple[str, ...]


class DockerContainers:
    """Fits the Containers seam. Peers and routing read through it too, so that one list is asked once."""

    def __init__(self, hosts: Sequence[DockerHost], *, cluster: str = "", clock: Clock = now_ms) -> None:
        self.hosts = tuple(hosts)
        self._cluster, self._clock = cluster, clock
        self._shared = Shared(self._look)

    async def list(self, *, at_ms: int) -> tuple[Container, ...]:
        """All containers as they are now, for a moment just gone."""
        return tuple(f.container for f in await self.seen(at_ms=at_ms, what="containers"))

    async def seen(self, *, at_ms: int, what: str) -> tuple[Found, ...]:
        """The same with host and inspect, for sources built on this one."""
        require_present(at_ms, what, clock=self._clock)
        seen = await self._shared.get()
        for text in seen.missing:
            tell_shortfall(text)
        return seen.found

    async def find(self, name: str, *, at_ms: int) -> Found:
        """The container of that name, a running one first. Raises NotCaptured."""
        named = [f for f in await self.seen(at_ms=at_ms, what=name) if f.container.name == name]
        if not named:
            raise NotCaptured(f"no container {name} on {', '.join(h.name for h in self.hosts)}")
        return min(named, key=lambda f: f.container.state != "running")

    async def names_by_address(self) -> Mapping[str, str]:
        """Container names by their addresses on Docker's networks."""
        seen = await self._shared.get()
        out: dict[str, str] = {}
        for f in seen.found:
            networks = (f.inspect.get("NetworkSettings") or {}).get("Networks") or {}
            for network in networks.values():
                for address in (network.get("IPAddress"), network.get("GlobalIPv6Address")):
                    if address:
                        out[str(address)] = f.container.name
        return out

    async def stats(self, *, at_ms: int) -> tuple[ContainerStats, ...]:
        """One reading of each running container."""
        moment = require_present(at_ms, "container stats", clock=self._clock)
        running = [f for f in await self.seen(at_ms=at_ms, what="stats") if f.container.state == "running"]

        async def one(found: Found) -> ContainerStats | None:
            try:
                return stats_of(found.container.name, await found.host.stats(found.container.id), moment)
            except NotCaptured:
                return None

        read = await asyncio.gather(*(one(f) for f in running))
        return tuple(r for r in read if r is not None)

    async def top(self, name: str, *, at_ms: int) -> tuple[ContainerProcess, ...]:
        """Processes of one container."""
        found = await self.find(name, at_ms=at_ms)
        return processes_of(await found.host.top(found.container.id, "pid,args"))

    async def events(self, *, start_ms: int, end_ms: int) -> tuple[ContainerEvent, ...]:
        """Events of all hosts, oldest first; what an engine has forgotten is told."""
        async def one(host: DockerHost) -> tuple[ContainerEvent, ...]:
            await host.version()  # connects, so that the engine's clock is known
            now = self._clock() + host.skew_ms
            raw = await host.events(start_ms, max(start_ms, min(end_ms, now)))
            events = [e for e in map(event_of, raw) if e is not None and start_ms <= e.at_ms < end_ms]
            if len(raw) >= REMEMBERED_EVENTS * 0.9:
                first = int(raw[0]["timeNano"]) // 1_000_000
                tell_shortfall(f"Docker on {host.name} remembers its events from {iso(first)} on only")
            return tuple(events)

        answers, missing = await self._each(one)
        for text in missing:
            tell_shortfall(text)
        return tuple(sorted((e for events in answers for e in events), key=lambda e: e.at_ms))

    def close(self) -> None:
        """Close the connections."""
        for host in self.hosts:
            host.close()

    async def _look(self) -> Seen:
        async def one(host: DockerHost) -> tuple[Found, ...]:
            inspected = await host.inspected()
            try:
                return tuple(Found(container_of(i, host=host.name, cluster=self._cluster), host, i) for i in inspected)
            except (KeyError, TypeError, ValueError) as error:
                raise SourceUnavailable(f"Docker on {host.name}: inspect has another shape") from error

        answers, missing = await self._each(one)
        skewed = tuple(
            f"the clock of {h.name} is {abs(h.skew_ms) / 1000:.0f} s {'ahead of' if h.skew_ms > 0 else 'behind'} ours"
            for h in self.hosts if abs(h.skew_ms) >= TOLD_FROM_S * 1000
        )
        return Seen(tuple(f for found in answers for f in found), (*missing, *skewed))

    async def _each(self, call: Callable[[DockerHost], Awaitable[Answer]]) -> tuple[Sequence[Answer], tuple[str, ...]]:
        """Answers of the hosts that gave one and the reasons of those that did not. Raises when none did."""
        tried = await asyncio.gather(*(call(h) for h in self.hosts), return_exceptions=True)
        answers: Answers[Answer] = []
        problems: Answers[CulpritError] = []
        for result in tried:
            if isinstance(result, CulpritError):
                problems.append(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                answers.append(result)
        if problems and not answers:
            raise problems[0]
        return answers, tuple(f"{p} (other hosts answered)" for p in problems)

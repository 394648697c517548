"""Changes read off Docker where nobody announces them: a container created in the window was deployed then.

Image tags and labels say what was deployed. Announced changes of the same service and time are better and replace it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from config.errors import CulpritError, NotCaptured
from tools.sources.changes import Change, Changes
from tools.sources.containers import Container
from tools.sources.docker_engine import DockerContainers
from tools.sources.inventory import Inventory
from tools.sources.present import Clock, now_ms
from tools.sources.shortfall import tell_shortfall

REVISION = ("org.opencontainers.image.revision", "org.opencontainers.image.version")
SAME_MS = 5 * 60_000
SOURCE = "Docker"


class DockerChanges:
    """Fits the Changes seam. What was created and removed again within the window is not seen."""

    def __init__(self, containers: DockerContainers, *, inventory: Inventory, clock: Clock = now_ms) -> None:
        self._containers, self._inventory, self._clock = containers, inventory, clock

    async def between(self, *, start_ms: int, end_ms: int) -> tuple[Change, ...]:
        """One deploy for each container created in the window."""
        try:
            listed = await self._containers.list(at_ms=self._clock())
        except NotCaptured:
            return ()
        deploys = [self._deploy(c) for c in listed if c.created_ms is not None and start_ms <= c.created_ms < end_ms]
        return tuple(sorted(deploys, key=lambda c: c.at_ms))

    def _deploy(self, container: Container) -> Change:
        owner = self._inventory.service_of(container.name)
        service = owner.name if owner is not None else container.labels.get("com.docker.compose.service", "")
        return Change(
            at_ms=container.created_ms or 0,
            kind="deploy",
            service=service,
            colour=owner.colour_of(container.name) if owner is not None else "",
            build=tag_of(container.image),
            text=f"container {container.name} was created",
            source=SOURCE,
            attributes=_revision(container.labels),
        )


class MergedChanges:
    """Several sources as one. Docker's deploys give way to an announced one of the same service and colour nearby."""

    def __init__(self, sources: Sequence[Changes]) -> None:
        self._sources = tuple(sources)

    async def between(self, *, start_ms: int, end_ms: int) -> tuple[Change, ...]:
        """All of them, oldest first; a source that fails is told while another answers."""
        tried = await asyncio.gather(
            *(s.between(start_ms=start_ms, end_ms=end_ms) for s in self._sources), return_exceptions=True
        )
        found, problems = list[Change](), list[CulpritError]()
        for result in tried:
            if isinstance(result, CulpritError):
                problems.append(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                found += result
        if problems and len(problems) == len(tried):
            raise problems[0]
        for problem in problems:
            tell_shortfall(f"changes: {problem}")
        announced = [c for c in found if c.source != SOURCE]
        kept = [c for c in found if c.source != SOURCE or not any(_same(c, a) for a in announced)]
        return tuple(sorted(kept, key=lambda c: c.at_ms))


def tag_of(image: str) -> str:
    """The tag of an image reference; "" for none or for a digest."""
    last = image.partition("@")[0].rpartition("/")[2]
    return last.partition(":")[2]


def _same(seen: Change, announced: Change) -> bool:
    near = abs(seen.at_ms - announced.at_ms) <= SAME_MS
    alike = announced.service == seen.service and announced.colour in ("", seen.colour)
    return near and alike and announced.kind in ("deploy", "rollback", "scale", "restart")


def _revision(labels: Mapping[str, str]) -> dict[str, str]:
    return {name.rpartition(".")[2]: labels[name] for name in REVISION if name in labels}

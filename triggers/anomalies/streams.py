"""Counting the lines of every stream, also where there are more of them than a server counts in one query.

Loki gives a limited number of series a query (500 by default) and refuses the whole of it beyond. Then the loudest
streams, as the volume endpoint knows them, are counted in a few queries of named streams; which they are is asked again
every hour.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from config.errors import QueryError
from tools.log_lines import everything
from tools.readings import members_pattern
from tools.sources.log_totals import LogTotal, total_lines
from tools.sources.log_volume import Discovery
from tools.sources.logs import LabelMatcher, LineFilter, LogQuery
from tools.windows import NS
from tools.world import World

HOUR_MS = 3_600_000
GROUPS = 12  # queries at the most
LARGEST = 400  # streams a query
_TOO_MANY = re.compile(r"series \((\d+)\) reached")


@dataclass
class Streams:
    """Of one world, kept between polls. `groups`: matchers of one query each; none: one query asks for everything."""

    groups: tuple[tuple[LabelMatcher, ...], ...] = ()
    chosen_ms: int = 0
    left_out: bool = False
    discovery: Discovery = field(default_factory=Discovery)

    async def totals(
        self, world: World, *, start_ms: int, end_ms: int, most: int, filters: tuple[LineFilter, ...] = ()
    ) -> tuple[LogTotal, ...]:
        """Lines in (start, end] by container and service. Raises as `Logs` does."""
        label = world.inventory.labels.logs
        by = tuple(dict.fromkeys(n for n in (label.container, label.service) if n))
        if self.groups and not 0 <= end_ms - self.chosen_ms < HOUR_MS:
            self.groups = ()  # there may be fewer of them by now
        if not self.groups:
            try:
                return await self._count(world, everything(world), start_ms, end_ms, by, filters)
            except QueryError as error:
                refused = _TOO_MANY.search(str(error))
                if refused is None:
                    raise
                await self._choose(world, end_ms, most, min(int(refused.group(1)), LARGEST))
        answers = await asyncio.gather(
            *(self._count(world, group, start_ms, end_ms, by, filters) for group in self.groups))
        return tuple(total for answer in answers for total in answer)

    async def _count(
        self, world: World, matchers: tuple[LabelMatcher, ...], start_ms: int, end_ms: int, by: tuple[str, ...],
        filters: tuple[LineFilter, ...],
    ) -> tuple[LogTotal, ...]:
        assert world.logs is not None
        return await total_lines(world.logs, LogQuery(matchers, start_ms * NS, end_ms * NS, filters), by)

    async def _choose(self, world: World, at_ms: int, most: int, size: int) -> None:
        """The inventory's own containers, then the loudest of the last hour, in groups of `size`."""
        assert world.logs is not None
        label = world.inventory.labels.logs.container
        known = tuple(name for service in world.inventory.services for name in service.members())
        room = min(most, GROUPS * size)
        loud = await self.discovery.loudest(world.logs, everything(world), label, start_ns=(at_ms - HOUR_MS) * NS,
                                            end_ns=at_ms * NS, most=room)
        names = tuple(dict.fromkeys((*known, *loud)))
        self.left_out, names = len(loud) >= room or len(names) > room, names[:room]
        self.groups = tuple((LabelMatcher(label, "=~", members_pattern(names[i : i + size], promql=False)),)
                            for i in range(0, len(names), size))
        self.chosen_ms = at_ms

"""What a unit of work looks like where nobody said so: the frequent, irregular, harmless line of a service's instances.

A heartbeat is frequent too, but regular; an error is no unit of work. What is found is a candidate, and weighs less.
"""

from __future__ import annotations

import numpy as np

from tools.analysis.templates import mine
from tools.log_lines import shared_piece
from tools.severity import NORMAL, severity
from tools.sources.inventory import LogPattern, Service, Work
from tools.sources.logs import LogEntry, LogQuery
from tools.windows import NS, first_ms
from tools.work import matchers_of
from tools.world import Scope, World

LIMIT = 4_000
LEAST = 30
REGULAR = 0.25  # spread of the gaps, relative to their median, below which a line is a clock's and not work's
TRUST = 0.6  # what findings on discovered work weigh, against those on mapped work


async def discover_work(world: World, scope: Scope, service: Service) -> Work | None:
    """A candidate from the newest lines; None where no line stands out. Raises what the source raises."""
    ways = matchers_of(world, service)
    if world.logs is None or not ways:
        return None
    query = LogQuery(ways[0], first_ms(world, scope) * NS, scope.asked_at_ms * NS, limit=LIMIT)
    entries = (await world.logs.search(query)).entries
    label = world.inventory.labels.logs.container
    for template in mine([e.line for e in entries], most=12):
        if template.count < LEAST or severity(template.example) != NORMAL:
            continue
        piece = shared_piece(template.example, [e.line for e in entries])
        if piece and _irregular([e for e in entries if piece in e.line], label):
            return Work(unit="line", done=LogPattern(contains=piece))
    return None


def _irregular(entries: list[LogEntry], label: str) -> bool:
    """Whether the lines of the busiest container come at uneven times."""
    by: dict[str, list[int]] = {}
    for entry in entries:
        by.setdefault(entry.labels.get(label, ""), []).append(entry.ns)
    moments = np.sort(np.array(max(by.values(), key=len, default=[]), dtype=np.float64))
    if moments.size < LEAST:
        return False
    gaps = np.diff(moments)
    low, middle, high = np.quantile(gaps, (0.1, 0.5, 0.9))
    return bool(middle <= 0 or (high - low) / middle > REGULAR)

"""What users feel, read off the access lines of the front door: where no probe and no latency metric tells.

The front door is the proxy nobody depends on, else the routed service. Its lines are sampled in slices of the whole
window, so that a busy hour costs no more than a quiet one; shares and quantiles are taken, never counts.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import re2

from config.errors import CulpritError
from tools.analysis.robust import Floats
from tools.findings import Subject
from tools.indicators import Indicator
from tools.severity import status_of
from tools.sources.inventory import Inventory, Service
from tools.sources.logs import LogEntry, LogQuery
from tools.windows import NS, Grid
from tools.work import matchers_of
from tools.world import World

SLICES = 12
PER_SLICE = 300
LEAST_BINS = 6
TAIL = 0.75  # of the few requests of one bin
GAVE_UP = 499  # nginx: the client closed the connection before there was an answer
TOOK = re2.compile(r'(?i)\b(rt|request_time|response_time|duration|elapsed|latency|took|total)(_?ms|_s|_seconds)?'
                   r'["\']?\s?[=:]\s?["\']?(\d+(?:\.\d+)?)\s?(ms|s)?\b')
CHECKS = re2.compile(r"(?i)/(?:health\w*|ready\w*|live\w*|ping|metrics|status|__active)\b")


async def read_front_door(world: World, axis: Grid) -> tuple[Indicator, ...]:
    """Success share (1 - share of 5xx and of clients that gave up) and latency of each front service; () without."""
    if world.logs is None:
        return ()
    found = await asyncio.gather(*(_of_service(world, s, axis) for s in front_services(world.inventory)))
    return tuple(i for part in found for i in part)


def front_services(inventory: Inventory) -> Sequence[Service]:
    """Proxies that nobody calls; any proxy; else services with a colour of their own."""
    needed = {d for s in inventory.services for d in s.depends_on}
    proxies = [s for s in inventory.services if s.kind == "proxy"]
    return [s for s in proxies if s.name not in needed] or proxies or [s for s in inventory.services if s.routed]


async def _of_service(world: World, service: Service, axis: Grid) -> list[Indicator]:
    for matchers in matchers_of(world, service):
        edges = np.linspace(axis.start_ms, axis.end_ms, SLICES + 1).astype(np.int64).tolist()
        queries = [LogQuery(matchers, a * NS, b * NS, limit=PER_SLICE) for a, b in pairwise(edges)]
        try:
            assert world.logs is not None
            results = await asyncio.gather(*(world.logs.search(q) for q in queries))
        except CulpritError:  # the question about metrics stands without it; what was not read is no health
            return []
        made = _indicators(service, [e for r in results for e in r.entries], axis)
        if made:
            return made
    return []


def _indicators(service: Service, entries: Iterable[LogEntry], axis: Grid) -> list[Indicator]:
    size = axis.ms.size
    failed, waits = defaultdict[int, list[bool]](list), defaultdict[int, list[float]](list)
    for e in entries:
        status, at = status_of(e.line), int((e.ns // NS - axis.start_ms) // axis.step_ms)
        if not 100 <= status <= 599 or not 0 <= at < size or CHECKS.search(e.line[:400]):
            continue
        failed[at].append(status >= 500 or status == GAVE_UP)
        took = seconds_of(e.line)
        if took is not None and status < 400:
            waits[at].append(took)
    query = f"access lines of {service.name}"
    about = Subject(service=service.name, resource="request_time")
    out = []
    if len(failed) >= LEAST_BINS:
        out.append(Indicator(about, "success", _placed(failed, size, lambda x: 1.0 - float(np.mean(x))), query))
    if len(waits) >= LEAST_BINS:
        out.append(Indicator(about, "latency", _placed(waits, size, lambda x: float(np.quantile(x, TAIL))), query))
    return out


def _placed(bins: Mapping[int, Sequence[float]], size: int, summary: Callable[[Sequence[float]], float]) -> Floats:
    values = np.full(size, np.nan)
    for at, readings in bins.items():
        values[at] = summary(readings)
    return values


def seconds_of(line: str) -> float | None:
    """How long a request took, by the first field that says so; None for none. Bare numbers are nginx' seconds when
    they have a decimal point, else milliseconds."""
    found = TOOK.search(line[:2_000])
    if found is None:
        return None
    _, suffix, number, unit = found.groups()
    told = (unit or (suffix or "").strip("_")).lower()
    in_ms = told == "ms" or (not told and "." not in number)
    return float(number) / 1000 if in_ms else float(number)

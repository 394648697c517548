"""The log door: counts by label from the server, work by the inventory's patterns, and a bounded sample of lines.

Queries per poll: two counts over all streams (a few more beyond what a server counts at once), one for each work
pattern, one sample for each of a few services. Their number does not depend on how many lines there are.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tools.anomalies.sample import Watched
from tools.dispatch import dispatchers
from tools.roles import STANDBY, Roles, read_roles
from tools.severity import ERROR_LINES
from tools.sources.inventory import Service
from tools.sources.log_totals import LogTotal, total_lines
from tools.sources.logs import LineFilter, LogQuery
from tools.windows import NS
from tools.work import OUTCOMES, line_filter, matchers_of
from tools.world import Scope, World
from triggers.anomalies.counting import Load
from triggers.anomalies.streams import Streams

LEAST_LINES = 10  # below, a share says nothing
SAMPLE = 300
MAX_PATTERNS = 60
HOUR_MS = 3_600_000


@dataclass
class LogReadings:
    """What the logs said about one interval, in the words of `Sample`."""

    read: bool = False
    values: dict[Watched, float] = field(default_factory=dict)
    trials: dict[Watched, float] = field(default_factory=dict)
    waiting: dict[Watched, float] = field(default_factory=dict)
    handed: dict[str, float] = field(default_factory=dict)  # by service: units handed to it
    finished: dict[str, float] = field(default_factory=dict)
    lines: dict[str, Sequence[str]] = field(default_factory=dict)


async def read_logs(
    world: World, load: Load, *, start_ms: int, end_ms: int, drain_ms: int, max_streams: int,
    sampled: Sequence[Service], streams: Streams,
) -> LogReadings:
    """Reads (start, end]. Sources that fail leave gaps noted in `load`."""
    out = LogReadings()
    if world.logs is None:
        return out
    lines, work, scope = await asyncio.gather(
        load.tried("log lines", lambda: streams.totals(world, start_ms=start_ms, end_ms=end_ms, most=max_streams)),
        load.tried("work in logs", lambda: _work(world, start_ms, end_ms)),
        load.tried("samples of lines", lambda: _samples(world, sampled, start_ms, end_ms)),
    )
    if streams.left_out:
        load.failed.append(f"log lines: more streams than are counted: the loudest {len(lines or ())} are")
    if lines:
        errors = await load.tried("error lines", lambda: streams.totals(
            world, start_ms=start_ms, end_ms=end_ms, most=max_streams, filters=(LineFilter("regex", ERROR_LINES),)))
        _fill_lines(world, out, lines, errors, max_streams)
    elif lines is not None:
        load.failed.append("log lines: no stream said anything: ask the shipper before the system")
    if work is not None:
        roles = await load.tried("roles", lambda: read_roles(
            world, Scope(end_ms, (start_ms, end_ms), (end_ms - HOUR_MS, start_ms))))
        _fill_work(world, out, work, roles, end_ms, drain_ms)
    out.lines = dict(scope or {})
    return out


def _fill_lines(
    world: World, out: LogReadings, lines: Sequence[LogTotal], errors: Sequence[LogTotal] | None, most: int
) -> None:
    out.read = True
    whole: dict[str, float] = defaultdict(float)
    for total in sorted(lines, key=lambda t: -t.count)[:most]:
        key = _stream(world, total.labels)
        out.values[key] = out.values.get(key, 0.0) + total.count
        whole[key.service] += total.count
    if errors is None:
        return
    bad: dict[str, float] = defaultdict(float)
    for total in errors:
        bad[_stream(world, total.labels).service] += total.count
    for service, count in whole.items():
        if service and count >= LEAST_LINES:
            key = Watched("error_share", service, cluster=world.cluster)
            out.values[key], out.trials[key] = min(bad.get(service, 0.0) / count, 1.0), count


def _stream(world: World, labels: Mapping[str, str]) -> Watched:
    names = world.inventory.labels.logs
    container = labels.get(names.container, "")
    owner = world.inventory.service_of(container)
    service = owner.name if owner else labels.get(names.service, "") if names.service else ""
    return Watched("lines", service or container, container, cluster=world.cluster)


async def _work(world: World, start_ms: int, end_ms: int) -> dict[tuple[str, str, str], float]:
    """(service, container, outcome) -> units in the interval."""
    assert world.logs is not None
    logs, label = world.logs, world.inventory.labels.logs.container
    asked = [(s.name, o, LogQuery(ways, start_ms * NS, end_ms * NS, (line_filter(p),)))
             for s in world.inventory.services if s.work is not None
             for o in OUTCOMES if (p := getattr(s.work, o)) is not None
             for ways in matchers_of(world, s)[:1]][:MAX_PATTERNS]
    answers = await asyncio.gather(*(total_lines(logs, query, (label,)) for _, _, query in asked))
    out: dict[tuple[str, str, str], float] = {}
    for (service, outcome, _), totals in zip(asked, answers, strict=True):
        out[service, "", outcome] = 0.0  # the pattern was asked for: no line means none
        for total in totals:
            out[service, total.labels.get(label, ""), outcome] = float(total.count)
    return out


def _fill_work(
    world: World, out: LogReadings, work: Mapping[tuple[str, str, str], float], roles: Roles | None, at_ms: int,
    drain_ms: int,
) -> None:
    outcomes: dict[str, set[str]] = defaultdict(set)
    for named, _, outcome in work:
        outcomes[named].add(outcome)
    for service in world.inventory.services:
        if service.name not in outcomes:
            continue
        ends = outcomes[service.name] & {"done", "failed"} or {"started"}
        units: dict[str, float] = defaultdict(float)
        for (name, container, outcome), count in work.items():
            if name == service.name and container and outcome in ends:
                units[container] += count
        total = sum(units.values())
        out.values[Watched("requests", service.name, cluster=world.cluster)] = total
        out.finished[service.name] = total
        unit = service.work.unit if service.work else ""
        handed = [count for s in dispatchers(world.inventory, service) if s.work and s.work.unit == unit
                  for (name, _, outcome), count in work.items() if name == s.name and outcome == "started"]
        if handed and "started" not in ends:
            out.handed[service.name] = sum(handed)
        if roles is not None and not service.routed:
            out.waiting.update(_waiting(world, service, units, roles, at_ms, drain_ms))


def _waiting(
    world: World, service: Service, units: Mapping[str, float], roles: Roles, at_ms: int, drain_ms: int
) -> dict[Watched, float]:
    """Work of containers that wait, and have waited longer than a drain takes. A role only guessed from traffic is
    no role to break."""
    out = {}
    for container, count in units.items():
        since = roles.since(container, at_ms)
        drained = since is None or at_ms - since >= drain_ms
        decreed = not roles.by(container, at_ms).startswith("observed")
        if roles.role(container, at_ms) == STANDBY and drained and decreed and count > 0:
            out[Watched("work", service.name, container, cluster=world.cluster)] = count
    return out


async def _samples(
    world: World, services: Sequence[Service], start_ms: int, end_ms: int
) -> dict[str, Sequence[str]]:
    assert world.logs is not None
    logs = world.logs
    asked = [(s.name, LogQuery(ways[0], start_ms * NS, end_ms * NS, limit=SAMPLE))
             for s in services if (ways := matchers_of(world, s))]
    answers = await asyncio.gather(*(logs.search(query) for _, query in asked))
    return {name: [e.line for e in answer.entries] for (name, _), answer in zip(asked, answers, strict=True)}

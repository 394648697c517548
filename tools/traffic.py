"""The observed view: which colour really gets the traffic, from what its containers send and what they log.

Bytes sent are read before bytes received: an idle instance that listens to a broadcast receives as much as the active
one, but only the active one answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from config.errors import CulpritError
from tools.readings import members_pattern, promql_label
from tools.sources.inventory import Service
from tools.sources.logs import LabelMatcher, LogQuery
from tools.sources.routing import BOTH, UNKNOWN
from tools.windows import NS, rate_window_ms
from tools.wording import sig
from tools.world import World

ACTIVE_SHARE = 0.8
BOTH_SHARE = 0.2
LEAST_BYTES = 20.0  # bytes per second below which nothing can be said
LEAST_LINES = 10
FAINT = 0.3  # of what was sent before: what is left may be health checks and no traffic at all


@dataclass(frozen=True)
class Observed:
    """`colour` is a colour, `both` or `unknown`; `shares` by colour, of what `by` names; `query` is what was asked.

    `rate`: bytes per second, or lines, of all colours. `faint`: far less than usual flows, which says little.
    """

    colour: str
    by: str = ""
    shares: Mapping[str, float] = field(default_factory=dict)
    query: str = ""
    rate: float = 0.0
    faint: bool = False


def verdict(totals: Mapping[str, float]) -> str:
    """The colour that has at least 80 %, `both` when two have at least 20 % each, else `unknown`."""
    whole = sum(totals.values())
    if whole <= 0:
        return UNKNOWN
    large = [c for c, x in totals.items() if x / whole >= BOTH_SHARE]
    if len(large) >= 2:
        return BOTH
    return next((c for c, x in totals.items() if x / whole >= ACTIVE_SHARE), UNKNOWN)


async def observe(
    world: World, service: Service, start_ms: int, end_ms: int, *, usual_at_ms: int | None = None
) -> Observed:
    """The observed colour of a service over a window; `unknown` when nothing tells. Never raises for a source.

    `usual_at_ms`: a moment up to which traffic was as usual, to tell whether what flows now is faint.
    """
    for read in (_by_network, _by_lines):
        try:
            seen = await read(world, service, start_ms, end_ms)
        except CulpritError:
            continue
        known = usual_at_ms is not None and usual_at_ms - (end_ms - start_ms) >= (world.earliest_ms or 0)
        if read is _by_network and usual_at_ms is not None and known:
            seen = replace(seen, faint=seen.rate < FAINT * await _sent_at(world, seen.query, usual_at_ms))
        if seen.colour != UNKNOWN:
            return seen
    return Observed(UNKNOWN)


def _observed(service: Service, by_container: Mapping[str, float], least: float, by: str, query: str) -> Observed:
    totals = {c: sum(by_container.get(n, 0.0) for n in names) for c, names in service.colours.items()}
    whole = sum(totals.values())
    if whole < least:
        return Observed(UNKNOWN, by, {}, query, whole)
    return Observed(verdict(totals), by, {c: sig(x / whole, 3) for c, x in totals.items()}, query, whole)


async def _by_network(world: World, service: Service, start_ms: int, end_ms: int) -> Observed:
    if world.metrics is None:
        return Observed(UNKNOWN)
    label = promql_label(world)
    window_s = max((end_ms - start_ms) // 1000, rate_window_ms(world) // 1000)
    names = members_pattern(service.members())
    query = f'sum by ({label}) (rate(container_network_transmit_bytes_total{{{label}=~"{names}"}}[{window_s}s]))'
    result = await world.metrics.instant(query, at_ms=end_ms)
    rates = {s.label(label): float(s.values[-1]) for s in result.series if s.values.size}
    return _observed(service, rates, LEAST_BYTES, "bytes sent", query)


async def _sent_at(world: World, query: str, at_ms: int) -> float:
    """Bytes per second of all its instances then; 0 where that was not captured."""
    if world.metrics is None or not query:
        return 0.0
    try:
        result = await world.metrics.instant(query, at_ms=at_ms)
    except CulpritError:
        return 0.0
    return sum(float(s.values[-1]) for s in result.series if s.values.size)


async def _by_lines(world: World, service: Service, start_ms: int, end_ms: int) -> Observed:
    if world.logs is None:
        return Observed(UNKNOWN)
    label = world.inventory.labels.logs.container
    matcher = LabelMatcher(label, "=~", members_pattern(service.members(), promql=False))
    query = LogQuery((matcher,), start_ms * NS, end_ms * NS)
    result = await world.logs.count(query, (label,), max(1_000, end_ms - start_ms))
    lines = {s.labels.get(label, ""): float(sum(s.counts)) for s in result.series}
    return _observed(service, lines, LEAST_LINES, "log lines", f"lines by {label} of {matcher.value}")

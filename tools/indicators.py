"""What users feel: probes where there are some, else the latency and error metrics of services that face users.

Found by the conventions of exporters (blackbox probes, `_seconds` histograms, latency and success gauges), never by
the names of somebody's services.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from config.errors import CulpritError
from tools.analysis.robust import Floats
from tools.findings import Subject
from tools.readings import promql_string
from tools.series_kinds import kind_of
from tools.sources.inventory import Inventory
from tools.sources.metrics import Metrics, Series
from tools.windows import Grid, rate_window_ms
from tools.world import World

DISCOVER = "(?i).*(latency|duration|ttft|error|success|availab).*"
MAX_NAMES = 40
MAX_SERIES = 200
_NOT_USERS = ("scrape_", "prometheus_", "go_", "node_", "container_", "alertmanager_", "loki_", "promhttp_", "process_")
_NAMING = ("service", "app", "job", "instance", "name", "container")
STATUS_LABELS = ("code", "status", "status_code")
_PHASE = ("phase", "quantile", "handler", "route", "path")


@dataclass(frozen=True)
class Indicator:
    """One series on the grid: `kind` latency (seconds or the metric's unit), success (share) or errors (per second)."""

    subject: Subject
    kind: str
    values: Floats
    query: str
    probe: bool = False


async def read_indicators(world: World, grid: Grid) -> tuple[Indicator, ...]:
    """User-visible series that have data; probes and answered statuses alone where probes are. Raises as the source."""
    assert world.metrics is not None
    probes, *shares = await asyncio.gather(
        _gauges(world.metrics, grid, '{__name__=~"probe_success|probe_duration_seconds"}', probe=True),
        *(_failed_share(world, grid, label) for label in STATUS_LABELS))
    failing = [i for share in shares for i in share]
    if probes:  # a probe may ask no more than whether somebody is there: what users were answered counts beside it
        return (*_nearest(probes), *(_facing(world.inventory, failing) if failing else ()))
    query = f'count by (__name__) ({{__name__=~"{promql_string(DISCOVER)}"}})'
    found = await world.metrics.instant(query, at_ms=grid.end_ms)
    names = sorted({s.label("__name__") for s in found.series})
    chosen = [n for n in names if not n.startswith(_NOT_USERS) and kind_of(n).kind in ("latency", "success", "errors")]
    asked = [_ask(world, grid, n) for n in chosen[:MAX_NAMES]]
    parts = [failing, *await asyncio.gather(*asked)]
    return _facing(world.inventory, [i for part in parts for i in part][:MAX_SERIES])


async def _failed_share(world: World, grid: Grid, label: str) -> list[Indicator]:
    """1 - share of 5xx of request counters that carry the status in this label, by whatever names the service."""
    assert world.metrics is not None
    seconds, by = rate_window_ms(world) // 1000, ", ".join(_NAMING)
    counters = f'__name__=~".+_(total|count)",__name__!~"({"|".join(_NOT_USERS)}).*"'
    failed = f'sum by ({by}) (rate({{{counters},{label}=~"5..|5xx"}}[{seconds}s]))'
    query = f'1 - {failed} / sum by ({by}) (rate({{{counters},{label}=~"[1-5]..|[1-5]xx"}}[{seconds}s]))'
    try:
        result = await world.metrics.range(query, start_ms=grid.start_ms, end_ms=grid.end_ms, step_ms=grid.step_ms)
    except CulpritError:  # a large server may refuse to look through every counter: what else there is still tells
        return []
    return [Indicator(_subject(s), "success", grid.place(s), query) for s in result.series[:MAX_SERIES]]


async def _ask(world: World, grid: Grid, name: str) -> list[Indicator]:
    assert world.metrics is not None
    seconds, label = rate_window_ms(world) // 1000, f'{{__name__="{promql_string(name)}"}}'
    if name.endswith("_bucket"):
        service = world.inventory.labels.metrics.service or "service"
        query = f"histogram_quantile(0.95, sum by (le, {service}) (rate({label}[{seconds}s])))"
        return await _gauges(world.metrics, grid, query, kind="latency")
    if kind_of(name).counter:
        if name.endswith(("_sum", "_count")) or kind_of(name).kind != "errors":
            return []
        return await _gauges(world.metrics, grid, f"rate({label}[{seconds}s])", kind="errors")
    return await _gauges(world.metrics, grid, label)


async def _gauges(metrics: Metrics, grid: Grid, query: str, *, kind: str = "", probe: bool = False) -> list[Indicator]:
    result = await metrics.range(query, start_ms=grid.start_ms, end_ms=grid.end_ms, step_ms=grid.step_ms)
    out = []
    for series in result.series[:MAX_SERIES]:
        what = kind or kind_of(series.label("__name__")).kind
        values = grid.place(series)
        if what == "success" and np.nanmax(values, initial=0.0) > 1.0:
            values = values / 100.0  # percent
        out.append(Indicator(_subject(series), what, values, query, probe))
    return out


def _subject(series: Series) -> Subject:
    phase = next((series.label(n) for n in _PHASE if series.label(n)), "")
    name = series.label("__name__")
    service = next((series.label(n) for n in _NAMING if series.label(n)), "")
    return Subject(service=service, resource=f"{phase or name or 'latency_p95'}")


def _nearest(probes: Sequence[Indicator]) -> tuple[Indicator, ...]:
    return tuple(p for p in probes if np.isfinite(p.values).any())


def _facing(inventory: Inventory, found: Iterable[Indicator]) -> tuple[Indicator, ...]:
    """Those of services nobody else depends on, or of kind api or proxy; all when none of them is listed."""
    found = [i for i in found if np.isfinite(i.values).any()]
    needed = {d for s in inventory.services for d in s.depends_on}
    front = {s.name for s in inventory.services if s.routed or s.kind in ("api", "proxy") or s.name not in needed}
    facing = [i for i in found if i.subject.service in front]
    return tuple(facing or found)

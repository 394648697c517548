"""What is read of every container: the metric names of cAdvisor, by resource, in PromQL.

`kind` chooses the scale floor (tools/analysis/robust.py). `absent` is the value of a container that does not run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from config.errors import CulpritError
from tools.analysis.robust import Floats
from tools.readings import by_label, promql_label
from tools.windows import Grid, rate_window_ms
from tools.world import World


@dataclass(frozen=True)
class Resource:
    """`promql` is a template: {by} the container label, {some} a matcher for any container, {r} the rate range."""

    name: str
    kind: str
    unit: str
    promql: str
    absent: float | None = None


def _rate(metric: str) -> str:
    return f"sum by ({{by}}) (rate({metric}{{some}}[{{r}}]))"


def _level(metric: str) -> str:
    return f"sum by ({{by}}) ({metric}{{some}})"


_CPU = _rate("container_cpu_usage_seconds_total")
_CORES = f"({_level('container_spec_cpu_quota')} / {_level('container_spec_cpu_period')} > 0)"
_MEMORY = _level("container_memory_working_set_bytes")

RESOURCES: tuple[Resource, ...] = (
    Resource("cpu", "cpu", "cores", _CPU, 0.0),
    Resource("memory", "memory", "bytes", _MEMORY, 0.0),
    Resource("network_rx", "network", "bytes per second", _rate("container_network_receive_bytes_total"), 0.0),
    Resource("network_tx", "network", "bytes per second", _rate("container_network_transmit_bytes_total"), 0.0),
    Resource(
        "throttling",
        "share",
        "throttled / all periods",
        f"{_rate('container_cpu_cfs_throttled_periods_total')} / ({_rate('container_cpu_cfs_periods_total')} > 0)",
    ),
    Resource("cpu_of_limit", "share", "used / limit", f"{_CPU} / {_CORES}"),
    Resource(
        "memory_of_limit", "share", "used / limit", f"{_MEMORY} / ({_level('container_spec_memory_limit_bytes')} > 0)"
    ),
)


@dataclass(frozen=True)
class ResourceReading:
    """One resource of every container on the grid. `appeared` names those without a sample before the onset guess."""

    resource: Resource
    query: str
    values: Mapping[str, Floats]
    appeared: frozenset[str] = frozenset()


async def read_resources(world: World, grid: Grid, names: tuple[str, ...] = ()) -> tuple[ResourceReading, ...]:
    """Every resource that has data, all asked at once; `names` limits the resources.

    Raises what the source raises when not one of them could be read.
    """
    wanted = [r for r in RESOURCES if not names or r.name in names]
    results = await asyncio.gather(*(_read(world, grid, r) for r in wanted), return_exceptions=True)
    good = [r for r in results if isinstance(r, ResourceReading)]
    for result in results:
        if isinstance(result, BaseException) and (not good or not isinstance(result, CulpritError)):
            raise result
    return tuple(r for r in good if r.values)


async def _read(world: World, grid: Grid, resource: Resource) -> ResourceReading:
    assert world.metrics is not None
    label = promql_label(world)
    query = resource.promql
    for mark, text in (("{by}", label), ("{some}", f'{{{label}!=""}}'), ("{r}", f"{rate_window_ms(world) // 1000}s")):
        query = query.replace(mark, text)
    values = await by_label(world.metrics, query, label, grid)
    if resource.absent is None or not values:
        return ResourceReading(resource, query, values)
    filled, appeared = {}, set()
    alive = np.any(np.isfinite(np.stack(list(values.values()))), axis=0)
    for name, row in values.items():
        head = int(np.argmax(np.isfinite(row))) if np.isfinite(row).any() else row.size
        if head >= max(3, grid.split // 2) and row.size:
            appeared.add(name)
            row = np.where(np.isfinite(row) | ~alive, row, resource.absent)
        filled[name] = row
    return ResourceReading(resource, query, filled, frozenset(appeared))

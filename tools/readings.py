"""Reading container series: names go through the inventory's label mapping and are escaped, never interpolated raw."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tools.analysis.robust import Floats
from tools.sources.metrics import Metrics
from tools.windows import Grid
from tools.world import World

_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


def escape_regex(name: str) -> str:
    """A name as an RE2 pattern that matches exactly it."""
    return _SPECIAL.sub(r"\\\1", name)


def members_pattern(names: tuple[str, ...], *, promql: bool = True) -> str:
    """An RE2 alternation of exact names; for PromQL also escaped for a double-quoted string."""
    pattern = "|".join(escape_regex(n) for n in names)
    return promql_string(pattern) if promql else pattern


def promql_string(text: str) -> str:
    """Text escaped to stand between double quotes in PromQL."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def promql_label(world: World) -> str:
    """The label that names the container in metrics."""
    return world.inventory.labels.metrics.container


async def by_label(metrics: Metrics, promql: str, label: str, grid: Grid) -> Mapping[str, Floats]:
    """A range query's series on the grid, by the value of one label; a later series fills gaps of an earlier one."""
    result = await metrics.range(promql, start_ms=grid.start_ms, end_ms=grid.end_ms, step_ms=grid.step_ms)
    out: dict[str, Floats] = {}
    for series in result.series:
        values, name = grid.place(series), series.label(label)
        if name in out:
            gaps = out[name] != out[name]
            out[name][gaps] = values[gaps]
        else:
            out[name] = values
    return out

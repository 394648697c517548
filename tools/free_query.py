"""metrics.query: any PromQL, bounded in range and in what is told of its answer."""

from __future__ import annotations

import re

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from config.errors import NotCaptured, QueryBudget
from tools.analysis.onset import step
from tools.analysis.robust import floor_of, median
from tools.charts import chart
from tools.evidence import Chart, Status
from tools.findings import Finding
from tools.metrics import level_changed
from tools.movers import subject_of
from tools.question import Answer, Question
from tools.series_kinds import kind_of
from tools.sources.metrics import Metrics, MetricsResult, Series
from tools.windows import Grid, grid
from tools.wording import number, quote
from tools.world import Scope, World

MAX_RANGE_S = 86_400
MAX_TOLD = 12
MAX_SERIES = 500
_RANGE = re.compile(r"\[\s*((?:\d+(?:ms|[smhdwy]))+)")
_OFFSET = re.compile(r"\boffset\s+((?:\d+(?:ms|[smhdwy]))+)", re.I)
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_WORDS = frozenset({"sum", "avg", "max", "min", "count", "by", "without", "rate", "increase", "irate", "on", "le"})


class QueryArguments(BaseModel):
    """`promql`: the query, evaluated over baseline and incident. `at_end`: only its value at the end."""

    model_config = ConfigDict(extra="forbid")
    promql: str = Field(min_length=1, max_length=2_000)
    at_end: bool = False


async def ask(world: World, scope: Scope, arguments: QueryArguments) -> Answer:
    """Runs the query. Raises QueryError for a malformed one and QueryBudget for a range over a day."""
    assert world.metrics is not None
    longest, reach = ranges_s(arguments.promql)
    if longest > MAX_RANGE_S:
        raise QueryBudget(f"a range of {longest:g} s is longer than a day")
    axis = grid(world, scope, round(longest * 1000))
    if arguments.at_end:
        result = await world.metrics.instant(arguments.promql, at_ms=axis.end_ms)
    else:
        try:
            result = await _run(world.metrics, arguments.promql, axis)
        except NotCaptured:  # ranges inside ranges reach back further than the longest of them
            axis = grid(world, scope, round(reach * 1000))
            result = await _run(world.metrics, arguments.promql, axis)
    if not result.series:
        return Answer("The query has no series.", status=Status.NO_DATA, queries=(arguments.promql,))
    told, findings = [], list[Finding]()
    for series in result.series[:MAX_SERIES]:
        told.append(_told(series, axis, at_end=arguments.at_end))
        if not arguments.at_end:
            findings += _moved(world, arguments.promql, series, axis)
    findings.sort(key=lambda f: -f.strength)
    more = f"; {len(result.series) - MAX_TOLD} more series" if len(result.series) > MAX_TOLD else ""
    text = f"{len(result.series)} series: " + "; ".join(told[:MAX_TOLD]) + more + "."
    return Answer(
        text,
        tuple(findings[:MAX_TOLD]),
        queries=(arguments.promql,),
        charts=_charts(result.series, axis),
        window=(axis.start_ms, axis.end_ms),
        notes={"warnings": result.warnings} if result.warnings else {},
    )


async def _run(metrics: Metrics, promql: str, axis: Grid) -> MetricsResult:
    return await metrics.range(promql, start_ms=axis.start_ms, end_ms=axis.end_ms, step_ms=axis.step_ms)


def ranges_s(promql: str) -> tuple[float, float]:
    """(longest range, sum of all ranges and offsets) of a query in seconds: what it reaches back lies between."""
    spans = [sum(int(n) * _SECONDS[u] for n, u in _PART.findall(r)) for r in _RANGE.findall(promql)]
    offsets = [sum(int(n) * _SECONDS[u] for n, u in _PART.findall(r)) for r in _OFFSET.findall(promql)]
    return max(spans, default=0.0), sum(spans) + sum(offsets)


def _told(series: Series, axis: Grid, *, at_end: bool) -> str:
    name = quote(", ".join(f"{k}={v}" for k, v in sorted(series.labels.items())) or "value", 120)
    if at_end:
        return f"{name}: {number(float(series.values[-1]))}"
    values = axis.place(series)
    before, now = median(values[: axis.split]), median(values[axis.split :])
    shown = [
        f"{label} {number(x)}"
        for label, x in (("baseline", before), ("since", now), ("last", float(series.values[-1])))
        if np.isfinite(x)
    ]
    return f"{name}: {', '.join(shown)}"


def _moved(world: World, promql: str, series: Series, axis: Grid) -> list[Finding]:
    metric = series.label("__name__") or next((w for w in _NAME.findall(promql) if w not in _WORDS), "")
    kind = kind_of(metric).kind
    found = step(axis.place(series), floor_of(kind), baseline_end=axis.split)
    return [] if found is None else [level_changed(subject_of(world.inventory, series, kind), axis, found)]


def _charts(series: tuple[Series, ...], axis: Grid) -> tuple[Chart, ...]:
    names = [quote(", ".join(f"{k}={v}" for k, v in sorted(s.labels.items())), 80) for s in series[:3]]
    return tuple(chart(name, "", axis.ms, axis.place(s)) for name, s in zip(names, series, strict=False))


QUESTION = Question(
    name="metrics.query",
    asks="What does this PromQL query give over baseline and incident?",
    needs=("metrics",),
    finds=("level_changed",),
    cost_s=1.0,
    arguments=QueryArguments,
    ask=ask,
)

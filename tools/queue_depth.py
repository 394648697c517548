"""queues.depth: does a queue that some exporter or application shows as a gauge grow? For those without a broker's own
reading (`queues.state`)."""

from __future__ import annotations

import numpy as np

from tools.charts import chart
from tools.evidence import Status
from tools.findings import Finding
from tools.question import Answer, NoArguments, Question
from tools.queues import growth
from tools.series_kinds import kind_of
from tools.sources.metrics import Series
from tools.sources.queues import QueueState
from tools.windows import grid
from tools.wording import number
from tools.world import Scope, World

GAUGES = ('{__name__=~"(?i).*(queue|backlog|pending|waiting).*",'
          '__name__!~"(?i)(node|go|prometheus|alertmanager|loki)_.*"}')
NAMING = ("queue", "queue_name", "list", "topic", "name", "container", "service", "job")
MAX_SERIES = 50


async def ask(world: World, scope: Scope, arguments: NoArguments) -> Answer:
    """Every gauge whose name says that it counts what waits."""
    assert world.metrics is not None
    axis = grid(world, scope)
    result = await world.metrics.range(GAUGES, start_ms=axis.start_ms, end_ms=axis.end_ms, step_ms=axis.step_ms)
    gauges = [s for s in result.series if _is_queue(s)][:MAX_SERIES]
    if not gauges:
        return Answer("No metric counts what waits in a queue.", status=Status.NO_DATA, queries=(GAUGES,))
    found: list[tuple[Finding, Series]] = []
    for series in gauges:
        name = _name(series)
        readings = [QueueState(name, int(t), round(float(v)))
                    for t, v in zip(series.ms, series.values, strict=True) if np.isfinite(v)]
        found += [(f, series) for f in growth(world, scope, name, readings)]
    told = [f"{f.detail} grows by {number(f.value or 0)} items a minute" for f, _ in found]
    text = f"{'; '.join(told[:4])}." if told else f"None of {len(gauges)} queues that metrics show grows."
    charts = tuple(chart(f.detail, "items", axis.ms, axis.place(s), [(f.since_ms, f.kind)] if f.since_ms else [])
                   for f, s in found[:2])
    return Answer(text, tuple(f for f, _ in found), queries=(GAUGES,), charts=charts)


def _is_queue(series: Series) -> bool:
    kind = kind_of(series.label("__name__"))
    return kind.kind == "queue" and not kind.counter


def _name(series: Series) -> str:
    label = next((series.label(n) for n in NAMING if series.label(n)), "")
    return f"{series.label('__name__')} {label}".strip()


QUESTION = Question(
    name="queues.depth",
    asks="Does a queue that metrics show grow?",
    needs=("metrics",),
    finds=("queue_growth",),
    cost_s=0.7,
    arguments=NoArguments,
    ask=ask,
)

"""work.rates: how much work each container took and finished in the window, what failed, and how long it took."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from config.errors import NotCaptured
from tools.dispatch import flow
from tools.evidence import Status
from tools.question import Answer, Question
from tools.roles import read_roles
from tools.segments import durations
from tools.sources.inventory import Service
from tools.sources.logs import LogQuery
from tools.windows import NS, first_ms, seconds
from tools.wording import number, percent, sig
from tools.work import WorkCounts, line_filter, matchers_of, read_work
from tools.world import Scope, World

LIMIT = 3_000
TAIL = 0.95


class RatesArguments(BaseModel):
    """`service`: only this one; empty for every service whose work is mapped."""

    model_config = ConfigDict(extra="forbid")
    service: str = Field(default="", max_length=200)


async def ask(world: World, scope: Scope, arguments: RatesArguments) -> Answer:
    """Counts over the incident window; durations are of its newest finished units, their number is told."""
    services = [s for s in world.inventory.services if s.work is not None]
    works = await asyncio.gather(*(read_work(world, scope, s) for s in services))
    counts = {w.service: w for w in works if w is not None}
    asked = [s for s in services if s.name in counts and arguments.service in ("", s.name)]
    if not asked:
        return Answer("What a unit of work is, is not mapped for it.", status=Status.NO_DATA)
    roles = await read_roles(world, scope)
    rows = [_row(world, scope, s, counts) for s in asked]
    for row in rows:
        row["containers"] = [{**c, "role": roles.role(c["container"], scope.asked_at_ms)} for c in row["containers"]]
    took = await asyncio.gather(*(_durations(world, scope, s) for s in asked))
    for row, durations_of in zip(rows, took, strict=True):
        row.update(durations_of)
    queries = tuple(q for s in asked for q in counts[s.name].queries)
    return Answer(" ".join(_sentence(r) for r in rows), queries=queries, notes={"rows": rows},
                  window=(max(scope.incident[0], first_ms(world, scope)), scope.asked_at_ms))


def _row(world: World, scope: Scope, service: Service, counts: dict[str, WorkCounts]) -> dict[str, Any]:
    own = counts[service.name]
    inside = own.within(scope.incident[0], scope.asked_at_ms)
    length = seconds((0, int(inside.sum()) * own.step_ms))
    handled = {c: round(float(own.handled(c)[inside].sum())) for c in own.containers()}
    total = sum(handled.values())
    failed = round(float(own.total("failed")[inside].sum()))
    work = flow(world.inventory, service, counts, scope.baseline)
    waiting = None
    if work is not None and work.per_unit == 1.0:
        waiting = max(0, round(float((work.dispatched - work.finished)[inside].sum())))  # the window's edges cut units
    return {
        "service": service.name, "unit": own.unit, "handled": total, "failed": failed, "failures_known":
        "failed" in own.outcomes, "per_second": sig(total / length, 3), "failed_share": sig(failed / total, 3) if total
        else None, "unfinished": waiting,
        "containers": [{"container": c, "handled": n, "share": sig(n / total, 3) if total else 0.0}
                       for c, n in sorted(handled.items(), key=lambda x: (-x[1], x[0])) if n],
    }


async def _durations(world: World, scope: Scope, service: Service) -> dict[str, Any]:
    """The middle and the tail of the finished units' durations, in the field's own unit; {} where lines carry none."""
    done = service.work.done if service.work else None
    ways = matchers_of(world, service)
    if world.logs is None or done is None or not done.value_field or not ways:
        return {}
    start = max(scope.incident[0], world.earliest_ms or 0)
    query = LogQuery(ways[0], start * NS, scope.asked_at_ms * NS, (line_filter(done),), limit=LIMIT,
                     direction="backward")
    try:
        entries = (await world.logs.search(query)).entries
    except NotCaptured:
        return {}
    read = [v for e in entries for k, v in durations(e.line, frozenset((done.value_field,))) if k == done.value_field]
    if not read:
        return {}
    return {"field": done.value_field, "median": sig(float(np.median(read)), 3),
            "tail": sig(float(np.quantile(read, TAIL)), 3), "read": len(read)}


def _sentence(row: dict[str, Any]) -> str:
    parts = [f"{row['service']}: {row['handled']} {row['unit']}s ({number(row['per_second'])}/s)"]
    if row["failures_known"]:
        share = f" ({percent(row['failed_share'])})" if row["failed_share"] is not None else ""
        parts.append(f"{row['failed']} failed{share}")
    if row["unfinished"] is not None:
        parts.append(f"handed out minus finished {row['unfinished']}")
    if row.get("field"):
        read = f"over {row['read']} units"
        parts.append(f"{row['field']} median {number(row['median'])}, p95 {number(row['tail'])} {read}")
    parts += [_share(c) for c in row["containers"]]
    return "; ".join(parts) + "."


def _share(row: dict[str, Any]) -> str:
    role = f" ({row['role']})" if row["role"] else ""
    return f"{row['container']}{role} {row['handled']} ({percent(row['share'])})"


QUESTION = Question(
    name="work.rates",
    asks="How much work did each container take and finish, how much failed, and how long did it take?",
    needs=("logs",),
    finds=(),
    cost_s=2.0,
    arguments=RatesArguments,
    ask=ask,
)

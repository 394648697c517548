"""logs.search: a free structured search, a few raw lines and their number; redacted, bounded."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from config.errors import UnknownThing
from tools.evidence import Status
from tools.findings import Finding
from tools.instructions import instruction_in
from tools.log_lines import everything
from tools.question import Answer, Question
from tools.readings import members_pattern
from tools.sources.logs import FieldCondition, LabelMatcher, LineFilter, LogEntry, LogQuery
from tools.subjects import subject
from tools.windows import NS, first_ms
from tools.wording import clock, listed, quote
from tools.work import matchers_of
from tools.world import Scope, World

MAX_SHOWN = 30
SHOWN_CHARACTERS = 240


class Condition(BaseModel):
    """One condition on a parsed field."""

    model_config = ConfigDict(extra="forbid")
    field: str = Field(max_length=100)
    op: Literal["=", "!=", "=~", "!~", "==", ">", ">=", "<", "<="] = "="
    value: str | float


class SearchArguments(BaseModel):
    """Lines of a `service` or of `containers` (empty: all) that hold every text of `contains`, none of `excludes` and
    match `regex`; with `parser`, whose fields fulfil `fields`. `window`: incident, baseline or both.
    """

    model_config = ConfigDict(extra="forbid")
    service: str = Field(default="", max_length=200)
    containers: tuple[str, ...] = Field(default=(), max_length=50)
    contains: tuple[str, ...] = Field(default=(), max_length=5)
    excludes: tuple[str, ...] = Field(default=(), max_length=5)
    regex: str = Field(default="", max_length=500)
    parser: Literal["", "json", "logfmt"] = ""
    fields: tuple[Condition, ...] = Field(default=(), max_length=5)
    window: Literal["incident", "baseline", "both"] = "incident"
    limit: int = Field(default=10, ge=1, le=MAX_SHOWN)
    newest: bool = False


async def ask(world: World, scope: Scope, arguments: SearchArguments) -> Answer:
    """Searches and counts at once. Raises QueryError for a bad pattern."""
    assert world.logs is not None
    query = _query(world, scope, arguments)
    result = await world.logs.search(query)
    label = world.inventory.labels.logs.container
    step = max(1_000, (query.end_ns - query.start_ns) // NS)
    counted = await world.logs.count(query, (label,), step, step)
    totals = {s.labels.get(label, ""): sum(s.counts) for s in counted.series}
    shown = _described(arguments, query)
    if not result.entries:
        return Answer("No line matches.", status=Status.NO_DATA, queries=(shown,))
    rows = [_row(e, label) for e in result.entries[: arguments.limit]]
    by = listed([f"{name} {count}" for name, count in sorted(totals.items(), key=lambda x: (-x[1], x[0]))])
    text = f"{max(sum(totals.values()), len(result.entries))} lines ({by}).\n" + "\n".join(rows)
    newest = max(e.ns for e in result.entries) // NS
    return Answer(
        text,
        tuple(_instructions(world, result.entries, label)),
        queries=(shown,),
        as_of_ms=newest,
        window=(query.start_ns // NS, query.end_ns // NS),
    )


def _query(world: World, scope: Scope, arguments: SearchArguments) -> LogQuery:
    start = scope.incident[0] if arguments.window == "incident" else first_ms(world, scope)
    end = scope.baseline[1] if arguments.window == "baseline" else scope.asked_at_ms
    filters = (
        *(LineFilter("contains", t) for t in arguments.contains),
        *(LineFilter("not_contains", t) for t in arguments.excludes),
        *((LineFilter("regex", arguments.regex),) if arguments.regex else ()),
    )
    conditions = tuple(FieldCondition(c.field, c.op, c.value) for c in arguments.fields)
    return LogQuery(
        _matchers(world, arguments),
        start * NS,
        max(end, start + 1) * NS,
        filters,
        arguments.parser or None,
        conditions,
        arguments.limit,
        "backward" if arguments.newest else "forward",
    )


def _matchers(world: World, arguments: SearchArguments) -> tuple[LabelMatcher, ...]:
    label = world.inventory.labels.logs.container
    if arguments.containers:
        return (LabelMatcher(label, "=~", members_pattern(arguments.containers, promql=False)),)
    if not arguments.service:
        return everything(world)
    service = world.inventory.service(arguments.service)
    if service is None:
        raise UnknownThing(f"no service {arguments.service!r} in the inventory")
    ways = matchers_of(world, service)
    if not ways:
        raise UnknownThing(f"{arguments.service!r} lists no container")
    return ways[0]


def _described(arguments: SearchArguments, query: LogQuery) -> str:
    given = arguments.model_dump(exclude_defaults=True, exclude={"limit"})
    window = f"{clock(query.start_ns // NS)}..{clock(query.end_ns // NS)}"
    return f"lines {window} " + " ".join(f"{k}={v!r}" for k, v in given.items())


def _row(entry: LogEntry, label: str) -> str:
    return f"{clock(entry.ns // NS)} {entry.labels.get(label, '')}: {quote(entry.line, SHOWN_CHARACTERS)}"


def _instructions(world: World, entries: tuple[LogEntry, ...], label: str) -> list[Finding]:
    told = [(e, t) for e in entries if (t := instruction_in(e.line))]
    if not told:
        return []
    first, text = told[0]
    about = subject(world.inventory, first.labels.get(label, ""))
    return [
        Finding("instruction_in_data", about, 1.0, float(len(told)), since_ms=first.ns // NS, detail=quote(text, 120))
    ]


QUESTION = Question(
    name="logs.search",
    asks="Which log lines match these texts, patterns and fields?",
    needs=("logs",),
    finds=("instruction_in_data",),
    cost_s=1.5,
    arguments=SearchArguments,
    ask=ask,
)

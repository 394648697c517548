"""changes.between: the recorded changes of a window, as they were told, with no onset to compare them with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tools.evidence import Status, iso
from tools.question import Answer, Question
from tools.sources.changes import Change
from tools.wording import quote
from tools.world import Scope, World

MOST = 12


class BetweenArguments(BaseModel):
    """Unix milliseconds, both included; `service`: only its changes, and those that name no service."""

    model_config = ConfigDict(extra="forbid")
    start_ms: int = Field(ge=0)
    end_ms: int = Field(ge=0)
    service: str = Field(default="", max_length=200)


async def ask(world: World, scope: Scope, arguments: BetweenArguments) -> Answer:
    """The newest changes last; nothing after asked_at, nothing before what was captured."""
    assert world.changes is not None
    end = min(arguments.end_ms, scope.asked_at_ms)
    start = min(max(arguments.start_ms, world.earliest_ms or 0), end)
    found = await world.changes.between(start_ms=start, end_ms=end)
    kept = [c for c in found if arguments.service in ("", c.service) or not c.service]
    queries = (f"changes.between {iso(start)} {iso(end)}",)
    if not kept:
        text = f"No change was recorded from {iso(start)} to {iso(end)}."
        return Answer(text, status=Status.NO_DATA, queries=queries, window=(start, end))
    rows = [_row(c) for c in kept[-MOST:]]
    text = f"{len(kept)} changes: " + " ".join(f"{iso(r['at_ms'])} {r['what']}." for r in rows)
    return Answer(text, queries=queries, window=(start, end), notes={"rows": rows, "count": len(kept)})


def _row(change: Change) -> dict[str, Any]:
    build = f"build {change.build}" if change.build else ""
    by = f"by {change.by}" if change.by else ""
    mode = f"mode {change.mode}" if change.mode else ""
    what = " ".join(x for x in (change.kind, change.service, change.colour, build, mode, by) if x)
    told = f": {change.text}" if change.text else ""
    return {"at_ms": change.at_ms, "what": quote(what + told, 110), "service": change.service}


QUESTION = Question(
    name="changes.between",
    asks="Which changes were recorded between these moments?",
    needs=("changes",),
    finds=(),
    cost_s=0.3,
    arguments=BetweenArguments,
    ask=ask,
)

"""changes.recent: what was deployed, switched or configured, how long before the onset, and what it touched.

A change after the onset cannot have begun it, and one on no path to the symptom is most likely innocent: both are told.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from tools.findings import Finding, Subject
from tools.question import Answer, Question
from tools.sources.changes import Change
from tools.sources.inventory import Inventory
from tools.sources.routing import BOTH
from tools.subjects import path_of
from tools.windows import first_ms
from tools.wording import clock, number, quote, sig
from tools.world import Scope, World

PLANNED_MODES = ("load_test", "maintenance", "drill", "drain")
AFTER_S = -15.0  # the onset is an estimate: a change a few seconds later may still be its cause
AT_ONCE_S = 45.0
NEAR_S = 120.0
FAR_S = 900.0


class ChangesArguments(BaseModel):
    """`symptom`: the service whose users suffer, for `on_path`; empty: every routed, api or proxy service."""

    model_config = ConfigDict(extra="forbid")
    symptom: str = ""


async def ask(world: World, scope: Scope, arguments: ChangesArguments) -> Answer:
    """Every change from the baseline's start to asked_at, newest last."""
    assert world.changes is not None
    start = first_ms(world, scope)
    changes = await world.changes.between(start_ms=start, end_ms=scope.asked_at_ms)
    queries = (f"changes.between {clock(start)} {clock(scope.asked_at_ms)}",)
    if not changes:
        found = Finding("no_change", Subject(), 1.0)
        return Answer("No change was recorded in the window.", (found,), queries=queries)
    path = symptom_path(world.inventory, arguments.symptom)
    findings = [f for c in changes[-40:] for f in _facts(world.inventory, c, scope.incident[0], path)]
    lines = [_line(c, scope.incident[0]) for c in changes[-6:]]
    more = f"{len(changes)} changes; the last: " if len(changes) > 6 else ""
    return Answer(more + " ".join(lines), tuple(findings), queries=queries)


def symptom_path(inventory: Inventory, symptom: str = "") -> frozenset[str]:
    """Services that can hurt the symptom's service, or, without one, whatever faces users."""
    if symptom:
        return path_of(inventory, symptom)
    facing = [s.name for s in inventory.services if s.routed or s.kind in ("api", "proxy")]
    return frozenset().union(*(path_of(inventory, name) for name in facing))


def touched(inventory: Inventory, change: Change) -> tuple[str, ...]:
    """Containers a change touched: its colour's, else all of its service's."""
    service = inventory.service(change.service)
    if service is None:
        return ()
    return service.colours.get(change.colour, ()) if change.colour else service.members()


def _facts(inventory: Inventory, change: Change, onset: int, path: frozenset[str]) -> list[Finding]:
    members = touched(inventory, change)
    owner = inventory.service(change.service)
    about = Subject(
        service=change.service,
        colour=change.colour,
        container=members[0] if len(members) == 1 else "",
        cluster=owner.cluster if owner else "",
    )
    before = (onset - change.at_ms) / 1000
    extra = {
        "kind": change.kind,
        "build": change.build,
        "by": quote(change.by, 60),
        "mode": change.mode,
        "containers": list(members),
        "before_onset": before >= AFTER_S,
        "on_path": None if not path or not change.service else change.service in path,
        **({"off_path": True} if path and change.service and change.service not in path else {}),
        **(
            {"attributes": {quote(k, 40): quote(v, 60) for k, v in list(change.attributes.items())[:8]}}
            if change.attributes
            else {}
        ),
    }
    detail = quote(" ".join(x for x in (change.kind, change.service, change.colour, change.build, change.text) if x))
    out = [
        Finding(
            "change_in_window", about, _strength(before), sig(before), since_ms=change.at_ms, detail=detail, extra=extra
        )
    ]
    if change.kind == "planned" or change.mode in PLANNED_MODES:
        out.append(
            Finding(
                "planned_activity",
                about,
                1.0,
                sig(before),
                since_ms=change.at_ms,
                detail=detail,
                extra={"kind": change.kind, "mode": change.mode},
            )
        )
    if change.mode == BOTH:
        out.append(Finding("both_colours_declared", about, 1.0, since_ms=change.at_ms, detail=detail))
    return out


def _strength(before_s: float) -> float:
    """1 up to 45 s before the onset, 0.7 at two minutes, 0.2 at a quarter of an hour; 0.1 for one that came after."""
    if before_s < AFTER_S:
        return 0.1
    if before_s <= NEAR_S:
        return 1.0 - 0.3 * max(0.0, before_s - AT_ONCE_S) / (NEAR_S - AT_ONCE_S)
    return max(0.2, 0.7 - 0.5 * (before_s - NEAR_S) / (FAR_S - NEAR_S))


def _line(change: Change, onset: int) -> str:
    away = (onset - change.at_ms) / 1000
    when = f"{number(abs(away))} s {'before' if away >= 0 else 'after'} the onset"
    build = f"build {change.build}" if change.build else ""
    what = " ".join(x for x in (change.kind, change.service, change.colour, build) if x)
    mode = f" (mode {change.mode})" if change.mode else ""
    return f"{clock(change.at_ms)} {quote(what, 80)}{mode}, {when}."


QUESTION = Question(
    name="changes.recent",
    asks="What was deployed, switched, configured or announced, how long before the onset, touching what?",
    needs=("changes",),
    finds=("change_in_window", "planned_activity", "no_change", "both_colours_declared"),
    cost_s=0.5,
    arguments=ChangesArguments,
    ask=ask,
)

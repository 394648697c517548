"""bluegreen.views: which colour is active: declared, loaded, and observed in traffic and work.

The views can disagree; a view that cannot be read is a gap and never agrees with anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from config.errors import NotCaptured, UnknownThing
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.question import Answer, Question
from tools.roles import modes, read_roles
from tools.sources.changes import Change
from tools.sources.inventory import Inventory, Service
from tools.sources.routing import BOTH, UNKNOWN, RouteView
from tools.traffic import Observed, observe
from tools.windows import first_ms
from tools.wording import clock, quote
from tools.world import Scope, World

OBSERVED_MS = 120_000
SETTLED_MS = 120_000


class ViewsArguments(BaseModel):
    """`service`: a routed service; empty for all of them."""

    model_config = ConfigDict(extra="forbid")
    service: str = ""


@dataclass(frozen=True)
class Views:
    """What is known of one service: colours by view, when the active one last changed, and why views are missing."""

    service: Service
    colours: Mapping[str, str]
    unknown: Mapping[str, str]
    since_ms: int | None
    observed: Observed
    both: bool
    both_since_ms: int | None


async def ask(world: World, scope: Scope, arguments: ViewsArguments) -> Answer:
    """Reads every view of each routed service, and the traffic of its last two minutes."""
    services = [s for s in world.inventory.services if s.routed and arguments.service in ("", s.name)]
    if arguments.service and not services:
        raise UnknownThing(f"{arguments.service!r} is not a routed service of the inventory")
    if not services:
        return Answer("The inventory lists no routed service.", status=Status.NO_DATA)
    changes = await _changes(world, first_ms(world, scope), scope.asked_at_ms)
    read = await asyncio.gather(*(_read(world, scope, s, changes) for s in services))
    findings = tuple(f for views in read for f in _facts(world.inventory, scope, views))
    text = " ".join(_sentence(views) for views in read)
    gaps = tuple(f"{v.service.name} {name}: {why}" for v in read for name, why in v.unknown.items())
    queries = ("routing.views", *(v.observed.query for v in read if v.observed.query))
    told = any(set(v.colours) - {"observed"} for v in read)  # traffic alone is no word on what is declared or loaded
    status = Status.OK if findings and told else Status.NO_DATA
    return Answer(text, findings, status, queries=queries, notes={"gaps": gaps})


async def _changes(world: World, start: int, end: int) -> tuple[Change, ...]:
    if world.changes is None:
        return ()
    try:
        return await world.changes.between(start_ms=start, end_ms=end)
    except NotCaptured:
        return ()


async def _read(world: World, scope: Scope, service: Service, changes: tuple[Change, ...]) -> Views:
    assert world.routing is not None
    end = scope.asked_at_ms
    views, roles = await asyncio.gather(_present(world, service.name, end), read_roles(world, scope))
    spans = roles.spans.get(service.name, ())
    last = spans[-1] if spans else None
    since = last.start_ms if last and last.began else None
    start = max(first_ms(world, scope), end - OBSERVED_MS, min(since or 0, end - 15_000))
    observed = await observe(world, service, start, end, usual_at_ms=scope.incident[0])
    known = {v.view: v.colour for v in views if v.colour != UNKNOWN}
    if observed.colour != UNKNOWN and not (observed.faint and known and observed.colour not in known.values()):
        known["observed"] = observed.colour
    declared = [at for at, both in modes(changes, service.name)[-1:] if both]
    viewed = [v for v in views if v.colour == BOTH]
    return Views(
        service,
        known,
        {v.view: quote(v.detail) for v in views if v.colour == UNKNOWN},
        since,
        observed,
        bool(declared or viewed),
        next((v.since_ms for v in viewed), None) or next(iter(declared), None),
    )


async def _present(world: World, service: str, at_ms: int) -> tuple[RouteView, ...]:
    assert world.routing is not None
    try:
        return await world.routing.views(service, at_ms=at_ms)
    except NotCaptured:
        return ()


def _facts(inventory: Inventory, scope: Scope, views: Views) -> list[Finding]:
    name, cluster = views.service.name, views.service.cluster
    colours, out = views.colours, list[Finding]()
    if views.both:
        out.append(
            Finding(
                "both_colours_declared",
                Subject(service=name, cluster=cluster),
                1.0,
                since_ms=views.both_since_ms,
                detail=_listing(colours),
            )
        )
    named = {c for c in colours.values() if c != BOTH}
    if len(set(colours.values())) == 1 and len(colours) >= 2:
        strength = min(1.0, 0.4 + 0.2 * len(colours)) if len(colours) < 3 else 1.0
        out.append(
            Finding(
                "views_agree",
                Subject(service=name, cluster=cluster),
                strength,
                float(len(colours)),
                detail=_listing(colours),
                extra={"views": dict(colours)},
            )
        )
    if len(named) > 1 and not views.both:
        out.append(_disagreement(inventory, scope, views))
    if len(named) == 1 and not views.both:
        colour = next(iter(named))
        out.append(
            Finding(
                "active_colour",
                Subject(service=name, colour=colour, cluster=cluster),
                min(1.0, 0.4 + 0.2 * len(colours)),
                since_ms=views.since_ms,
                detail=_listing(colours),
                extra={"views": dict(colours)},
            )
        )
    return out


def _disagreement(inventory: Inventory, scope: Scope, views: Views) -> Finding:
    """Traffic alone may lag behind a recent switch (long-lived streams drain): then it weighs less."""
    told = {c for v, c in views.colours.items() if v != "observed"}
    settled = views.since_ms is None or scope.asked_at_ms - views.since_ms >= SETTLED_MS
    strength = 1.0 if len(told - {BOTH}) > 1 else 0.9 if settled else 0.5
    return Finding(
        "views_disagree",
        _router(inventory, views.service),
        strength,
        since_ms=views.since_ms,
        detail=_listing(views.colours),
        extra={"views": dict(views.colours), "only_traffic": len(told - {BOTH}) <= 1, "routed": views.service.name},
    )


def _router(inventory: Inventory, routed: Service) -> Subject:
    """Who routes: the only proxy in front of the service, else the service itself."""
    proxies = [s for s in inventory.services if s.kind == "proxy"]
    front = [s for s in proxies if routed.name in s.depends_on] or proxies
    if len(front) != 1:
        return Subject(service=routed.name, cluster=routed.cluster)
    members = front[0].members()
    return Subject(service=front[0].name, container=members[0] if len(members) == 1 else "", cluster=front[0].cluster)


def _listing(colours: Mapping[str, str]) -> str:
    return ", ".join(f"{view} {colour}" for view, colour in colours.items())


def _sentence(views: Views) -> str:
    name = views.service.name
    parts = [f"{name}: {_listing(views.colours) or 'no view of the active colour is known'}"]
    if views.observed.shares:
        shares = ", ".join(f"{c} {x:g}" for c, x in views.observed.shares.items())
        parts.append(f"share of {views.observed.by}: {shares}")
    if views.since_ms:
        parts.append(f"last switched at {clock(views.since_ms)}")
    if views.both:
        parts.append("both colours are declared to serve")
    if views.unknown:
        parts.append("unknown: " + ", ".join(views.unknown))
    return "; ".join(parts) + "."


QUESTION = Question(
    name="bluegreen.views",
    asks="Which colour is declared, loaded by the proxy and observed in traffic, and do these agree?",
    needs=("routing",),
    finds=("active_colour", "views_agree", "views_disagree", "both_colours_declared"),
    cost_s=1.5,
    arguments=ViewsArguments,
    ask=ask,
)

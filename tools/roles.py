"""Which role each container had, and since when: active, standby, both or unknown ("").

The active colour of a routed service comes from what the proxy has loaded, else from what is declared; where the two
disagree, or nothing is known, the role stays unknown: nobody is called standby because of a name. Where routing cannot
be read at all, the colour that gets the traffic is taken, and `by` says so. Services that `follow` take over the
colour of the one they follow. A declared mode `both` makes every colour a `both`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from config.errors import CulpritError
from tools.sources.changes import Change
from tools.sources.inventory import Inventory, Service
from tools.sources.routing import BOTH, UNKNOWN, RouteView
from tools.traffic import observe
from tools.windows import first_ms
from tools.world import Scope, World

ACTIVE, STANDBY = "active", "standby"
READINGS = 13
PREFERENCE = ("loaded", "declared_container", "declared_host")


@dataclass(frozen=True)
class ColourSpan:
    """The active colour of a routed service over [start, end). `began` is false where it began before the window."""

    start_ms: int
    end_ms: int
    colour: str
    by: str
    began: bool = True


@dataclass(frozen=True)
class Roles:
    """Spans by routed service, oldest first; every lookup goes through the inventory."""

    inventory: Inventory
    spans: Mapping[str, tuple[ColourSpan, ...]]
    gaps: tuple[str, ...] = ()

    def role(self, container: str, at_ms: int) -> str:
        """active, standby, both, or "" for unknown and for services without colours."""
        span = self._span(container, at_ms)
        return "" if span is None else self._role_in(container, span)

    def by(self, container: str, at_ms: int) -> str:
        """Which view the role was read from."""
        span = self._span(container, at_ms)
        return "" if span is None else span.by

    def since(self, container: str, at_ms: int) -> int | None:
        """When the present role began; None when that was before the window or the role is unknown."""
        held = self.held(container, self.role(container, at_ms))
        span = next((s for s in held if s.start_ms <= at_ms <= s.end_ms), None)
        return span.start_ms if span and span.began else None

    def held(self, container: str, role: str) -> tuple[ColourSpan, ...]:
        """The spans in which a container had a role, neighbours joined."""
        out: list[ColourSpan] = []
        for span in self._spans_of(container):
            if not role or self._role_in(container, span) != role:
                continue
            if out and out[-1].end_ms == span.start_ms:
                out[-1] = replace(out[-1], end_ms=span.end_ms)
            else:
                out.append(span)
        return tuple(out)

    def changed(self, container: str, start_ms: int, end_ms: int) -> bool:
        """Whether the container had two different known roles in the window."""
        roles = {self.role(container, start_ms), self.role(container, end_ms)} - {""}
        return len(roles) > 1

    def expected_to_work(self, container: str, at_ms: int) -> bool:
        """Active, both, or a member of a service that has no colours."""
        owner = self.inventory.service_of(container)
        return self.role(container, at_ms) in (ACTIVE, BOTH) or (owner is not None and not owner.colours)

    def _spans_of(self, container: str) -> tuple[ColourSpan, ...]:
        owner = self.inventory.service_of(container)
        if owner is None or not owner.colour_of(container):
            return ()
        return self.spans.get(leader(owner), ())

    def _span(self, container: str, at_ms: int) -> ColourSpan | None:
        spans = self._spans_of(container)
        return next((s for s in reversed(spans) if s.start_ms <= at_ms), None)

    def _role_in(self, container: str, span: ColourSpan) -> str:
        owner = self.inventory.service_of(container)
        if owner is None or span.colour == UNKNOWN:
            return ""
        if span.colour == BOTH:
            return BOTH
        return ACTIVE if owner.colour_of(container) == span.colour else STANDBY


def leader(service: Service) -> str:
    """The routed service whose colour decides this one's roles; "" for none."""
    return service.name if service.routed else service.follows


def chosen(views: Sequence[RouteView]) -> tuple[str, str, int | None]:
    """(colour, by, since) that the known views give; (`unknown`, why, None) where they disagree or none is known."""
    known = [v for name in PREFERENCE for v in views if v.view == name and v.colour != UNKNOWN]
    colours = {v.colour for v in known}
    if not known:
        return UNKNOWN, "no view could be read", None
    if len(colours) > 1:
        return UNKNOWN, "views disagree: " + ", ".join(f"{v.view} {v.colour}" for v in known), None
    return known[0].colour, known[0].view, known[0].since_ms


def modes(changes: Sequence[Change], service: str) -> tuple[tuple[int, bool], ...]:
    """Moments at which the declared mode of a service became `both` (True) or something else (False)."""
    return tuple(
        (c.at_ms, c.mode == BOTH)
        for c in changes
        if c.service in ("", service) and (c.kind == "mode" or c.mode == BOTH)
    )


async def read_roles(world: World, scope: Scope) -> Roles:
    """Roles over baseline start .. asked_at. Never raises for a source: what could not be read is unknown."""
    start, end = first_ms(world, scope), scope.asked_at_ms
    changes = await _changes(world, start, end)
    leaders = {leader(s) for s in world.inventory.services if s.colours} - {""}
    services = [s for s in world.inventory.services if s.name in leaders]
    results = await asyncio.gather(*(_read_service(world, s, start, end, changes) for s in services))
    spans = {s.name: r for s, r in zip(services, results, strict=True)}
    gaps = tuple(
        f"the active colour of {name} is unknown: {parts[-1].by}"
        for name, parts in spans.items()
        if parts and parts[-1].colour == UNKNOWN
    )
    return Roles(world.inventory, spans, gaps)


async def _changes(world: World, start: int, end: int) -> tuple[Change, ...]:
    if world.changes is None:
        return ()
    try:
        return await world.changes.between(start_ms=start, end_ms=end)
    except CulpritError:
        return ()


async def _read_service(
    world: World, service: Service, start: int, end: int, changes: Sequence[Change]
) -> tuple[ColourSpan, ...]:
    switches = [c.at_ms for c in changes if c.kind in ("switch", "rollback") and c.service in ("", service.name)]
    moments = sorted({*(start + (end - start) * i // (READINGS - 1) for i in range(READINGS)), *switches, end})
    readings = await _views(world, service.name, [m for m in moments if start <= m <= end])
    spans = _spans(readings, start, end, switches)
    if not spans or all(s.colour == UNKNOWN and s.by == "no view could be read" for s in spans):
        seen = await observe(world, service, max(start, end - 120_000), end)
        spans = (ColourSpan(start, end, seen.colour, f"observed {seen.by}".strip(), began=False),)
    return _with_modes(spans, modes(changes, service.name))


async def _views(world: World, service: str, moments: Sequence[int]) -> list[tuple[int, tuple[RouteView, ...]]]:
    if world.routing is None:
        return []
    routing = world.routing

    async def read(at_ms: int) -> tuple[RouteView, ...]:
        try:
            return await routing.views(service, at_ms=at_ms)
        except CulpritError:  # a live proxy knows the present only
            return ()

    answers = await asyncio.gather(*(read(m) for m in moments))
    return [(m, views) for m, views in zip(moments, answers, strict=True) if views]


def _spans(
    readings: Sequence[tuple[int, tuple[RouteView, ...]]], start: int, end: int, switches: Sequence[int]
) -> tuple[ColourSpan, ...]:
    out: list[ColourSpan] = []
    last = start
    for at, views in readings:
        colour, by, since = chosen(views)
        earlier, last = last, max((v.at_ms for v in views), default=at)  # when it was really looked at
        if out and out[-1].colour == colour:
            continue
        if not out:
            out.append(_first_span(colour, by, since, at, start, end, switches))
            continue
        told = [s for s in (*switches, since) if s is not None and earlier < s <= at]
        moment = told[0] if told else at  # a recorded switch is exact; `since` may be when it was first seen
        out[-1] = replace(out[-1], end_ms=moment)
        out.append(ColourSpan(moment, end, colour, by))
    return tuple(out)


def _first_span(
    colour: str, by: str, since: int | None, at: int, start: int, end: int, switches: Sequence[int]
) -> ColourSpan:
    """What held before the first reading is known back to `since`, else to the last switch, else to the start."""
    moments = [s for s in ((since,) if since is not None else switches) if s is not None and start < s <= at]
    return ColourSpan(max(moments, default=start), end, colour, by, began=bool(moments))


def _with_modes(spans: tuple[ColourSpan, ...], declared: Sequence[tuple[int, bool]]) -> tuple[ColourSpan, ...]:
    for index, (at, both) in enumerate(declared):
        if both:
            until = next((t for t, _ in declared[index + 1 :]), None)
            spans = _overlay(spans, at, until)
    return spans


def _overlay(spans: tuple[ColourSpan, ...], start: int, until: int | None) -> tuple[ColourSpan, ...]:
    end = spans[-1].end_ms if until is None else until
    kept = [replace(s, end_ms=min(s.end_ms, start)) for s in spans if s.start_ms < start]
    after = [replace(s, start_ms=max(s.start_ms, end)) for s in spans if s.end_ms > end]
    return (*kept, ColourSpan(start, end, BOTH, "declared mode"), *after)

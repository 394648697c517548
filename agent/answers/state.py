"""What is there now: colours, what runs and why, owner, place, build, inventory, differences. Live, beside the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.answers.asking import Asking, findings_of, rows_of
from agent.answers.phrases import moment, phrase, phrases
from agent.intents.entities import listed_names
from agent.prose import number
from tools.sources.inventory import Service

NEAR_START_MS = 180_000


async def active_colour(asking: Asking) -> None:
    """Every view of each routed service; where the work goes elsewhere than the traffic, that too."""
    routed = [s for s in asking.known.inventory.services if s.routed]
    leaders = {s.follows or s.name for s in asking.known.inventory.services if s.name in asking.services()}
    evidence = await asking.ask("bluegreen.views")
    if evidence is None:
        return
    for finding in findings_of(evidence, "active_colour", "views_disagree", "both_colours_declared"):
        service = finding.subject.service
        if leaders & {s.name for s in routed} and service not in leaders:
            continue
        if finding.kind != "active_colour":
            asking.tell(finding, evidence)
            continue
        asked = next((c for c in asking.entities.colours if len(asking.entities.colours) == 1), "")
        key = "colour.active" if not asked else "colour.yes" if asked == finding.subject.colour else "colour.no"
        asking.claim(key, evidence, service=service, colour=finding.subject.colour, asked=asked,
                     views=_views(finding.extra.get("views", {}), asking.lang))
    for gap in rows_of(evidence, "gaps"):
        name, _, why = str(gap).partition(": ")
        asking.gap("bluegreen.views", phrase("colour.unread", asking.lang, what=name, why=why))
    work = await asking.ask("logs.activity")
    if work is not None:
        for finding in findings_of(work, "work_by_waiting_role"):
            asking.tell(finding, work)


def _views(views: Mapping[str, str], lang: str) -> str:
    named = phrases(lang)
    return ", ".join(f"{named.get(f'view.{view}', view)} {colour}" for view, colour in views.items())


async def what_runs(asking: Asking) -> None:
    """State, role and age of the containers; what started them; what they do."""
    names = asking.containers()
    roster = await asking.ask("containers.roster", containers=list(names)[:40])
    for row in rows_of(roster)[:4]:
        asking.claim("roster.row", roster, **_told(asking, row))
    mismatches(asking, roster)
    await _started_by(asking, roster)
    work = await asking.ask("logs.activity")
    if work is not None:
        for finding in findings_of(work):
            if finding.subject.container in names:
                asking.tell(finding, work)
    views = await asking.ask("bluegreen.views") if asking.world.routing is not None else None
    if views is not None:
        for finding in findings_of(views, "both_colours_declared"):
            asking.tell(finding, views)


async def _started_by(asking: Asking, roster: Mapping[str, Any] | None) -> None:
    """The last change of its service that was recorded within three minutes of its start."""
    for row in rows_of(roster)[:2]:
        started = row["started_ms"]
        if started is None or row["state"] != "running" or asking.world.changes is None:
            continue
        changes = await asking.ask("changes.between", service=row["service"], start_ms=started - NEAR_START_MS,
                                   end_ms=started + NEAR_START_MS)
        near = [r for r in rows_of(changes) if r["service"] == row["service"]]
        if near:
            nearest = min(near, key=lambda r: (not _names_colour(r["what"], row["colour"]), abs(r["at_ms"] - started)))
            what = f"{moment(nearest['at_ms'], asking.zone)} {nearest['what']}"
            asking.claim("started_by", roster, changes, container=row["container"],
                         since=moment(started, asking.zone), what=what)


def _names_colour(what: str, colour: str) -> bool:
    return not colour or f" {colour} " in f" {what} "


def mismatches(asking: Asking, roster: Mapping[str, Any] | None) -> None:
    """Where what is there differs from what is listed."""
    for key, name in (("roster.unlisted", "unlisted"), ("roster.missing", "missing")):
        names = rows_of(roster, name)
        if names:
            asking.claim(key, roster, names=listed_names(names))
    listed_hosts = {h.name for h in asking.known.inventory.hosts}
    for row in rows_of(roster):
        if listed_hosts and row["host"] and row["host"] not in listed_hosts:
            asking.claim("roster.host_unlisted", roster, container=row["container"], host=row["host"])


def _told(asking: Asking, row: Mapping[str, Any]) -> dict[str, Any]:
    since = row["started_ms"] if row["state"] == "running" else None
    return {**row, "since": moment(since, asking.zone) if since is not None else ""}


async def where(asking: Asking) -> None:
    """Host and cluster of each container named; of a host, what runs there."""
    host = asking.entities.hosts[0] if asking.entities.hosts and not asking.containers() else ""
    roster = await asking.ask("containers.roster", containers=list(asking.containers())[:40], host=host)
    for row in rows_of(roster)[:6]:
        asking.claim("roster.where", roster, **_told(asking, row))
    mismatches(asking, roster)


async def version(asking: Asking) -> None:
    """The image of each container, and where like instances differ."""
    roster = await asking.ask("containers.roster", containers=list(asking.containers())[:40])
    for row in rows_of(roster)[:6]:
        asking.claim("roster.image", roster, **_told(asking, row))
    peers = await asking.ask("drift.peers", service=(asking.services() or ("",))[0])
    if peers is not None:
        for finding in findings_of(peers, "image_differs"):
            asking.tell(finding, peers)


async def owner(asking: Asking) -> None:
    """The listed owner, and whether what is listed is there."""
    for name in asking.services()[:4]:
        service = asking.known.inventory.service(name)
        described = await asking.ask("inventory.describe", service=name)
        if service is not None and described is not None:
            asking.claim("owner.is" if service.owner else "owner.none", described, service=name, owner=service.owner)
        if service is not None and service.members() and asking.world.containers is not None:
            mismatches(asking, await asking.ask("containers.roster", service=name))


async def inventory(asking: Asking) -> None:
    """The services named, or all; with what is there and not listed."""
    named = asking.services()
    for service in asking.known.inventory.services:
        if named and service.name not in named:
            continue
        described = await asking.ask("inventory.describe", service=service.name)
        asking.claim("inventory.row", described, **_listed(asking, service))
    if asking.world.containers is not None:
        mismatches(asking, await asking.ask("containers.roster", service=named[0] if len(named) == 1 else ""))


def _listed(asking: Asking, service: Service) -> dict[str, str]:
    needed_by = [s.name for s in asking.known.inventory.services if service.name in s.depends_on]
    return {"service": service.name, "kind": service.kind, "owner": service.owner,
            "containers": listed_names(service.members()), "needs": listed_names(service.depends_on),
            "needed_by": listed_names(needed_by)}


async def compare(asking: Asking) -> None:
    """Image, limits and configuration of like instances, then who does how much of the work."""
    service = (asking.services() or ("",))[0]
    peers = await asking.ask("drift.peers", service=service)
    if peers is not None:
        differing = findings_of(peers, "image_differs", "limit_differs", "config_differs")
        for finding in differing[:5]:
            asking.tell(finding, peers)
        if not differing:
            asking.claim("compare.same", peers, service=service)
    rates = await asking.ask("work.rates", service=service)
    tell_shares(asking, rates, asking.containers())


def tell_shares(asking: Asking, rates: Mapping[str, Any] | None, only: Sequence[str] = ()) -> int:
    """One claim a container that did work; how many were told."""
    told = 0
    for row in rows_of(rates):
        for c in row["containers"][:6]:
            if not only or c["container"] in only:
                told += asking.claim("consumers.row", rates, container=c["container"], role=c["role"],
                                     handled=c["handled"], service=row["service"], unit=row["unit"],
                                     share=share(c["share"]))
    return told


def share(value: float) -> str:
    """A share as percent, with a decimal where it is small."""
    return number(value, "share") if value >= 0.1 else f"{value * 100:.3g} %"

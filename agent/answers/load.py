"""How it goes: errors, latency, queue, who does the work, resources, and whether the rest could carry the load."""

from __future__ import annotations

from collections.abc import Sequence

from agent.answers.asking import Asking, findings_of, rows_of
from agent.answers.phrases import moment
from agent.answers.state import share, tell_shares
from agent.intents.entities import listed_names
from agent.prose import number
from tools.evidence import parse_iso
from tools.findings import Finding

RESOURCES = ("level_changed", "saturation", "throttling", "egress_new", "trend", "host_pressure", "pressure_owner")


async def errors(asking: Asking) -> None:
    """Failures of the work, and what users see of them."""
    rates = await asking.ask("work.rates", service=_one(asking))
    for row in rows_of(rates):
        if not row["failures_known"]:
            asking.claim("errors.unknown", rates, service=row["service"])
        elif row["failed_share"] is not None:
            asking.claim("errors.row", rates, service=row["service"], failed=row["failed"], handled=row["handled"],
                         unit=row["unit"], share=share(row["failed_share"]))
    work = await asking.ask("logs.activity", service=_one(asking))
    for finding in findings_of(work, "failures_concentrated"):
        asking.tell(finding, work or {})
    await _users(asking, "user_errors_up")


async def latency(asking: Asking) -> None:
    """How long finished work took, which part got slower, what users wait for."""
    rates = await asking.ask("work.rates", service=_one(asking))
    for row in rows_of(rates):
        if row.get("field"):
            asking.claim("latency.row", rates, service=row["service"], field=row["field"], read=row["read"],
                         median=number(row["median"], ""), tail=number(row["tail"], ""), unit=row["unit"])
    segments = await asking.ask("logs.segments", service=_one(asking))
    for finding in findings_of(segments, "segment_slower", "dependency_slow")[:3]:
        asking.tell(finding, segments or {})
    await _users(asking, "user_latency_up", "user_healthy")


async def _users(asking: Asking, *kinds: str) -> None:
    if asking.world.metrics is None:
        return
    onset = await asking.ask("metrics.onset")
    for finding in findings_of(onset, *kinds)[:3]:
        asking.tell(finding, onset or {})


async def queue(asking: Asking) -> None:
    """Readings of the broker where they are connected; else what was handed out against what finished."""
    if asking.world.queues is not None:
        state = await asking.ask("queues.state")
        for finding in findings_of(state):
            asking.tell(finding, state or {})
    rates = await asking.ask("work.rates")
    for row in rows_of(rates):
        if row["unfinished"] is not None and rates is not None:
            start = moment(parse_iso(rates["window"][0]), asking.zone)
            asking.claim("queue.unfinished", rates, service=row["service"], unfinished=row["unfinished"],
                         unit=row["unit"], start=start)
    work = await asking.ask("logs.activity")
    for finding in findings_of(work, "completion_gap", "work_stopped"):
        asking.tell(finding, work or {})


async def consumers(asking: Asking) -> None:
    """Who did how much of the work, and who should not have."""
    wanted = [s.name for s in asking.known.inventory.services if s.work is not None and s.kind == "worker"]
    named = [s for s in asking.services() if s in wanted] or (wanted if len(wanted) == 1 else [])
    rates = await asking.ask("work.rates", service=named[0] if len(named) == 1 else "")
    if rates is not None and not tell_shares(asking, rates):
        asking.claim("consumers.none", rates, start=moment(parse_iso(rates["window"][0]), asking.zone))
    work = await asking.ask("logs.activity")
    for finding in findings_of(work, "work_by_waiting_role", "drain_decaying"):
        asking.tell(finding, work or {})
    if asking.world.queues is not None:
        state = await asking.ask("queues.state")
        for finding in findings_of(state, "extra_consumer"):
            asking.tell(finding, state or {})


async def resources(asking: Asking) -> None:
    """What moved or is at its limit: of the containers named, else of all and the hosts."""
    names, told = asking.containers(), 0
    asked = ["metrics.change", "containers.limits", *(() if names else ("metrics.host",))]
    answered = []
    for question in asked:
        evidence = await asking.ask(question)
        if evidence is None:
            continue
        answered.append(evidence)
        kept = [f for f in findings_of(evidence, *RESOURCES) if not names or f.subject.container in names]
        told += sum(asking.tell(f, evidence) for f in kept[:4])
    if answered and not told:
        asking.claim("resources.quiet", *answered, who=listed_names(names))


async def capacity(asking: Asking) -> None:
    """Could the rest carry the load: without what was named; else without one running instance of each service."""
    clusters = asking.known.clusters()
    if len(clusters) > 1 and (asking.entities.clusters or "cluster" in asking.masked or "클러스터" in asking.masked):
        leaving = asking.entities.clusters[:1] or clusters[:1]
        evidence = await asking.ask("capacity.clusters", leaving_cluster=leaving[0])
        for finding in findings_of(evidence, "capacity_enough", "capacity_short"):
            asking.tell(finding, evidence or {})
        return
    named = set(asking.entities.containers)
    for service in asking.known.inventory.services:
        if service.work is None or not service.colours or (asking.services() and service.name not in asking.services()):
            continue
        leaving_names = [m for m in service.members() if m in named] or [
            m for c in asking.entities.colours for m in service.colours.get(c, ())]
        if not leaving_names:
            roster = await asking.ask("containers.roster", service=service.name)
            running = [r for r in rows_of(roster) if r["state"] == "running"]
            running.sort(key=lambda r: r["role"] != "active")
            leaving_names = [r["container"] for r in running[:1]]
        if leaving_names:
            await without(asking, service.name, leaving_names)


async def without(asking: Asking, service: str, leaving: Sequence[str]) -> Finding | None:
    """Told as a claim; the finding, or None where it could not be said."""
    evidence = await asking.ask("capacity.without", service=service, containers=list(leaving))
    found = findings_of(evidence, "capacity_enough", "capacity_short")
    if not found:
        if evidence is not None:
            asking.claim("capacity.unknown", evidence, service=service, leaving=listed_names(leaving))
        return None
    extra = found[0].extra
    roster = await asking.ask("containers.roster", service=service) if asking.world.containers is not None else None
    key = found[0].kind.replace("_", ".") if extra.get("staying") else "capacity.nobody"
    asking.claim(key, evidence, roster, service=service, leaving=listed_names(leaving),
                 load=number(extra["load_per_second"], ""), capacity=number(extra["capacity_per_second"], ""),
                 staying=listed_names(extra.get("staying", ())),
                 value="" if found[0].value is None else number(found[0].value, "load / capacity"))
    return found[0]


def _one(asking: Asking) -> str:
    named = asking.services()
    return named[0] if len(named) == 1 else ""

"""logs.silence: which streams that always speak say nothing now; when all fall silent at once, ask the shipper."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from config.errors import CulpritError
from tools.analysis.activity import usual_gap
from tools.analysis.robust import Floats
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.log_lines import everything
from tools.question import Answer, NoArguments, Question
from tools.roles import STANDBY, read_roles
from tools.sources.logs import CountSeries, LogQuery
from tools.subjects import subject
from tools.windows import NS
from tools.wording import clock, listed, number, sig
from tools.work import bins
from tools.world import Scope, World

GAPS = 4.0
LEAST_MS = 30_000
TOGETHER = 0.8
TOGETHER_MS = 30_000


async def ask(world: World, scope: Scope, arguments: NoArguments) -> Answer:
    """Counts every container's lines in short bins and looks at how long each has been silent."""
    assert world.logs is not None
    first, last, step = bins(world, scope)
    label = world.inventory.labels.logs.container
    query = LogQuery(everything(world), first * NS, last * NS)
    host = world.inventory.labels.logs.host
    counted, running, roles = await asyncio.gather(
        world.logs.count(query, (label, *([host] if host else [])), step),
        _running(world, scope),
        read_roles(world, scope),
    )
    shown = (f"count by {label} [{step // 1000}s]",)
    if not counted.series:
        return Answer("No stream spoke in the window.", status=Status.NO_DATA, queries=shown)
    findings, gaps, longest = list[Finding](), list[float](), 0.0
    for series in counted.series:
        name = series.labels.get(label, "")
        moments = np.array(series.ms, dtype=np.float64)
        quiet, usual = last - float(moments[-1]), max(usual_gap(moments), step)
        stopped = running is not None and name not in running
        if moments.size < 5 or stopped:
            continue
        longest = max(longest, quiet)
        gaps.append(usual)
        if quiet < max(GAPS * usual, LEAST_MS):
            continue
        if roles.role(name, scope.asked_at_ms) == STANDBY and roles.changed(name, first, last):
            continue  # it lost its role: to fall silent is what it should do
        about = subject(world.inventory, name, role=roles.role(name, scope.asked_at_ms))
        findings.append(
            Finding(
                "silence",
                about,
                min(1.0, quiet / (10 * usual)),
                sig(quiet / 1000),
                sig(usual / 1000),
                since_ms=int(moments[-1]),
                extra={"running": None if running is None else True},
            )
        )
    judged = sum(longest >= max(GAPS * usual, LEAST_MS) for usual in gaps)  # who speaks seldom is not missed yet
    together = _together(findings, judged, last, _host(world, counted.series))
    if together is not None:
        findings.insert(0, together)
    newest = max(s.ms[-1] for s in counted.series)
    return Answer(_text(findings, len(counted.series)), tuple(findings[:40]), queries=shown, as_of_ms=newest)


async def _running(world: World, scope: Scope) -> frozenset[str] | None:
    """Names of running containers; None where that is not known."""
    if world.containers is None:
        return None
    try:
        return frozenset(c.name for c in await world.containers.list(at_ms=scope.asked_at_ms) if c.state == "running")
    except CulpritError:
        return None


def _host(world: World, series: Sequence[CountSeries]) -> str:
    """The host all streams name; where they name none, the only application host that is listed; else ""."""
    label, hosts = world.inventory.labels.logs.host, world.inventory.hosts
    named = {s.labels.get(label, "") for s in series} if label else {""}
    if len(named) == 1 and named != {""}:
        name = next(iter(named))
        return next((h.name for h in hosts if name in (h.name, h.instance)), name)
    listed_hosts = [h.name for h in hosts if h.role != "monitoring"]
    return listed_hosts[0] if named == {""} and len(listed_hosts) == 1 else ""


def _together(findings: list[Finding], live: int, last: int, host: str) -> Finding | None:
    """Nearly all running containers silent since the same moment: a shipper falls silent like that, no system."""
    moments: Floats = np.array([f.since_ms for f in findings], dtype=np.float64)
    if live < 3 or moments.size < TOGETHER * live or np.ptp(moments) > TOGETHER_MS:
        return None
    since = int(np.median(moments))
    return Finding(
        "stale_data",
        Subject(host=host, resource="logs"),
        1.0,
        sig((last - since) / 1000),
        since_ms=since,
        detail=f"{moments.size} of {live} streams fell silent together",
    )


def _text(findings: list[Finding], streams: int) -> str:
    silent = [f for f in findings if f.kind == "silence"]
    if not silent:
        return f"All {streams} streams speak as usual, or their containers are stopped."
    said = [
        f"{f.subject.container} for {number(f.value or 0)} s (usual gap {number(f.baseline or 0)} s) since "
        f"{clock(f.since_ms or 0)}"
        for f in silent
    ]
    together = [f"{f.detail}: the shipper or the store." for f in findings if f.kind == "stale_data"]
    return " ".join([f"Silent: {listed(said)}.", *together])


QUESTION = Question(
    name="logs.silence",
    asks="Which containers that always log have fallen silent, and did all of them at once?",
    needs=("logs",),
    finds=("silence", "stale_data"),
    cost_s=1.5,
    arguments=NoArguments,
    ask=ask,
)

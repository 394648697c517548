"""Prometheus and its kin: reachable, allowed, clock, freshness, what the questions need, and how labels map."""

from __future__ import annotations

import asyncio
import time

from config.errors import CulpritError
from config.settings import Sources
from tools.checkup.check import Check, Patient
from tools.evidence import iso
from tools.readings import members_pattern
from tools.sources.endpoints import http_reader
from tools.sources.metrics import Metrics
from tools.world import World

SKEW_S = 5.0
FAMILIES = {
    "container_cpu_usage_seconds_total": "CPU by container (cAdvisor)",
    "container_memory_working_set_bytes": "memory by container (cAdvisor)",
    "container_network_transmit_bytes_total": "traffic by container: the observed colour (cAdvisor)",
    "container_cpu_cfs_throttled_periods_total": "CPU throttling (cAdvisor)",
    "node_cpu_seconds_total": "CPU of hosts (node_exporter)",
}


async def check_prometheus(sources: Sources, world: World) -> list[Check]:
    """All checks; the first failure ends them, for the rest would fail alike."""
    patient = Patient(sources.cluster, "prometheus")
    metrics = world.metrics
    if metrics is None:
        return [patient.unset("no metrics: no latency, load, capacity or host questions", "Set world.prometheus.url.")]
    reached = await patient.tried("reachable", _version(sources))
    now = time.time_ns() // 1_000_000
    try:
        await metrics.instant("vector(1)", at_ms=now)
    except CulpritError as error:
        return [reached, patient.failed("queries", error)]
    found = await asyncio.gather(
        _clock(patient, sources), _targets(patient, metrics, now), _interval(patient, metrics, now, world),
        _past(patient, metrics, now, world), _mapping(patient, metrics, now, world),
        *(_family(patient, metrics, now, name) for name in FAMILIES), return_exceptions=True,
    )
    checks = [reached, patient.ok("queries", "answered")]
    for one in found:
        if isinstance(one, CulpritError):
            checks.append(patient.failed("queries", one))
        elif isinstance(one, BaseException):
            raise one
        else:
            checks.append(one)
    return checks


async def _version(sources: Sources) -> str:
    reader = http_reader("Prometheus", sources.prometheus)
    try:
        answer = await reader.json("/api/v1/status/buildinfo", "version")
        data = answer.get("data") if isinstance(answer, dict) else None
        return f"version {(data or {}).get('version', 'not told')}"
    except CulpritError as error:
        if "HTTP 404" in str(error):
            return "answers, and does not tell its version"
        raise
    finally:
        await reader.aclose()


async def _clock(patient: Patient, sources: Sources) -> Check:
    """`time()` without a moment is the server's own clock."""
    reader = http_reader("Prometheus", sources.prometheus)
    try:
        before = time.time()
        answer = await reader.json("/api/v1/query", "clock", {"query": "time()"})
        apart = float(answer["data"]["result"][1]) - (before + time.time()) / 2
    except (KeyError, TypeError, ValueError, IndexError):
        return patient.warn("clock", "its clock could not be read", "Compare the clocks by hand (`date -u`).")
    finally:
        await reader.aclose()
    if abs(apart) >= SKEW_S:
        return patient.fail("clock", f"{apart:+.0f} s from ours", "Run NTP on both machines: windows miss by as much.")
    return patient.ok("clock", f"{apart:+.1f} s from ours")


async def _targets(patient: Patient, metrics: Metrics, now: int) -> Check:
    up = await metrics.instant("up", at_ms=now)
    down = [s for s in up.series if s.values[-1] == 0]
    if not up.series:
        return patient.fail("targets", "no `up` series: nothing is scraped", "Check scrape_configs, or the tenant.")
    if down:
        names = ", ".join(f"{s.label('job')} {s.label('instance')}" for s in down[:5])
        return patient.warn("targets", f"{len(down)} of {len(up.series)} down: {names}",
                            "Bring them back, or remove them: what they measured is unknown.")
    return patient.ok("targets", f"{len(up.series)} up")


async def _interval(patient: Patient, metrics: Metrics, now: int, world: World) -> Check:
    """How often samples come, against what the settings say: rates are read over four of these."""
    counted = await metrics.instant("max(count_over_time(up[5m]))", at_ms=now)
    samples = float(counted.series[0].values[-1]) if counted.series else 0.0
    told = world.scrape_interval_ms / 1000
    if samples < 2:
        return patient.warn("scrape interval", "too few samples in five minutes", "Wait, or check the scrape interval.")
    seen = 300 / samples
    if not 0.6 <= seen / told <= 1.6:
        return patient.warn("scrape interval", f"about {seen:.0f} s, configured are {told:g} s",
                            f"Set world.scrape_interval_seconds: {seen:.0f}.")
    return patient.ok("scrape interval", f"about {seen:.0f} s")


async def _past(patient: Patient, metrics: Metrics, now: int, world: World) -> Check:
    """Whether the hour that a run looks back is there."""
    result = await metrics.range("count(up)", start_ms=now - 3_600_000, end_ms=now, step_ms=60_000)
    first = int(result.series[0].ms[0]) if result.series else now
    configured = world.earliest_ms
    if first > now - 3_480_000 and (configured is None or configured < first - 120_000):
        return patient.warn("the last hour", f"samples begin at {iso(first)}",
                            f"Set world.data_since: {iso(first)}, or wait: a comparison with no past misleads.")
    return patient.ok("the last hour", "there")


async def _mapping(patient: Patient, metrics: Metrics, now: int, world: World) -> Check:
    """Which listed containers have series under the mapped label."""
    label = world.inventory.labels.metrics.container
    members = tuple(n for s in world.inventory.services for n in s.members())
    if not members:
        return patient.warn("label mapping", "the inventory lists no containers", "Run `culprit inventory discover`.")
    query = f'group by ({label}) (container_cpu_usage_seconds_total{{{label}=~"{members_pattern(members)}"}})'
    known = {s.label(label) for s in (await metrics.instant(query, at_ms=now)).series}
    if not known:
        return patient.fail("label mapping", f"no series has a listed container in the label `{label}`",
                            "Set labels.metrics.container in the inventory to the label that holds container names.")
    absent = [n for n in members if n not in known]
    if absent:
        return patient.warn("label mapping", f"no series of {', '.join(absent[:6])}",
                            "Fine for stopped containers; else check the exporter and the spelling.")
    return patient.ok("label mapping", f"{len(known)} containers under `{label}`")


async def _family(patient: Patient, metrics: Metrics, now: int, name: str) -> Check:
    counted = await metrics.instant(f"count({name})", at_ms=now)
    series = int(counted.series[0].values[-1]) if counted.series else 0
    if series == 0:
        return patient.warn(name, "no series", f"Scrape it: {FAMILIES[name]}.")
    newest = await metrics.instant(f"max(timestamp({name}))", at_ms=now)
    age = now / 1000 - float(newest.series[0].values[-1]) if newest.series else 0.0
    if age > 120:
        return patient.warn(name, f"{series} series, the newest sample is {age:.0f} s old", "Check the exporter.")
    return patient.ok(name, f"{series} series, newest {age:.0f} s ago")

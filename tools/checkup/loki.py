"""Loki: reachable, allowed, fresh, and whether its labels name containers as the inventory says."""

from __future__ import annotations

import time

from config.errors import CulpritError
from config.settings import Sources
from tools.checkup.check import Check, Patient
from tools.sources.logs import LabelMatcher, LogQuery
from tools.sources.loki import LokiLogs
from tools.world import World

NS = 1_000_000_000
STALE_S = 300


async def check_loki(sources: Sources, world: World) -> list[Check]:
    """All checks; the first failure ends them."""
    patient, logs = Patient(sources.cluster, "loki"), world.logs
    if not isinstance(logs, LokiLogs):
        return [patient.unset("no logs: no work by container, errors or silence", "Set world.loki.url.")]
    now = time.time_ns()
    label = world.inventory.labels.logs.container
    checks = [await patient.tried("reachable", _version(logs))]
    try:
        names = await logs.labels(start_ns=now - 3600 * NS, end_ns=now)
        if label not in names:
            shown = ", ".join(names[:12]) or "none at all"
            return [*checks, patient.fail("label mapping", f"no stream has the label `{label}`; there are: {shown}",
                                          "Set labels.logs.container in the inventory to one of them.")]
        values = await logs.label_values(label, start_ns=now - 3600 * NS, end_ns=now)
        checks.append(_mapping(patient, world, values))
        checks.append(await _fresh(patient, logs, label, now))
    except CulpritError as error:
        checks.append(patient.failed("queries", error))
    return checks


async def _version(logs: LokiLogs) -> str:
    return f"version {await logs.version() or 'not told'}"


def _mapping(patient: Patient, world: World, values: tuple[str, ...]) -> Check:
    """Only services whose work is read from logs need their streams."""
    needed = [n for s in world.inventory.services if s.work is not None for n in s.members()]
    absent = [n for n in needed if n not in values]
    if needed and len(absent) == len(needed):
        return patient.fail("label mapping", f"no stream of {', '.join(absent[:6])}",
                            "Compare their spelling with the label's values; ship their logs.")
    if absent:
        return patient.warn("label mapping", f"no stream of {', '.join(absent[:6])} in the last hour",
                            "Fine for stopped containers; else ship their logs.")
    return patient.ok("label mapping", f"{len(values)} containers speak")


async def _fresh(patient: Patient, logs: LokiLogs, label: str, now: int) -> Check:
    query = LogQuery((LabelMatcher(label, "=~", ".+"),), now - 3600 * NS, now, limit=1)
    found = await logs.search(query)
    if not found.entries:
        return patient.fail("freshness", "no line in the last hour", "Check the log shipper.")
    age = (now - found.entries[0].ns) / NS
    if age > STALE_S:
        return patient.warn("freshness", f"the newest line is {age:.0f} s old", "Check the log shipper and the clocks.")
    return patient.ok("freshness", f"newest line {max(age, 0):.0f} s ago")

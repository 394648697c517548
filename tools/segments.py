"""logs.segments: which timed part of the work got slower, by the numbers in its own log lines.

JSON and logfmt lines say how long things took (`queue_ms`, `duration_ms`, `upstream_response_time`…). Compared by
container and field, they tell waiting in a queue from a slow provider from a slow instance. Nothing has to be mapped:
fields are found by their names' units and by `value_field` of the inventory's work patterns.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from config.errors import CulpritError, UnknownThing
from tools.analysis.onset import step
from tools.analysis.robust import Floats, Floor, median
from tools.dependencies import dependency_of
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.log_lines import everything, read_lines
from tools.question import Answer, Question
from tools.resources import read_resources
from tools.roles import Roles, read_roles
from tools.sources.inventory import Inventory, Service
from tools.sources.logs import LogEntry
from tools.subjects import subject
from tools.windows import NS, grid, rate_window_ms
from tools.wording import clock, number, quote, sig
from tools.work import matchers_of
from tools.world import Scope, World

TIMED = re.compile(
    r"(?i)(?:^|[._])(?:ms|msec|millis|seconds|secs?|duration|latency|elapsed|took|delay|wait|rtt|ttft|time)$|_(?:ms|s|us|ns)$"
)
_LOGFMT = re.compile(r'([A-Za-z_][\w.]*)="?(-?\d+(?:\.\d+)?)(ms|s|us)?"?(?=[\s,}]|$)')
LIMIT = 8_000
LEAST = 8
QUEUED = re.compile(r"(?i)queue|wait|lag|backlog|delay|warte|대기|待")
LEAST_MS = 20.0
SECONDS = re.compile(r"(?i)(?:_s|sec|secs|seconds|time)$")
TAIL = 0.9
SLOWER = 1.4
STRONG = 1.2  # ratio - 1 from which nothing more is to be said: well over twice as slow
MAX_FINDINGS = 30


class SegmentsArguments(BaseModel):
    """`service`: only its containers' lines; empty for all."""

    model_config = ConfigDict(extra="forbid")
    service: str = ""


@dataclass(frozen=True)
class Timed:
    """Readings of one field of one container: moments in ms and values in the field's own unit, both of shape (n,)."""

    ms: Floats
    values: Floats


async def ask(world: World, scope: Scope, arguments: SegmentsArguments) -> Answer:
    """Reads both windows' timed lines and compares each field's upper tail."""
    matchers = everything(world)
    if arguments.service:
        service = world.inventory.service(arguments.service)
        if service is None:
            raise UnknownThing(f"no service {arguments.service!r} in the inventory")
        matchers = matchers_of(world, service)[0]
    lines, roles = await asyncio.gather(
        read_lines(world, scope, matchers, limit=LIMIT, rounds=1), read_roles(world, scope)
    )
    label = world.inventory.labels.logs.container
    mapped = _mapped_fields(world.inventory)
    before, after = (_timed(entries, label, mapped) for entries in (lines.before, lines.after))
    if not before and not after:
        return Answer("No log line carries a duration.", status=Status.NO_DATA, queries=lines.queries)
    findings = [
        f for key in sorted(after) if key in before for f in _slower(world, scope, roles, key, before[key], after[key])
    ]
    findings += _from_peers(world, scope, roles, before, after)
    findings += slow_dependencies(world.inventory, findings, after, await _cpu_bound(world, scope))
    findings.sort(key=lambda f: (-f.strength, f.subject.container, f.subject.resource))
    return Answer(_text(findings, len(after)), tuple(findings[:MAX_FINDINGS]), queries=lines.queries)


def _mapped_fields(inventory: Inventory) -> frozenset[str]:
    works = [s.work for s in inventory.services if s.work is not None]
    patterns = [p for w in works for p in (w.started, w.done, w.failed) if p is not None]
    return frozenset(p.value_field for p in patterns if p.value_field)


def _timed(entries: Iterable[LogEntry], label: str, mapped: frozenset[str]) -> dict[tuple[str, str], Timed]:
    """(container, field) -> its readings."""
    out: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for entry in entries:
        for field, value in durations(entry.line, mapped):
            out[(entry.labels.get(label, ""), field)].append((entry.ns / NS, value))
    return {key: Timed(*(np.array(x, dtype=np.float64) for x in zip(*rows, strict=True))) for key, rows in out.items()}


def durations(line: str, mapped: frozenset[str] = frozenset()) -> list[tuple[str, float]]:
    """Fields of a JSON or logfmt line that say how long something took; only those of `mapped` or of a timed name."""
    if line.startswith("{"):
        try:
            row = json.loads(line[:20_000])
        except (ValueError, RecursionError):
            return []
        pairs = row.items() if isinstance(row, dict) else ()
        return [
            (k, float(v))
            for k, v in pairs
            if isinstance(v, int | float) and not isinstance(v, bool) and (k in mapped or TIMED.search(k)) and v >= 0
        ]
    found = [(k, float(v), unit) for k, v, unit in _LOGFMT.findall(line[:4_000])]
    return [(k, v) for k, v, unit in found if (k in mapped or unit or TIMED.search(k)) and 0 <= v < 1e9]


def _slower(
    world: World, scope: Scope, roles: Roles, key: tuple[str, str], before: Timed, after: Timed
) -> list[Finding]:
    if before.values.size < LEAST or after.values.size < LEAST:
        return []
    usual, now = float(np.quantile(before.values, TAIL)), float(np.quantile(after.values, TAIL))
    middle, middle_now = float(np.median(before.values)), float(np.median(after.values))
    ratio = max(now / max(usual, 1e-3), middle_now / max(middle, 1e-3) if middle > 0 else 0.0)
    container, field = key
    least = LEAST_MS / 1000 if SECONDS.search(field) else LEAST_MS
    if ratio < SLOWER or max(now - usual, middle_now - middle) < least:
        return []
    about = subject(world.inventory, container, role=roles.role(container, scope.asked_at_ms), resource=field)
    owner = world.inventory.service_of(container)
    waits = owner is None or QUEUED.search(field)  # time in a queue is the consumers' doing, not the broker's
    named = "" if waits else dependency_of(world.inventory, owner, field.replace("_", " "), named_only=True)
    extra = {
        "ratio": sig(ratio, 3),
        "median": sig(middle_now),
        "median_before": sig(middle),
        "dependency": named,
        "waiting": bool(QUEUED.search(field)),
    }
    return [
        Finding(
            "segment_slower",
            about,
            min(1.0, (ratio - 1) / STRONG),
            sig(now),
            sig(usual),
            "up",
            _since(before, after),
            quote(f"{field} of {container}", 80),
            extra,
        )
    ]


def _since(before: Timed, after: Timed) -> int | None:
    """Where the readings, in order of time, change their level."""
    ms = np.concatenate([before.ms, after.ms])
    order = np.argsort(ms, kind="stable")
    values = np.concatenate([before.values, after.values])[order]
    found = step(values, Floor(0.0, 0.1))
    return int(ms[order][found.at]) if found is not None else int(after.ms.min())


def _from_peers(
    world: World,
    scope: Scope,
    roles: Roles,
    before: Mapping[tuple[str, str], Timed],
    after: Mapping[tuple[str, str], Timed],
) -> list[Finding]:
    """An instance without a past is compared with its peers' past."""
    out = []
    for (container, field), now in sorted(after.items()):
        owner = world.inventory.service_of(container)
        if owner is None or (container, field) in before:
            continue
        peers = [before[(m, field)] for m in owner.members() if m != container and (m, field) in before]
        if peers:
            past = max(peers, key=lambda p: p.values.size)
            out += _slower(world, scope, roles, (container, field), past, now)
    return out


async def _cpu_bound(world: World, scope: Scope) -> frozenset[str] | None:
    """Containers whose CPU rose or is throttled: their own work takes longer. None where that is not measured."""
    if world.metrics is None:
        return None
    axis = grid(world, scope, rate_window_ms(world))
    try:
        readings = await read_resources(world, axis, ("cpu", "throttling"))
    except CulpritError:
        return None
    busy = set()
    for reading in readings:
        for name, values in reading.values.items():
            before, now = median(values[: axis.split]), median(values[axis.split :])
            if now > (0.1 if reading.resource.name == "throttling" else max(1.15 * before, before + 0.01)):
                busy.add(name)
    return frozenset(busy)


def slow_dependencies(
    inventory: Inventory,
    findings: Sequence[Finding],
    after: Mapping[tuple[str, str], Timed],
    busy: frozenset[str] | None,
) -> list[Finding]:
    """A dependency is slow when a slower field names it, or when every instance of a service takes longer at its own
    work without using more CPU, and only one dependency, queues aside, can have kept it waiting.
    """
    out: dict[str, Finding] = {}
    for f in findings:
        if f.extra["dependency"]:
            _keep(out, inventory, f.extra["dependency"], f, f.strength)
    for service in inventory.services:
        awaited = awaited_by(inventory, service)
        own = [f for f in findings if f.subject.service == service.name and not QUEUED.search(f.subject.resource)]
        if len(awaited) != 1 or awaited[0].kind not in ("provider", "database") or busy is None:
            continue
        for field in sorted({f.subject.resource for f in own}):
            slow = {f.subject.container: f for f in own if f.subject.resource == field}
            timed = {c for c, name in after if name == field and c in service.members()}
            if timed and timed == set(slow) and not timed & busy:
                worst = max(slow.values(), key=lambda f: f.strength)
                _keep(out, inventory, awaited[0].name, worst, 0.9 * worst.strength)
    return list(out.values())


def awaited_by(inventory: Inventory, service: Service) -> list[Service]:
    """What can keep a worker or an API waiting: its dependencies but for queues, and who works for it behind those."""
    if service.kind not in ("worker", "api"):
        return []
    return [s for s in inventory.services
            if (s.name in service.depends_on and s.kind != "broker") or s.follows == service.name]


def _keep(out: dict[str, Finding], inventory: Inventory, dependency: str, seen: Finding, strength: float) -> None:
    if dependency in out and out[dependency].strength >= strength:
        return
    service = inventory.service(dependency)
    members = service.members() if service else ()
    about = Subject(
        service=dependency,
        container=members[0] if len(members) == 1 else "",
        cluster=service.cluster if service else "",
        resource=seen.subject.resource,
    )
    unit = 1.0 if SECONDS.search(seen.subject.resource) else 1000.0
    extra = {"seen_by": seen.subject.container, "named": bool(seen.extra["dependency"])}
    out[dependency] = Finding(
        "dependency_slow",
        about,
        strength,
        sig((seen.value or 0.0) / unit),
        sig((seen.baseline or 0.0) / unit),
        "up",
        seen.since_ms,
        seen.detail,
        extra,
    )


def _text(findings: list[Finding], fields: int) -> str:
    if not findings:
        return f"None of {fields} timed fields got slower."
    said = []
    for f in findings[:6]:
        since = f" since {clock(f.since_ms)}" if f.since_ms else ""
        levels = f"{number(f.baseline or 0)} -> {number(f.value or 0)}"
        said.append(f"{f.subject.container or f.subject.service} {f.subject.resource} p90 {levels}{since}")
    return "; ".join(said) + "."


QUESTION = Question(
    name="logs.segments",
    asks="Which timed part of the work got slower, in which container: waiting, an instance, or a dependency?",
    needs=("logs",),
    finds=("segment_slower", "dependency_slow"),
    cost_s=3.0,
    arguments=SegmentsArguments,
    ask=ask,
)

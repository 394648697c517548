"""logs.templates: which kinds of lines are new, gone or more frequent, by container; errors and refusals named.

A container without a past is compared with its peers'. Text that instructs its reader is reported as data.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from config.errors import UnknownThing
from tools.analysis.templates import TemplateChange, TemplateComparison, compare
from tools.complaints import Stream, mark_shared, refusals, rejections, topics
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.instructions import instruction_in, lines_that_instruct
from tools.log_lines import Lines, everything, read_lines
from tools.question import Answer, Question
from tools.roles import read_roles
from tools.severity import ERROR, severity
from tools.sources.inventory import Service
from tools.sources.logs import LogEntry
from tools.subjects import subject
from tools.windows import NS
from tools.wording import clock, number, quote, sig
from tools.work import matchers_of
from tools.world import Scope, World

FEW_LINES = 10
MAX_FINDINGS = 40
PER_CONTAINER = 6
OVER_MS = 60_000


class TemplatesArguments(BaseModel):
    """`service`: only its containers' lines; empty for all."""

    model_config = ConfigDict(extra="forbid")
    service: str = ""


async def ask(world: World, scope: Scope, arguments: TemplatesArguments) -> Answer:
    """Reads both windows once, then compares container by container."""
    matchers = everything(world)
    if arguments.service:
        service = world.inventory.service(arguments.service)
        if service is None:
            raise UnknownThing(f"no service {arguments.service!r} in the inventory")
        matchers = matchers_of(world, service)[0]
    lines, roles = await asyncio.gather(read_lines(world, scope, matchers), read_roles(world, scope))
    if not lines.before and not lines.after:
        return Answer("No line was logged in either window.", status=Status.NO_DATA, queries=lines.queries)
    streams, read = _by_container(world, lines), _Masks(world)
    findings = list[Finding]()
    for name, stream in sorted(streams.items()):
        switched = roles.changed(name, scope.baseline[0], scope.asked_at_ms)
        about = subject(
            world.inventory, name, role=roles.role(name, scope.asked_at_ms), service=_service_label(world, stream)
        )
        compared = compare_lines(world, streams, name, lines, read)
        findings += _changes(about, compared, lines.seconds_after / 60, lines.end_ms, moved_on=switched)
    for service in world.inventory.services:
        if any(roles.changed(m, scope.baseline[0], scope.asked_at_ms) for m in service.members()):
            findings += _service_changes(service, streams, lines, read)
    findings = mark_shared(findings)
    findings += refusals(world, streams, lines)
    findings += rejections(world, streams, lines)
    findings += topics(world, streams, lines)
    findings += instructions(world, lines)
    findings.sort(key=lambda f: (-f.strength, f.kind, f.subject.container))
    newest = max(e.ns for e in (*lines.before[-1:], *lines.after[-1:])) // NS
    left_out = () if lines.complete else ("frequent lines were read only in part; rare ones wholly",)
    return Answer(
        _text(findings, lines),
        tuple(findings[:MAX_FINDINGS]),
        queries=lines.queries,
        as_of_ms=newest,
        notes={"gaps": left_out} if left_out else {},
    )


def _by_container(world: World, lines: Lines) -> dict[str, Stream]:
    label = world.inventory.labels.logs.container
    out: dict[str, Stream] = defaultdict(Stream)
    for entry in lines.before:
        out[entry.labels.get(label, "")].before.append(entry)
    for entry in lines.after:
        out[entry.labels.get(label, "")].after.append(entry)
    return out


class _Masks:
    """Turns lines into what is compared: names of listed containers, which lines mention, are no part of a shape."""

    def __init__(self, world: World) -> None:
        names = sorted((m for s in world.inventory.services for m in s.members()), key=len, reverse=True)
        self._names = re.compile("|".join(re.escape(n) for n in names)) if names else None  # literals: linear

    def rows(self, entries: Sequence[LogEntry]) -> list[tuple[int, str]]:
        """(ns, line) pairs."""
        if self._names is None:
            return [(e.ns, e.line) for e in entries]
        masked = self._names.sub
        return [(e.ns, masked("<container>", e.line)) for e in entries]


def compare_lines(
    world: World, streams: Mapping[str, Stream], name: str, lines: Lines, read: _Masks
) -> TemplateComparison:
    """Templates of a container before and after; with a borrowed past, only what is new says anything."""
    before: Sequence[LogEntry] = streams[name].before
    if len(before) >= FEW_LINES:
        return _compared(before, streams[name].after, lines, read)
    owner = world.inventory.service_of(name)
    peers = [streams[m].before for m in (owner.members() if owner else ()) if m != name and m in streams]
    borrowed = max(peers, key=len, default=[])
    compared = _compared([*before, *borrowed], streams[name].after, lines, read)
    return replace(compared, vanished=(), shifted=()) if borrowed else compared


def _compared(before: Sequence[LogEntry], after: Sequence[LogEntry], lines: Lines, read: _Masks) -> TemplateComparison:
    return compare(
        read.rows(before),
        read.rows(after),
        seconds_before=lines.seconds_before,
        seconds_after=lines.seconds_after,
        settled_ns=lines.settled_ns or None,
    )


def _changes(
    about: Subject, compared: TemplateComparison, minutes: float, end_ms: int, *, moved_on: bool
) -> list[Finding]:
    """New, gone and more frequent lines of one container; where its role moved on, only new ones say anything."""
    out = [_new(about, change, minutes, end_ms) for change in compared.new]
    if not moved_on:
        out += [_vanished(about, change) for change in compared.vanished[:PER_CONTAINER]]
        out += [_shifted(about, change) for change in compared.shifted[:PER_CONTAINER]]
    errors = [f for f in out if f.kind == "error_template_new"][:PER_CONTAINER]
    rest = [f for f in out if f.kind != "error_template_new" and f.strength >= 0.1][:PER_CONTAINER]
    return errors + rest


def _service_changes(service: Service, streams: Mapping[str, Stream], lines: Lines, read: _Masks) -> list[Finding]:
    """What a service as a whole no longer says or says more often, whichever of its colours says it."""
    members = [streams[m] for m in service.members() if m in streams]
    before = [e for s in members for e in s.before]
    after = [e for s in members for e in s.after]
    compared = _compared(before, after, lines, read)
    about = Subject(service=service.name, cluster=service.cluster)
    out = [_vanished(about, change) for change in compared.vanished[:PER_CONTAINER]]
    return out + [_shifted(about, change) for change in compared.shifted[:PER_CONTAINER]]


def _service_label(world: World, stream: Stream) -> str:
    label = world.inventory.labels.logs.service
    first = next(iter(stream.after or stream.before), None)
    return first.labels.get(label, "") if first and label else ""


def _is_over(first_ns: int | None, last_ns: int | None, end_ms: int) -> bool:
    """Whether a burst of lines ended a minute ago or more, and longer ago than it lasted."""
    if first_ns is None or last_ns is None or not end_ms:
        return False
    return end_ms - last_ns // NS >= max(OVER_MS, 2 * (last_ns - first_ns) // NS)


def _new(about: Subject, change: TemplateChange, minutes: float, end_ms: int) -> Finding:
    template = change.template
    level = severity(template.example)
    kind, enough = ("error_template_new", 10) if level == ERROR else ("template_new", 30)
    extra = {"lines": change.after, "template": quote(template.text, 120), "level": level, "alike": change.alike}
    since = template.first_ns // NS if template.first_ns is not None else None
    strength = min(1.0, change.after / enough) * (0.6 if change.alike and level != ERROR else 1.0)
    if level == ERROR:
        strength = max(strength, 0.3)  # a single error of a new shape is worth a look
    if _is_over(template.first_ns, template.last_ns, end_ms):
        extra["healed"], strength = True, strength * 0.5
    return Finding(
        kind, about, strength, sig(change.after / max(minutes, 1e-3)), 0.0, "up", since, quote(template.example), extra
    )


def _vanished(about: Subject, change: TemplateChange) -> Finding:
    last = change.template.last_ns
    return Finding(
        "template_vanished",
        about,
        min(1.0, change.before / 30),
        sig(change.rate_before * 60),
        direction="down",
        since_ms=last // NS if last is not None else None,
        detail=quote(change.template.example),
        extra={"lines_before": change.before, "level": severity(change.template.example)},
    )


def _shifted(about: Subject, change: TemplateChange) -> Finding:
    ratio = change.rate_after / max(change.rate_before, 1e-9)
    away = max(ratio, 1 / max(ratio, 1e-9))
    return Finding(
        "template_shifted",
        about,
        min(1.0, (away - 1) / 4),
        sig(ratio),
        1.0,
        "up" if ratio > 1 else "down",
        detail=quote(change.template.example),
        extra={
            "per_minute": sig(change.rate_after * 60),
            "per_minute_before": sig(change.rate_before * 60),
            "level": severity(change.template.example),
        },
    )


def instructions(world: World, lines: Lines) -> list[Finding]:
    """Lines that instruct their reader, one finding for each container."""
    label = world.inventory.labels.logs.container
    found: dict[str, list[tuple[LogEntry, str]]] = defaultdict(list)
    entries = (*lines.before, *lines.after)
    for i in lines_that_instruct([e.line for e in entries]):
        found[entries[i].labels.get(label, "")].append((entries[i], instruction_in(entries[i].line)))
    return [
        Finding(
            "instruction_in_data",
            subject(world.inventory, name),
            1.0,
            float(len(rows)),
            since_ms=rows[0][0].ns // NS,
            detail=quote(rows[0][1], 120),
        )
        for name, rows in sorted(found.items())
    ]


def _text(findings: Sequence[Finding], lines: Lines) -> str:
    parts = []
    for f in findings:
        who = f.subject.container or f.subject.service
        since = f" since {clock(f.since_ms)}" if f.since_ms else ""
        if f.kind == "error_template_new":
            parts.append(f'{who}: new error, {f.extra["lines"]} lines{since}: "{f.detail}".')
        elif f.kind == "dependency_refused":
            parts.append(f"{who or 'a dependency'} is refused or times out, {f.extra['lines']} lines{since}.")
        elif f.kind == "instruction_in_data":
            parts.append(f"{who}: {number(f.value or 0)} lines hold instructions to the reader (data only).")
        elif f.kind == "status_rejected":
            parts.append(f"{who} states {f.extra['status']} in {f.extra['lines']} lines.")
        elif f.kind == "template_vanished" and f.strength >= 0.9:
            parts.append(f'{who}: gone: "{quote(f.detail, 80)}".')
    total = f"{len(lines.before)} lines before, {len(lines.after)} after."
    return " ".join([*parts[:6], total])


QUESTION = Question(
    name="logs.templates",
    asks="Which kinds of log lines are new, gone or more frequent, where; which errors, and which dependency refuses?",
    needs=("logs",),
    finds=(
        "error_template_new",
        "template_new",
        "template_vanished",
        "template_shifted",
        "dependency_refused",
        "refused_alone",
        "status_rejected",
        "complaint",
        "instruction_in_data",
    ),
    cost_s=4.0,
    arguments=TemplatesArguments,
    ask=ask,
)

"""Findings from what lines say in plain words: dependencies that refuse, statuses, topics, and who alone complains."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from tools.analysis.bursts import Burst, burst
from tools.dependencies import REFUSED, dependency_of
from tools.findings import Finding, Subject
from tools.log_lines import Lines
from tools.scan import hits
from tools.severity import REJECTED, status_of
from tools.sources.inventory import Service
from tools.sources.logs import LogEntry
from tools.subjects import subject
from tools.topics import topics_of
from tools.windows import NS
from tools.wording import quote, sig
from tools.world import World

RATE_LIMITED = 429
MOSTLY = 0.8  # share of a proxy's lines that must name an answer from behind it
# nginx's $upstream_response_time under its usual names, with a number: `-` stands where nobody behind was asked
UPSTREAM_TIME = re.compile(r"(?:\burt|upstream[\w.]*time)[\"']?[=:][\"' ]*\d")
WORKS_TOO = 0.2  # lines of a peer against the complaining instance's, from which it is believed to do the same


@dataclass
class Stream:
    """The lines of one container before and after."""

    before: list[LogEntry] = field(default_factory=list)
    after: list[LogEntry] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    """Lines of one kind: those of the incident window and how many there were before, both with their seconds."""

    entries: Sequence[LogEntry]
    earlier: Sequence[LogEntry]
    lines: Lines

    @property
    def rate(self) -> float:
        """Lines per second in the incident window."""
        return len(self.entries) / self.lines.seconds_after

    @property
    def usual(self) -> float:
        """Lines per second in the baseline."""
        return len(self.earlier) / self.lines.seconds_before

    @cached_property
    def rose(self) -> Burst | None:
        """Where their rate rose, over both windows."""
        moments = np.array([e.ns / NS for e in (*self.earlier, *self.entries)], dtype=np.float64)
        whole = (self.lines.seconds_before + self.lines.seconds_after) * 1000
        end = self.lines.end_ms or (float(moments.max()) if moments.size else 0.0)
        return burst(moments, end - whole, end, clear=3.0)

    @property
    def since_ms(self) -> int:
        """When it began: where the rate rose, else the first line of the incident window."""
        rose = self.rose
        return int(rose.at_ms) if rose is not None else min(e.ns for e in self.entries) // NS

    @property
    def strength(self) -> float:
        """1 from ten lines on; half where it is over again."""
        return min(1.0, len(self.entries) / 10) * (0.5 if self.healed else 1.0)

    @property
    def healed(self) -> bool:
        """Whether the last line is long past."""
        rose = self.rose
        return rose is not None and rose.healed_ms is not None

    def facts(self) -> dict[str, object]:
        """What every finding made of it says beside its kind."""
        return {"lines": len(self.entries), **({"healed": True} if self.healed else {})}


def refusals(world: World, streams: Mapping[str, Stream], lines: Lines) -> list[Finding]:
    """One finding for each dependency that more lines complain about than before, and who alone cannot reach it."""
    seen: dict[str, dict[str, list[LogEntry]]] = defaultdict(lambda: defaultdict(list))
    before: dict[str, list[LogEntry]] = defaultdict(list)
    for name, stream in streams.items():
        owner = world.inventory.service_of(name)
        for i in hits(REFUSED, [e.line for e in stream.after]):
            entry = stream.after[i]
            seen[dependency_of(world.inventory, owner, entry.line)][name].append(entry)
        for i in hits(REFUSED, [e.line for e in stream.before]):
            before[dependency_of(world.inventory, owner, stream.before[i].line)].append(stream.before[i])
    out = []
    for needed, by in sorted(seen.items()):
        told = Told([e for found in by.values() for e in found], before[needed], lines)
        if len(told.entries) < 2 or told.rate < 2 * told.usual:
            continue
        alone = _alone(world, needed, by, streams)
        out.append(_refusal(world, needed, by, told, alone))
        if alone:
            out.append(Finding("refused_alone", subject(world.inventory, alone), told.strength, sig(told.rate * 60),
                               sig(told.usual * 60), "up", told.since_ms, quote(by[alone][0].line),
                               {**told.facts(), "dependency": needed}))
    return out


def _alone(world: World, needed: str, by: Mapping[str, Sequence[LogEntry]], streams: Mapping[str, Stream]) -> str:
    """The only one of several working instances that complains; callers that pass its failure on do not count.

    Lines that do not tell which dependency they mean (`needed` is "") count for whoever writes them.
    """
    direct = [c for c in by if (o := world.inventory.service_of(c)) is not None
              and (not needed or needed in o.depends_on)]
    if len(direct) != 1 or (needed and world.inventory.service(needed) is None):
        return ""
    owner = world.inventory.service_of(direct[0])
    own = len(streams[direct[0]].after)
    peers = [m for m in (owner.members() if owner else ()) if m != direct[0] and m in streams]
    return direct[0] if any(len(streams[m].after) >= max(WORKS_TOO * own, 10) for m in peers) else ""


def _refusal(
    world: World, needed: str, by: Mapping[str, Sequence[LogEntry]], told: Told, alone: str
) -> Finding:
    service = world.inventory.service(needed)
    only = next(iter(by)) if len(by) == 1 and not needed else ""
    about = subject(world.inventory, only) if only else _dependency(service, needed)
    first = min(told.entries, key=lambda e: e.ns)
    extra: dict[str, object] = {**told.facts(), "seen_by": sorted(by), "dependency": needed}
    extra |= {"one_sided": True} if alone else {}
    extra |= {"shared": True} if len(by) >= 2 else {}
    return Finding("dependency_refused", about, told.strength, sig(told.rate * 60),
                   sig(told.usual * 60), "up", told.since_ms, quote(first.line), extra)


def _dependency(service: Service | None, needed: str) -> Subject:
    members = service.members() if service else ()
    return Subject(service=needed, container=members[0] if len(members) == 1 else "",
                   cluster=service.cluster if service else "")


def rejections(world: World, streams: Mapping[str, Stream], lines: Lines) -> list[Finding]:
    """Statuses 429 and 5xx by the container whose own lines state them: which layer says no."""
    out = []
    for name, stream in sorted(streams.items()):
        counts, earlier = _by_status(stream.after), _by_status(stream.before)
        for status, entries in counts.items():
            told = Told(entries, earlier.get(status, ()), lines)
            if len(entries) >= 3 and told.rate >= 2 * told.usual:
                out.append(Finding("status_rejected", _who_says(world, name, status), told.strength,
                                   sig(told.rate * 60), sig(told.usual * 60), "up", told.since_ms,
                                   quote(entries[0].line),
                                   {**told.facts(), "status": status, **_answered_behind(world, name, entries)}))
    return [_with_origin(world, f, out) for f in out]


def _who_says(world: World, name: str, status: int) -> Subject:
    """A worker answers nobody: a 429 in its lines is what its provider told it. All others speak for themselves."""
    owner = world.inventory.service_of(name)
    needed = [s for d in (owner.depends_on if owner else ()) if (s := world.inventory.service(d)) is not None]
    providers = [s for s in needed if s.kind == "provider"]
    if owner is not None and owner.kind == "worker" and status == RATE_LIMITED and len(providers) == 1:
        return Subject(service=providers[0].name, cluster=providers[0].cluster)
    return subject(world.inventory, name)


def _answered_behind(world: World, name: str, entries: Sequence[LogEntry]) -> dict[str, object]:
    """A proxy's line that names who answered behind it, or how long that took, only passes the answer on."""
    owner = world.inventory.service_of(name)
    if owner is None or owner.kind != "proxy":
        return {}
    others = {s.name: s for s in world.inventory.services}
    members = [m for s in _below(world, owner.name) if s in others for m in others[s].members()]
    behind = sum(UPSTREAM_TIME.search(e.line) is not None or any(m in e.line for m in members) for e in entries)
    return {"passed_on": True} if behind >= MOSTLY * len(entries) else {}


def _with_origin(world: World, said: Finding, all_said: Sequence[Finding]) -> Finding:
    """A status that a service further down states too is only passed on."""
    below = _below(world, said.subject.service)
    passed_on = any(f.subject.service in below and f.extra["status"] == said.extra["status"]
                    and f.extra["lines"] >= 0.3 * said.extra["lines"] for f in all_said)
    return replace(said, extra={**said.extra, "passed_on": True}) if passed_on else said


def _below(world: World, service: str) -> frozenset[str]:
    """Everything a service depends on, directly or not, and those who work for it."""
    seen, todo = set[str](), [service]
    while todo:
        known = world.inventory.service(todo.pop())
        for name in known.depends_on if known else ():
            if name not in seen and name != service:
                seen.add(name)
                todo.append(name)
    return frozenset(seen | {s.name for s in world.inventory.services if s.follows == service})


def _by_status(entries: Sequence[LogEntry]) -> dict[int, list[LogEntry]]:
    out: dict[int, list[LogEntry]] = defaultdict(list)
    for i in hits(REJECTED, [e.line for e in entries]):
        out[status_of(entries[i].line)].append(entries[i])
    return out


def topics(world: World, streams: Mapping[str, Stream], lines: Lines) -> list[Finding]:
    """One finding for each container and topic of which its lines speak more often than before."""
    spoken: dict[tuple[str, str], Told] = {}
    for name, stream in sorted(streams.items()):
        now, then = (topics_of([e.line for e in part]) for part in (stream.after, stream.before))
        for topic, at in now.items():
            spoken[(name, topic)] = Told([stream.after[i] for i in at], [stream.before[i] for i in then.get(topic, ())],
                                         lines)
    risen = {key: told for key, told in spoken.items() if len(told.entries) >= 2 and told.rate >= 2 * told.usual}
    return [_complaint(world, name, topic, told, risen, streams) for (name, topic), told in risen.items()]


def _complaint(
    world: World,
    name: str,
    topic: str,
    told: Told,
    risen: Mapping[tuple[str, str], Told],
    streams: Mapping[str, Stream],
) -> Finding:
    owner = world.inventory.service_of(name)
    peers = [m for m in (owner.members() if owner else ()) if m != name and m in streams]
    working = [m for m in peers if len(streams[m].after) >= max(WORKS_TOO * len(streams[name].after), 10)]
    extra: dict[str, object] = {**told.facts(), "topic": topic}
    if working and not any((m, topic) in risen for m in working):
        extra["alone"] = True
    return Finding("complaint", subject(world.inventory, name), told.strength, sig(told.rate * 60),
                   sig(told.usual * 60), "up", told.since_ms, quote(told.entries[0].line), extra)


def mark_shared(findings: Sequence[Finding]) -> list[Finding]:
    """New errors that several instances of a service began to log: no single instance's doing."""
    errors = [f for f in findings if f.kind == "error_template_new"]
    counts = Counter((f.subject.service, f.extra["template"]) for f in errors if f.subject.service)
    return [f if f.kind != "error_template_new" or counts[(f.subject.service, f.extra["template"])] < 2
            else Finding(f.kind, f.subject, f.strength, f.value, f.baseline, f.direction, f.since_ms, f.detail,
                         {**f.extra, "peers_too": True})
            for f in findings]

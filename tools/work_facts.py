"""What counted work says: findings about waiting, stopped, failing and normal instances of one service."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tools.analysis.activity import Course, course, laplace_trend
from tools.analysis.bursts import burst
from tools.analysis.robust import Floats
from tools.dispatch import Flow
from tools.findings import Finding, Subject
from tools.roles import STANDBY, Roles
from tools.sources.inventory import Service
from tools.subjects import subject
from tools.windows import seconds
from tools.wording import sig
from tools.work import WorkCounts
from tools.world import Scope, World

DRAIN_GRACE_MS = 5_000
QUIET_MS = 20_000


@dataclass(frozen=True)
class Reading:
    """Everything read for one service."""

    world: World
    scope: Scope
    service: Service
    counts: WorkCounts
    roles: Roles
    flow: Flow | None
    speaking: frozenset[str]

    @property
    def end(self) -> int:
        """The last moment counted."""
        return int(self.counts.ms[-1])

    def role(self, container: str) -> str:
        """The role at the end of the window."""
        return self.roles.role(container, self.end)

    def about(self, container: str) -> Subject:
        """The subject with its role."""
        return subject(self.world.inventory, container, role=self.role(container), service=self.service.name)

    def units(self, container: str, start: int, end: int) -> float:
        """Units a container handled in (start, end]."""
        return float(self.counts.handled(container)[self.counts.within(start, end)].sum())

    def all_units(self, start: int, end: int) -> float:
        """Units the whole service handled in (start, end]."""
        return sum(self.units(c, start, end) for c in self.counts.containers())

    def moments(self, values: Floats, start: int, end: int) -> Floats:
        """Moments (ms) of counted units, one for each unit, at the middle of their bins."""
        mask = self.counts.within(start, end)
        middle = self.counts.ms[mask] - self.counts.step_ms / 2
        return np.repeat(middle, values[mask].astype(np.int64))


def facts(reading: Reading) -> list[Finding]:
    """All findings of one service."""
    out: list[Finding] = []
    for container in sorted({*reading.service.members(), *reading.counts.containers()}):
        waiting = _waiting(reading, container)
        out += waiting or _share(reading, container)
        out += _stopped(reading, container)
    out = _together(reading, out)
    out += _gap(reading)
    out += _failing(reading)
    out += _normal(reading)
    out += _surge(reading)
    out += _demand(reading)
    return out


def _surge(reading: Reading) -> list[Finding]:
    """More is handed out than before: who cannot keep up then is short, not broken."""
    work = reading.flow
    if work is None or (reading.service.name in work.by and reading.service.kind not in ("api", "proxy")):
        return []  # what a worker itself starts is what it took, not what it was handed
    now = reading.counts.within(reading.scope.incident[0], reading.end)
    then = reading.counts.within(*reading.scope.baseline)
    if now.sum() < 6 or then.sum() < 6 or work.dispatched[then].sum() < 20:
        return []
    ratio = float(work.dispatched[now].mean() / work.dispatched[then].mean())
    if ratio < 1.4:
        return []
    about = Subject(service=reading.service.name, cluster=reading.service.cluster)
    rose = burst(reading.moments(work.dispatched, reading.scope.baseline[0], reading.end), reading.scope.baseline[0],
                 reading.end)
    return [Finding("demand_up", about, min(1.0, ratio - 1), sig(ratio), 1.0, "up",
                    None if rose is None else int(rose.at_ms))]


def _together(reading: Reading, findings: list[Finding]) -> list[Finding]:
    """Several instances that stopped together: what they share stopped them, not one of them."""
    stopped = [f for f in findings if f.kind == "work_stopped"]
    working = [m for m in reading.service.members() if reading.roles.expected_to_work(m, reading.end)]
    every = len(stopped) >= 2 and len(stopped) == len([m for m in working if m in reading.counts.containers()])
    return [replace(f, extra={**f.extra, "all": True}) if every and f.kind == "work_stopped" else f for f in findings]


def _demand(reading: Reading) -> list[Finding]:
    """Everything handed out is finished, though far more or less is handed out than before: demand, not a fault."""
    work = reading.flow
    if work is None:
        return []
    now = reading.counts.within(reading.scope.incident[0], reading.end)
    then = reading.counts.within(*reading.scope.baseline)
    handed, finished, before = work.dispatched[now].sum(), work.finished[now].sum(), work.dispatched[then].sum()
    if now.sum() < 6 or then.sum() < 6 or before < 10:
        return []
    rate, usual = handed / now.sum(), before / then.sum()
    ratio = float(rate / usual)
    kept = finished >= 0.9 * handed - 3
    if not kept or 0.8 <= ratio <= 1.25:
        return []
    away = max(ratio, 1 / max(ratio, 1e-9))
    about = Subject(service=reading.service.name, cluster=reading.service.cluster)
    return [Finding("work_follows_demand", about, min(1.0, (away - 1) / 0.5), sig(ratio), 1.0,
                    "up" if ratio > 1 else "down", extra={"handed": int(handed), "finished": int(finished)})]


def _waiting(reading: Reading, container: str) -> list[Finding]:
    """What an instance does while its role is to wait: nothing, a drain, or work.

    Work of a routed service comes through the proxy: that a waiting colour gets it is for bluegreen.views to say.
    """
    spans = reading.roles.held(container, STANDBY)
    if reading.service.routed or not spans or spans[-1].end_ms < reading.scope.asked_at_ms:
        return []
    span, handled = spans[-1], reading.counts.handled(container)
    lost_role = span.began
    moments = reading.moments(handled, span.start_ms, reading.end)
    if moments.size == 0:
        known = container in reading.speaking
        said = reading.all_units(span.start_ms, reading.end) > 0
        return (
            [
                Finding(
                    "idle_as_declared",
                    reading.about(container),
                    1.0 if known and said else 0.7,
                    0.0,
                    detail="" if known else "no log line at all",
                )
            ]
            if said
            else []
        )
    kind = course(moments, span.start_ms, reading.end) if lost_role else Course.STEADY
    if lost_role and moments.max() - span.start_ms <= DRAIN_GRACE_MS:
        kind = Course.DRAINING
    if kind is Course.DRAINING:
        quiet = (reading.end - float(moments.max())) / max(reading.end - span.start_ms, 1)
        return [
            Finding(
                "drain_decaying",
                reading.about(container),
                min(1.0, quiet / 0.5),
                float(moments.size),
                since_ms=span.start_ms,
                extra={"last_unit_ms": int(moments.max())},
            )
        ]
    return [_stray(reading, container, int(moments.min()), span.start_ms, lost_role, moments)]


def _stray(reading: Reading, container: str, first: int, waits_from: int, lost_role: bool, moments: Floats) -> Finding:
    step = reading.counts.step_ms
    start = first - step
    share, units, whole = _part(reading, container, start, reading.end)
    before = waits_from if lost_role else reading.scope.baseline[0]
    always = first - before <= 2 * step and not lost_role
    until = reading.scope.baseline[1] if always else min(start, reading.scope.baseline[1])
    base, _, _ = _part(reading, container, before, until)
    extra = {
        "units": int(units),
        "of": int(whole),
        "unit": reading.counts.unit,
        "roles_by": reading.roles.by(container, reading.end),
        "trend": sig(laplace_trend(moments, start, reading.end), 3),
        "listed": container in reading.service.members(),
    }
    told = 0.5 if reading.roles.by(container, reading.end).startswith("observed") else 1.0  # traffic alone is no decree
    return Finding(
        "work_by_waiting_role",
        reading.about(container),
        told * min(1.0, share / 0.2, units / 20),
        sig(share),
        sig(base),
        direction="" if always else "up",
        since_ms=None if always else first,
        extra=extra,
    )


def _part(reading: Reading, container: str, start: int, end: int) -> tuple[float, float, float]:
    """(share, units, units of all) in (start, end]; share 0 when nobody worked."""
    units, whole = reading.units(container, start, end), reading.all_units(start, end)
    return (units / whole if whole else 0.0), units, whole


def _share(reading: Reading, container: str) -> list[Finding]:
    """A share that moved without the role having moved."""
    scope = reading.scope
    if len(reading.counts.containers()) < 2:
        return []
    roles = {reading.roles.role(container, t) for t in (scope.baseline[0], scope.baseline[1], reading.end)}
    now, units, whole = _part(reading, container, scope.incident[0], reading.end)
    before, _, whole_before = _part(reading, container, *scope.baseline)
    moved = now - before
    noise = 3 * np.sqrt(0.25 / max(min(whole, whole_before), 1))
    if len(roles - {""}) > 1 or whole < 10 or whole_before < 10 or abs(moved) < max(0.05, noise):
        return []
    return [
        Finding(
            "share_of_work",
            reading.about(container),
            min(1.0, abs(moved) / 0.3),
            sig(now),
            sig(before),
            direction="up" if moved > 0 else "down",
            since_ms=_share_moved(reading, container, before, rose=moved > 0),
            extra={"units": int(units), "of": int(whole)},
        )
    ]


def _share_moved(reading: Reading, container: str, before: float, *, rose: bool) -> int:
    """Where the running surplus over the baseline's share turns for good (the extreme of a CUSUM, Page 1954).

    A share that was exactly 0 or 1 before leaves a flat path: its last point is the turn, not its first.
    """
    own = reading.counts.handled(container)
    everyone = np.asarray(sum(reading.counts.handled(c) for c in reading.counts.containers()))
    path = np.cumsum(own - before * everyone) * (1 if rose else -1)
    turn = len(path) - 1 - int(np.argmin(path[::-1]))
    return int(reading.counts.ms[turn])


def _stopped(reading: Reading, container: str) -> list[Finding]:
    """Silent at the end of the window although work is handed out."""
    if not reading.roles.expected_to_work(container, reading.end) or "done" not in reading.counts.outcomes:
        return []
    window = (reading.scope.baseline[0], reading.end)
    moments = reading.moments(reading.counts.handled(container), *window)
    began = max(reading.roles.since(container, reading.end) or window[0], window[0])
    last = max(float(moments.max()) if moments.size else float(began), began)
    quiet = reading.end - last
    if quiet < QUIET_MS:
        return []
    rate = reading.units(container, *reading.scope.baseline) / seconds(reading.scope.baseline)
    handed, known = _handed(reading, int(last), rate)
    if handed < 5 or (moments.size == 0 and reading.role(container) != "active"):
        return []
    strength = min(1.0, quiet / 60_000, handed / 10) * (1.0 if known else 0.5)
    extra = {"quiet_s": sig(quiet / 1000), "dispatched": int(handed), "dispatch_known": known}
    return [Finding("work_stopped", reading.about(container), strength, 0.0, sig(rate), "down", int(last), extra=extra)]


def _handed(reading: Reading, start: int, rate: float) -> tuple[float, bool]:
    """Units handed out since `start`, and whether that was seen or only expected from the baseline's rate.

    An api that logs the start of its own units shows what reached it; a worker's own start shows only what it took.
    """
    own = reading.flow is not None and reading.service.name in reading.flow.by
    if reading.flow is not None and (not own or reading.service.kind in ("api", "proxy")):
        return float(reading.flow.dispatched[reading.counts.within(start, reading.end)].sum()), True
    return rate * (reading.end - start) / 1000, False


def _gap(reading: Reading) -> list[Finding]:
    """Fewer units finish than are handed out."""
    work = reading.flow
    if work is None:
        return []
    now = reading.counts.within(reading.scope.incident[0], reading.end)
    then = reading.counts.within(*reading.scope.baseline)
    handed, finished = work.dispatched[now].sum(), work.finished[now].sum()
    before = work.finished[then].sum() / max(work.dispatched[then].sum(), 1)
    if handed < 10 or handed - finished < 5 or finished / handed > 0.9:
        return []
    ratio = float(finished / handed)
    backlog = work.backlog()
    usual = float(backlog[then].max()) if then.any() else 0.0
    above = np.flatnonzero(backlog <= usual)
    since = int(reading.counts.ms[above[-1]]) if above.size else reading.scope.incident[0]
    return [
        Finding(
            "completion_gap",
            Subject(service=reading.service.name, cluster=reading.service.cluster),
            min(1.0, (1 - ratio) / 0.5),
            sig(ratio),
            sig(min(float(before), 1.0)),
            direction="down",
            since_ms=since,
            extra={"dispatched": int(handed), "finished": int(finished), "dispatched_by": list(work.by)},
        )
    ]


def _failing(reading: Reading) -> list[Finding]:
    """Failures among finished units, and whether one instance owns them."""
    counts, scope = reading.counts, reading.scope
    if "failed" not in counts.outcomes:
        return []
    now, then = counts.within(scope.incident[0], reading.end), counts.within(*scope.baseline)
    failed, ends = counts.total("failed"), counts.total("done", "failed")
    ratio = float(failed[now].sum() / max(ends[now].sum(), 1))
    before = float(failed[then].sum() / max(ends[then].sum(), 1))
    if failed[now].sum() < 3 or ratio - before < 0.03:
        return []
    first = np.flatnonzero(failed[now] > 0)[0]
    rose = burst(reading.moments(failed, scope.baseline[0], reading.end), scope.baseline[0], reading.end)
    since = int(rose.at_ms) if rose is not None else int(counts.ms[now][first]) - counts.step_ms // 2
    healed = rose is not None and rose.healed_ms is not None
    about = Subject(service=reading.service.name, cluster=reading.service.cluster)
    out = [
        Finding(
            "work_failing",
            about,
            min(1.0, (ratio - before) / 0.2) * (0.5 if healed else 1.0),
            sig(ratio),
            sig(before),
            "up",
            since,
            extra={"failed": int(failed[now].sum()), "finished": int(ends[now].sum()),
                   **({"healed": True} if healed else {})},
        )
    ]
    return out + _concentrated(reading, now, since)


def _concentrated(reading: Reading, now: np.ndarray[tuple[int], np.dtype[np.bool_]], since: int) -> list[Finding]:
    counts = reading.counts
    ends = {c: float(counts.of(c, "done", "failed")[now].sum()) for c in counts.containers()}
    fails = {c: float(counts.of(c, "failed")[now].sum()) for c in counts.containers()}
    worst, whole = max(fails, key=lambda c: fails[c]), sum(fails.values())
    share = fails[worst] / whole
    if sum(1 for n in ends.values() if n >= 3) < 2 or share < 0.8 or ends[worst] / max(sum(ends.values()), 1) > 0.9:
        return []
    return [
        Finding(
            "failures_concentrated",
            reading.about(worst),
            min(1.0, (share - 0.6) / 0.35, whole / 10),
            sig(share),
            sig(ends[worst] / sum(ends.values())),
            since_ms=since,
            extra={"failed": int(fails[worst]), "of": int(whole), "own_ratio": sig(fails[worst] / max(ends[worst], 1)),
                   "peers_work": _peers_work(reading, worst, since)},
        )
    ]


def _peers_work(reading: Reading, failing: str, since: int) -> bool:
    """Whether another instance still finished work in the last half of the failures: both take from the same queue."""
    middle = (since + reading.end) // 2
    peers = [c for c in reading.counts.containers() if c != failing]
    done = sum(float(reading.counts.of(c, "done")[reading.counts.within(middle, reading.end)].sum()) for c in peers)
    return done >= 3


def _normal(reading: Reading) -> list[Finding]:
    """The service as a whole works at the baseline's rate, and only those work that should."""
    scope = reading.scope
    now, before = reading.all_units(scope.incident[0], reading.end), reading.all_units(*scope.baseline)
    length = (reading.end - scope.incident[0]) / 1000
    if before < 10 or length <= 0:
        return []
    rate, base = now / length, before / seconds(scope.baseline)
    allowed = max(0.1, 2.0 / np.sqrt(max(base * length, 1.0)))  # two sigma of a Poisson count
    strength = 1.0 - max(0.0, abs(rate / base - 1) - allowed) / 0.2
    if strength <= 0:
        return []
    about = Subject(service=reading.service.name, cluster=reading.service.cluster)
    return [Finding("work_normal", about, float(strength), sig(rate), sig(base))]

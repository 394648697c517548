"""Which window a run looks at: a first guess from the signals, narrowed once the onset is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.incident import Signal
from agent.state import State
from tools.findings import Finding
from tools.world import Scope, World

LOOK_BACK_MS = 60 * 60_000
ALERT_LAG_MS = 3 * 60_000  # rules wait before they fire: what is alerted began earlier
SHORTEST_BASELINE_MS = 3 * 60_000
LEADS_MS = 5 * 60_000
SUPPORTED = 0.5
USER_VISIBLE = ("user_errors_up", "user_latency_up")


def first_scope(asked_at_ms: int, signals: Sequence[Signal], world: World) -> Scope:
    """Before anything is known: the incident starts a little before the first signal says it did."""
    start = max(asked_at_ms - LOOK_BACK_MS, world.earliest_ms or 0)
    said = min((s.starts_ms for s in signals if s.starts_ms > 0), default=asked_at_ms)
    return _split(start, min(said, asked_at_ms) - ALERT_LAG_MS, asked_at_ms)


def scope_of(state: State) -> Scope:
    """As triage left it."""
    incident, baseline = (tuple(state["scope"][name]) for name in ("incident", "baseline"))
    return Scope(state["asked_at_ms"], (incident[0], incident[1]), (baseline[0], baseline[1]))


def narrowed(scope: Scope, findings: Sequence[Finding]) -> Scope:
    """The onset as a question estimated it; else the earliest step before users noticed; else the guess."""
    onset = estimated_onset(findings)
    if onset is not None:
        return _split(scope.baseline[0], onset, scope.asked_at_ms)
    dated = [f for f in findings if f.since_ms is not None and f.strength >= 0.5]
    noticed = min((f.since_ms for f in dated if f.kind in USER_VISIBLE and f.since_ms is not None), default=None)
    steps = [f.since_ms for f in dated if f.kind == "level_changed" and f.since_ms is not None]
    if noticed is not None:
        near = [s for s in steps if noticed - 5 * 60_000 <= s <= noticed]
        return _split(scope.baseline[0], min([*near, noticed]), scope.asked_at_ms)
    if steps:
        return _split(scope.baseline[0], min(steps), scope.asked_at_ms)
    return scope


def estimated_onset(findings: Iterable[Finding]) -> int | None:
    """The clearest estimate, or an earlier one of another source that leads up to it; None without any."""
    told = [(f.strength, f.since_ms) for f in findings if f.kind == "incident_onset" and f.since_ms is not None]
    if not told:
        return None
    _, clearest = max(told)
    return min(at for strength, at in told if (strength >= SUPPORTED and clearest - LEADS_MS <= at <= clearest)
               or at == clearest)


def _split(start: int, onset: int, end: int) -> Scope:
    onset = min(max(onset, start + min(SHORTEST_BASELINE_MS, (end - start) // 2)), end - 1)
    return Scope(asked_at_ms=end, incident=(onset, end), baseline=(start, onset))

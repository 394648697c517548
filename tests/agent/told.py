"""Small evidence for tests: a stray standby worker, told by hand with made-up names."""

from __future__ import annotations

from typing import Any

from agent.odds import Observation
from tools.evidence import Evidence, Status
from tools.findings import Finding, Subject

T0 = 1_795_000_000_000
STRAY = Subject(service="crunch", container="crunch-left", role="standby", colour="left")
BUSY = Subject(service="crunch", container="crunch-right", role="active", colour="right")
FINDS = {
    "logs.activity": ("work_by_waiting_role", "share_of_work", "drain_decaying", "idle_as_declared", "work_normal"),
    "bluegreen.views": ("views_agree", "views_disagree", "both_colours_declared", "active_colour"),
    "metrics.onset": ("user_latency_up", "user_errors_up", "user_healthy", "level_changed"),
    "changes.recent": ("change_in_window", "no_change"),
}


def waiting_role_works(share: float = 0.48, strength: float = 0.95) -> Finding:
    """The stray's work."""
    return Finding("work_by_waiting_role", STRAY, strength, share, 0.0, "up", T0)


def answer(evidence_id: str, question: str, *findings: Finding, text: str = "", status: Status = Status.OK) -> Evidence:
    """One piece of evidence."""
    window = (T0 - 600_000, T0 + 240_000)
    return Evidence(question, {"arguments": {}}, window, window[1], status, text, findings, evidence_id)


def observe(*evidence: Evidence) -> tuple[Observation, ...]:
    """As inference sees them."""
    return tuple(Observation(e.id, e.question, e.status, e.findings) for e in evidence)


def as_dicts(*evidence: Evidence) -> dict[str, dict[str, Any]]:
    """As verification sees them."""
    return {e.id: e.as_dict() for e in evidence}


SLOW = Finding("user_latency_up", Subject(service="front"), 0.9, 4.2, 1.1, "up", T0 + 30_000)
STRAY_STORY = (
    answer("E1", "metrics.onset", SLOW, text="users wait 4.2 s (1.1 s before)"),
    answer("E2", "logs.activity", waiting_role_works(), Finding("share_of_work", BUSY, 0.9, 0.52, 1.0, "down", T0),
           text="crunch-left handled 212 of 431 jobs"),
    answer("E3", "bluegreen.views", Finding("views_agree", Subject(service="front"), 1.0, detail="right"),
           text="all three views say right"),
    answer("E4", "changes.recent", Finding("change_in_window", STRAY, 0.9, -20.0, None, "", T0 - 20_000,
                                           "deploy build 42", {"kind": "deploy"})),
)

"""That nothing is wrong is claimed only where no strong trouble is left which the claim does not account for.

A card lists what refutes it as far as its author could think; what a system may suffer is longer than any list. So each
kind of trouble that a `no_fault` card neither explains nor names itself speaks against it all the same.
"""

from __future__ import annotations

from agent.candidate import Term
from agent.card import Card
from agent.codes import Verdict
from agent.facts import Facts
from tools.findings import Finding

TROUBLE = frozenset((
    "work_by_waiting_role", "work_stopped", "completion_gap", "work_failing", "failures_concentrated", "views_disagree",
    "user_latency_up", "user_errors_up", "host_pressure", "target_absent", "cluster_absent", "stale_data", "silence",
    "error_template_new", "errors_logged_up", "dependency_refused", "dependency_slow", "status_rejected", "oom_killed",
    "restarted", "unhealthy", "odd_process", "queue_growth", "complaint", "capacity_short", "scaling_short",
))
WEIGHT = 3.0  # a strong one is worth a weighty refuter; two outweigh what announces an activity
STRONG = 0.5


def unexplained(card: Card, facts: Facts) -> list[Term]:
    """A term against a `no_fault` card for each kind of strong trouble it says nothing about; none for others."""
    if card.verdict is not Verdict.NO_FAULT:
        return []
    spoken = {e.finding for e in (*card.expects, *card.refutes)} | set(card.explains)
    worst: dict[str, tuple[str, Finding]] = {}
    for evidence, f in facts.findings:
        counts = f.kind in TROUBLE and f.kind not in spoken and not f.extra.get("healed")
        counts = counts and f"{f.kind}:{f.extra.get('topic', '')}" not in spoken
        if counts and f.strength >= STRONG and f.strength > (worst[f.kind][1].strength if f.kind in worst else 0.0):
            worst[f.kind] = evidence, f
    return [Term(kind, "", -WEIGHT * f.strength, evidence, "not explained", about=f.subject)
            for kind, (evidence, f) in sorted(worst.items())]

"""The data-integrity gate: before anything is weighed, what rests on data that stopped coming loses its strength.

A stream that fell silent because nobody shipped it says nothing about its container; a series that ends with its
exporter is no drop. Such findings stay in the evidence, but count a tenth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tools.findings import Finding

DOUBTED = 0.1
LEAD_MS = 90_000  # what is missing shows a little before the gap does: rates and bins look back

# What is read from the absence of lines, and from the absence or fall of samples.
FROM_MISSING_LINES = frozenset(
    ("work_stopped", "completion_gap", "template_vanished", "silence", "idle_as_declared", "drain_decaying",
     "share_of_work", "template_shifted"))
FROM_CONTAINER_SAMPLES = frozenset(("level_changed", "trend"))  # falls only: nothing rises by not being measured
FROM_PROBES = frozenset(("user_healthy", "user_latency_up", "user_errors_up"))
RESTS_ON = {
    "logs": FROM_MISSING_LINES, "containers": FROM_CONTAINER_SAMPLES, "probes": FROM_PROBES,
}


def believable(findings: Sequence[Finding]) -> Callable[[Finding], Finding]:
    """A function that damps what rests on stale data; identity where nothing is stale."""
    stale = [f for f in findings if f.kind == "stale_data" and f.subject.resource in RESTS_ON and f.strength >= 0.5]
    if not stale:
        return lambda finding: finding

    def weigh(finding: Finding) -> Finding:
        doubted = any(_rests_on(finding, gap) for gap in stale)
        return replace(finding, strength=finding.strength * DOUBTED) if doubted else finding

    return weigh


def _rests_on(finding: Finding, gap: Finding) -> bool:
    if finding.kind not in RESTS_ON[gap.subject.resource]:
        return False
    if finding.kind in FROM_CONTAINER_SAMPLES and finding.direction == "up":
        return False
    if finding.kind == "user_healthy" or finding.since_ms is None or gap.since_ms is None:
        return True
    return finding.since_ms >= gap.since_ms - LEAD_MS

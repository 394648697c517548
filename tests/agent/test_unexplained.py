"""No fault is not claimed over strong trouble that the claim says nothing about."""

from __future__ import annotations

from agent.codes import Verdict
from agent.unexplained import unexplained
from tests.agent.families import CARDS, GATE_1, HEALTHY, MILL_ON, diagnosis, fact, facts_of
from tools.findings import Finding, Subject

PLANNED = fact("planned_activity", Subject(service="paint"), after_s=None)
EAST = Subject(cluster="east")
BY_ID = {c.id: c for c in CARDS}


def verdict(*found: Finding) -> Verdict:
    return diagnosis(PLANNED, HEALTHY, *found).verdict


def test_what_was_announced_is_no_fault_until_something_else_breaks() -> None:
    """A planned activity is harmless; with a dead cluster, or a proxy that says 502, beside it nobody may say so."""
    assert verdict() is Verdict.NO_FAULT
    assert verdict(fact("cluster_absent", EAST), fact("status_rejected", GATE_1, status=502)) is not Verdict.NO_FAULT


def test_what_healed_or_is_weak_leaves_the_claim_alone() -> None:
    """A blip that is over, or a faint sign, is no standing trouble."""
    healed = fact("errors_logged_up", MILL_ON, healed=True)
    assert verdict(healed) is Verdict.NO_FAULT


def test_a_diagnosis_is_not_held_to_it() -> None:
    """Other trouble beside a fault is a second fault, not a reason against the first."""
    facts = facts_of(PLANNED, fact("cluster_absent", EAST))
    assert unexplained(BY_ID["stray-standby-consumer"], facts) == []
    assert [t.finding for t in unexplained(BY_ID["planned-activity"], facts)] == ["cluster_absent"]

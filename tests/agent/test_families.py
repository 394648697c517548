"""Each family: its telltales convict, its look-alikes and refuters do not, the action names whom it should."""

from __future__ import annotations

import pytest

from agent.codes import Verdict
from tests.agent.families import (
    AGREE,
    FAILING,
    FINDS,
    FRONT,
    FRONT_ON,
    GATE,
    GATE_1,
    HEALTHY,
    MILL,
    MILL_A,
    MILL_B,
    MILL_OFF,
    MILL_ON,
    ORACLE,
    PAINT_1,
    POND,
    POND_1,
    SLOW,
    diagnosis,
    fact,
    said,
)
from tools.findings import Finding, Subject

EAST = Subject(cluster="east")
HOST = Subject(host="rack-9")
SHELF_1 = Subject(service="shelf", container="shelf-1")
STRAY = fact("work_by_waiting_role", MILL_OFF)
NORMAL = fact("work_normal", MILL, after_s=None)
BOTH = fact("both_colours_declared", FRONT, after_s=None)
HOST_SHORT = fact("host_pressure", Subject(host="rack-9", resource="cpu"))
OWNER = fact("pressure_owner", PAINT_1, direction="up")
DEPLOY = [fact("change_in_window", MILL_ON, after_s=-10, kind="deploy", on_path=True),
          fact("started_in_window", MILL_ON, after_s=-4)]
NEW_ERROR = fact("error_template_new", MILL_ON, template="KeyError <*>")
STOPPED = fact("work_stopped", MILL_ON)
GAP = fact("completion_gap", MILL)

TELLTALES: dict[str, tuple[list[Finding], tuple[str, str], tuple[str, str]]] = {
    "F01 a stray standby": (
        [STRAY, AGREE, SLOW], ("role_violation", "mill-3"), ("stop_container", "mill-3")),
    "F02 two contracts on one queue": (
        [fact("failures_concentrated", MILL_A, peers_work=True), fact("image_differs", MILL_A, after_s=None), BOTH,
         fact("complaint", MILL_A, topic="contract", alone=True), FAILING],
        ("version_mismatch", "mill-7"), ("rollback", "mill-7")),
    "F03 healthy, but finishes nothing": (
        [STOPPED, GAP, SLOW, AGREE], ("false_health", "mill-7"), ("restart_container", "mill-7")),
    "F05 the provider's segment grew": (
        [fact("dependency_slow", ORACLE), SLOW, NORMAL], ("segment_latency", "oracle"), ("switch_model", "oracle")),
    "F06 the pool is too small": (
        [GAP, fact("throttling", MILL_ON), fact("queue_growth", POND), SLOW],
        ("capacity_exhausted", "mill"), ("scale_service", "mill")),
    "F07 the proxy says 429": (
        [fact("status_rejected", GATE_1, status=429)],
        ("rate_limited", "gate"), ("collect_more", "gate")),
    "F08 a process nobody deployed takes the host": (
        [OWNER, HOST_SHORT, fact("odd_process", PAINT_1, after_s=None, disguised=True), SLOW],
        ("compromise", "paint-1"), ("isolate_container", "paint-1")),
    "F09 what is loaded is not what is declared": (
        [fact("views_disagree", GATE), FAILING], ("routing_mismatch", "gate"), ("fix_route", "gate")),
    "F10 twice the instances, not twice the capacity": (
        [fact("scaling_short", MILL), fact("status_rejected", FRONT_ON, status=503), SLOW],
        ("scaling_limit", "mill"), ("scale_service", "mill")),
    "F11 the provider fails": (
        [fact("dependency_refused", ORACLE, shared=True), fact("work_failing", MILL), FAILING],
        ("provider_failure", "oracle"), ("switch_model", "oracle")),
    "F13 nothing relevant is found any more": (
        [fact("complaint", MILL_ON, topic="retrieval_empty"),
         fact("change_in_window", Subject(service="shelf"), after_s=-60, kind="index")],
        ("retrieval_failure", "shelf"), ("revert_config", "shelf")),
    "F14 a cluster is down": (
        [fact("cluster_absent", EAST), fact("target_absent", Subject(host="rack-9", cluster="east")), FAILING,
         fact("capacity_enough", EAST, after_s=None)],
        ("cluster_down", "east"), ("cut_traffic", "east")),
    "F15 one peer has another limit": (
        [fact("limit_differs", MILL_A, after_s=None, direction="down"), fact("throttling", MILL_A),
         fact("share_of_work", MILL_A, direction="down"), SLOW, BOTH],
        ("config_drift", "mill-7"), ("revert_config", "mill-7")),
    "F17 the new build fails": (
        [*DEPLOY, NEW_ERROR, fact("work_failing", MILL), FAILING],
        ("deploy_regression", "mill-7"), ("rollback", "mill-7")),
    "F18 a key was changed": (
        [fact("change_in_window", MILL_ON, after_s=-5, kind="config"), NEW_ERROR, FAILING],
        ("config_change", "mill-7"), ("revert_config", "mill-7")),
    "F20 memory climbs": (
        [fact("trend", Subject(service="mill", container="mill-7", role="active", resource="memory"), after_s=None,
              direction="up", resource="memory"),
         fact("saturation", Subject(service="mill", container="mill-7", role="active", resource="memory_of_limit"))],
        ("resource_leak", "mill-7"), ("set_limits", "mill-7")),
    "F24 all consumers died with the broker's blip": (
        [fact("work_stopped", MILL_A, all=True), fact("work_stopped", MILL_B, all=True), FAILING, BOTH,
         fact("dependency_refused", POND, shared=True), fact("started_in_window", POND_1)],
        ("consumer_dead", "mill"), ("restart_container", "mill")),
    "F25 a hog silences everyone": (
        [OWNER, HOST_SHORT, STOPPED, fact("status_rejected", FRONT_ON, status=503, after_s=30), FAILING],
        ("noisy_neighbour", "paint-1"), ("pause_container", "paint-1")),
    "F26 the broker's core is full": (
        [fact("saturation", POND_1, direction="up"), fact("throttling", POND_1), fact("dependency_slow", POND), SLOW],
        ("broker_saturated", "pond-1"), ("relieve_queue", "pond-1")),
    "F32 the broker is down and the worker crashes": (
        [fact("dependency_refused", POND_1, shared=True), fact("not_running", POND_1), fact("restarted", MILL_ON),
         FAILING],
        ("dependency_down", "pond-1"), ("start_container", "pond-1")),
    "F32 a crash loop without a refused dependency": (
        [fact("restarted", MILL_ON), fact("exited", MILL_ON), NEW_ERROR, FAILING],
        ("crash_loop", "mill-7"), ("rollback", "mill-7")),
    "F33 the exporters stopped": (
        [fact("target_absent", HOST), fact("stale_data", Subject(resource="hosts")), HEALTHY, NORMAL],
        ("monitoring_blind", "rack-9"), ("fix_monitoring", "rack-9")),
    "F33 the log shipper stopped": (
        [fact("stale_data", Subject(host="rack-9", resource="logs")), fact("work_stopped", MILL_ON),
         fact("silence", MILL_ON), HEALTHY],
        ("monitoring_blind", "rack-9"), ("fix_monitoring", "rack-9")),
    "sessions land on the other colour": (
        [fact("complaint", FRONT_ON, topic="session_lost"), FAILING,
         fact("change_in_window", FRONT_ON, after_s=-8, kind="switch")],
        ("session_affinity", "front"), ("fix_route", "front")),
    "work is dropped on the way": (
        [GAP, fact("complaint", MILL_ON, topic="expired_work"), FAILING],
        ("work_lost", "mill"), ("relieve_queue", "mill")),
    "one instance is cut off": (
        [fact("refused_alone", MILL_A), fact("dependency_refused", ORACLE, one_sided=True), BOTH,
         fact("failures_concentrated", MILL_A, peers_work=True), fact("peers_alike", MILL, after_s=None)],
        ("network_path", "mill-7"), ("collect_more", "mill-7")),
    "a clock is off": (
        [fact("clock_skew", HOST, after_s=None), fact("complaint", MILL_ON, topic="clock"), FAILING],
        ("clock_skew", "rack-9"), ("collect_more", "rack-9")),
    "the active worker was stopped and stayed down": (
        [fact("not_running", MILL_ON), fact("stopped_in_window", MILL_ON), STOPPED, GAP, FAILING],
        ("consumer_dead", "mill-7"), ("start_container", "mill-7")),
    "the database is slow": (
        [fact("dependency_slow", SHELF_1), SLOW], ("segment_latency", "shelf-1"), ("collect_more", "shelf-1")),
    "the disk is full": (
        [fact("complaint", SHELF_1, topic="disk_full"),
         fact("host_pressure", Subject(host="rack-9", resource="disk"), resource="disk"), FAILING],
        ("capacity_exhausted", "shelf-1"), ("collect_more", "shelf-1")),
    "a key expired": (
        [fact("complaint", MILL_ON, topic="credential"), NEW_ERROR, fact("work_failing", MILL), FAILING],
        ("config_change", "mill-7"), ("revert_config", "mill-7")),
}


@pytest.mark.parametrize("family", TELLTALES)
def test_telltales_convict_and_the_action_names_the_right_one(family: str) -> None:
    """The first root is the family's cause, and its action has the right kind and target."""
    findings, cause, (kind, target) = TELLTALES[family]
    draft = diagnosis(*findings)
    assert draft.verdict is Verdict.DIAGNOSED
    root = min((h for h in draft.hypotheses if h.status.value == "root"), key=lambda h: h.rank)
    assert (root.category.value, root.component.name) == cause
    assert any(a.kind.value == kind and target in a.targets for a in draft.actions)


@pytest.mark.parametrize("family", TELLTALES)
def test_an_innocent_deploy_beside_it_changes_nothing(family: str) -> None:
    """A clean deploy of a service on no path to users, a minute before: the cause stays the same."""
    findings, cause, _ = TELLTALES[family]
    docs = Subject(service="docs", container="docs-1")
    innocent = [fact("change_in_window", docs, after_s=-60, kind="deploy", on_path=False, off_path=True),
                fact("started_in_window", docs, after_s=-55), fact("image_changed", docs, after_s=None)]
    assert said(*findings, *innocent) == said(*findings)
    assert cause in said(*findings, *innocent)


LOOK_ALIKES: dict[str, tuple[list[Finding], str]] = {
    "F01 both colours are declared": ([STRAY, BOTH, HEALTHY], "role_violation"),
    "F01 a drain after the switch": (
        [fact("drain_decaying", MILL_OFF), AGREE, fact("change_in_window", FRONT, kind="switch"), HEALTHY],
        "role_violation"),
    "F02 tags are equal": (
        [fact("failures_concentrated", MILL_A, peers_work=True), fact("peers_alike", MILL, after_s=None), FAILING],
        "version_mismatch"),
    "F02 the new build alone works": (
        [*DEPLOY, NEW_ERROR, fact("failures_concentrated", MILL_ON, peers_work=False),
         fact("image_differs", MILL_ON, after_s=None), FAILING], "version_mismatch"),
    "F03 nothing is handed out": ([fact("work_follows_demand", MILL, direction="down"), HEALTHY], "false_health"),
    "F06 the provider is slow": ([GAP, fact("dependency_slow", ORACLE), SLOW], "capacity_exhausted"),
    "F06 a dead worker": ([GAP, STOPPED, fact("queue_growth", POND), SLOW], "capacity_exhausted"),
    "F07 another layer's answer is passed on": (
        [fact("status_rejected", GATE_1, status=429, passed_on=True)], "rate_limited"),
    "F08 a batch that was announced": (
        [OWNER, HOST_SHORT, fact("odd_process", PAINT_1, after_s=None), fact("planned_activity", PAINT_1)],
        "compromise"),
    "F08 another job of its own program": (
        [OWNER, HOST_SHORT, fact("odd_process", PAINT_1, after_s=None, alike=True, disguised=False), SLOW],
        "compromise"),
    "F09 long streams drain on the old colour": (
        [AGREE, HEALTHY, fact("drain_decaying", MILL_OFF)], "routing_mismatch"),
    "F10 one slower instance": (
        [fact("scaling_short", MILL), fact("limit_differs", MILL_A, after_s=None, direction="down"),
         fact("failures_concentrated", MILL_A, peers_work=True), fact("throttling", MILL_A), SLOW], "scaling_limit"),
    "F11 one instance only": (
        [fact("dependency_refused", ORACLE, one_sided=True), fact("refused_alone", MILL_A),
         fact("failures_concentrated", MILL_A, peers_work=True),
         fact("config_differs", MILL_A, after_s=None), FAILING], "provider_failure"),
    "F14 the cluster is only out of sight": (
        [fact("cluster_absent", EAST), fact("target_absent", Subject(host="rack-9", cluster="east")), HEALTHY,
         fact("work_normal", Subject(service="front", cluster="east"), after_s=None)], "cluster_down"),
    "F15 the difference is on no one's way": (
        [fact("config_differs", MILL_ON, after_s=None), HEALTHY, NORMAL], "config_drift"),
    "F17 the anomaly came first": (
        [fact("change_in_window", MILL_ON, 0.1, after_s=60, kind="deploy", on_path=True),
         fact("started_in_window", MILL_ON, 0.3, after_s=65), NEW_ERROR, FAILING], "deploy_regression"),
    "F17 the old build shows it too": (
        [*DEPLOY, fact("error_template_new", MILL_ON, template="x", peers_too=True),
         fact("error_template_new", MILL_OFF, template="x", peers_too=True),
         fact("errors_logged_up", MILL_OFF)], "deploy_regression"),
    "F18 users are as before": (
        [fact("change_in_window", MILL_ON, after_s=-5, kind="config"), HEALTHY, NORMAL], "config_change"),
    "F24 nobody lost the broker": ([STOPPED, GAP, SLOW], "consumer_dead"),
    "F26 slow clients, the broker idles": ([fact("segment_slower", MILL_ON, waiting=True), SLOW], "broker_saturated"),
    "F32 the dependency is up": (
        [fact("dependency_refused", POND_1, 0.4), fact("started_in_window", POND_1), NORMAL], "dependency_down"),
    "F33 users do feel it": (
        [fact("target_absent", HOST), FAILING, SLOW, STOPPED], "monitoring_blind"),
}


@pytest.mark.parametrize("story", LOOK_ALIKES)
def test_look_alikes_and_refuters_are_cleared(story: str) -> None:
    """The named category is no root of this story."""
    findings, category = LOOK_ALIKES[story]
    assert category not in {c for c, _ in said(*findings)}


CONTROLS: dict[str, list[Finding]] = {
    "nothing stands out": [HEALTHY, NORMAL, AGREE],
    "a clean switch": [fact("change_in_window", FRONT, kind="switch"), AGREE, fact("drain_decaying", MILL_OFF), HEALTHY,
                       fact("idle_as_declared", MILL_OFF)],
    "a load test that was announced": [fact("planned_activity", FRONT), SLOW, fact("host_pressure", HOST, 0.5)],
    "a holiday dip": [fact("work_follows_demand", MILL, direction="down"), HEALTHY, AGREE],
    "a blip that healed": [fact("user_errors_up", FRONT, 0.5, healed=True), NORMAL, AGREE,
                           fact("dependency_refused", ORACLE, 0.5, healed=True, shared=True),
                           fact("errors_logged_up", MILL_ON, 0.5, healed=True)],
    "both colours by decree": [BOTH, HEALTHY, NORMAL, fact("share_of_work", MILL_A, direction="down")],
}


@pytest.mark.parametrize("control", CONTROLS)
def test_controls_are_no_fault_and_nothing_is_touched(control: str) -> None:
    """no_fault, no hypothesis, and no action but none."""
    draft = diagnosis(*CONTROLS[control])
    assert draft.verdict is Verdict.NO_FAULT
    assert draft.hypotheses == ()
    assert {a.kind.value for a in draft.actions} == {"none"}


COMPOUNDS = {
    "a stray and a provider that fails": ("F01 a stray standby", "F11 the provider fails"),
    "a hog and a routing mismatch": (
        "F08 a process nobody deployed takes the host", "F09 what is loaded is not what is declared"),
    "a stray and a clock": ("F01 a stray standby", "a clock is off"),
    "a full broker and lost sessions": ("F26 the broker's core is full", "sessions land on the other colour"),
}


@pytest.mark.parametrize("compound", COMPOUNDS)
def test_two_causes_at_once_are_both_named(compound: str) -> None:
    """Both components are roots."""
    one, other = (TELLTALES[name] for name in COMPOUNDS[compound])
    assert {one[1], other[1]} <= said(*one[0], *other[0])


def test_nothing_that_matches_is_undetermined_and_says_what_was_excluded() -> None:
    """F21: an unknown shape is not forced into a family; only collecting is proposed."""
    draft = diagnosis(fact("level_changed", PAINT_1, resource="disk"), SLOW, fact("template_shifted", MILL_ON))
    assert draft.verdict is Verdict.UNDETERMINED
    assert {a.kind.value for a in draft.actions} == {"collect_more"}
    assert all(h.status.value != "root" for h in draft.hypotheses)


def test_what_no_family_covers_is_a_lead_and_never_a_cause() -> None:
    """An instance with errors of its own and no known cause is named as a lead with its component, below certainty."""
    errors = [fact("errors_logged_up", PAINT_1), fact("error_template_new", PAINT_1, template="x")]
    draft = diagnosis(*errors, FAILING, SLOW)
    assert draft.verdict is Verdict.UNDETERMINED
    lead = draft.hypotheses[0]
    assert (lead.component.name, lead.category.value) == ("paint-1", "unknown")
    assert 0.3 <= lead.confidence <= 0.6


@pytest.mark.parametrize("family", [f for f in TELLTALES if "F33" not in f])
def test_without_the_telling_question_nothing_wrong_is_said_with_confidence(family: str) -> None:
    """Each question that found something is taken away in turn: the right cause, or none, is named, never another."""
    findings, cause, _ = TELLTALES[family]
    for name in {n for n, kinds in FINDS.items() for f in findings if f.kind in kinds}:
        kept = [f for f in findings if any(f.kind in kinds for n, kinds in FINDS.items() if n != name)]
        assert said(*kept, unanswered=(name,)) <= {cause}, name


def test_a_change_beside_a_surge_is_a_coincidence() -> None:
    """A setting was changed a minute before far more work came in than the pool can do: the pool is short, alone."""
    changed = [fact("change_in_window", MILL_ON, 0.9, after_s=-70, kind="config"),
               fact("config_changed", MILL_ON, after_s=None, compared=False),
               fact("segment_slower", MILL_ON, waiting=True), fact("started_in_window", MILL_ON, after_s=-60)]
    surge = [GAP, fact("demand_up", MILL, direction="up"), SLOW, FAILING]
    assert said(*changed, *surge) == {("capacity_exhausted", "mill")}


def test_a_deploy_a_minute_before_the_provider_fails_is_not_blamed() -> None:
    """The worker's own new build logs the provider's errors; the provider explains them, the deploy does not."""
    provider = [fact("dependency_refused", ORACLE, shared=True), fact("work_failing", MILL), FAILING]
    deploy = [fact("change_in_window", MILL_ON, 0.9, after_s=-62, kind="deploy", on_path=True),
              fact("started_in_window", MILL_ON, after_s=-55), fact("image_changed", MILL_ON, after_s=None),
              NEW_ERROR, fact("errors_logged_up", MILL_ON)]
    assert said(*provider, *deploy) == {("provider_failure", "oracle")}

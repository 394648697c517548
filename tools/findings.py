"""Findings: typed, language-neutral facts. The common currency of questions, analyst, verifier, experience and evals.

The vocabulary is closed: a kind that is not in `KINDS` cannot be made. Strength is 0..1, how clearly the fact stands
out of its own noise (not how bad it is); the scale of each kind is in its definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Kind:
    """One kind of finding: what it means, the unit of `value` and `baseline`, and when strength is 1."""

    name: str
    means: str
    unit: str
    strong: str


def _kinds(*rows: tuple[str, str, str, str]) -> Mapping[str, Kind]:
    return {name: Kind(name, means, unit, strong) for name, means, unit, strong in rows}


KINDS: Mapping[str, Kind] = _kinds(
    # work and roles
    ("work_by_waiting_role", "an instance whose role is to wait does units of work", "share of all work, 0..1",
     "share >= 0.2 over >= 20 units"),
    ("share_of_work", "an instance's share of its service's work moved against its baseline", "share, 0..1",
     "moved by >= 0.3"),
    ("work_stopped", "an instance whose role is active finishes nothing while work is dispatched", "units per second",
     "zero for >= 60 s with >= 10 units dispatched"),
    ("completion_gap", "fewer units finish than start", "finished / started, 0..1", "ratio <= 0.5"),
    ("work_failing", "units of work fail, with the share of failures an instance owns", "failures / finished, 0..1",
     "ratio moved by >= 0.2"),
    ("failures_concentrated", "one instance owns nearly all failures of its service", "share of failures, 0..1",
     "share >= 0.95 with >= 10 failures"),
    ("drain_decaying", "a colour that lost its role finishes what it had and falls silent", "units since the switch",
     "silent for the last half of the window"),
    ("idle_as_declared", "the waiting instances do no work and are stopped or silent", "units", "zero units"),
    ("work_normal", "work is done by the active role at its baseline rate", "units per second", "within 10 %"),
    ("demand_up", "far more work is handed out than in the baseline, whether or not it is finished",
     "ratio to baseline", ">= 2 x"),
    ("work_follows_demand", "far more or less work is handed out than before, and all of it is finished",
     "ratio to baseline", ">= 1.5 x or <= 0.67 x"),
    # routing
    ("both_colours_declared", "a mode in which both colours serve is declared", "", "declared before the window's end"),
    ("views_disagree", "declared, loaded and observed colour differ", "", "two known views differ"),
    ("views_agree", "declared, loaded and observed colour are the same", "", "three known views agree"),
    ("active_colour", "which colour is active, by the known views", "", "all known views agree"),
    # metrics
    ("level_changed", "a series' level stepped against its baseline (resource in the subject)", "the series' own",
     "|robust z| >= 10"),
    ("incident_onset", "the best estimate of when it began: lasting changes that lead up to what users noticed",
     "series that agree", ">= 4 series agree and users noticed"),
    ("user_latency_up", "what users wait for got slower", "seconds", ">= 3 x baseline"),
    ("user_errors_up", "users see more errors", "share, 0..1", "share >= 0.1"),
    ("user_healthy", "user-visible latency and errors are at their baseline", "seconds", "within 20 % for the window"),
    ("saturation", "a resource is used up to its limit", "used / limit, 0..1", ">= 0.95"),
    ("throttling", "a container's CPU is throttled by its limit", "throttled / all periods, 0..1", ">= 0.5"),
    ("host_pressure", "the host's own CPU, memory or disk is short", "used share, 0..1", ">= 0.9"),
    ("pressure_owner", "one container owns most of the host's pressure", "share of host use, 0..1", ">= 0.5"),
    ("suspect", "a component that stands out by what is wrong with itself, once what its callees explain is taken away",
     "score of tools/analysis/ranking.py", "score >= 2 and the best"),
    ("trend", "a series grows or falls steadily towards a limit", "the series' own per hour", "R2 >= 0.9"),
    ("counter_reset", "a counter started again", "", "seen in raw samples"),
    ("stale_data", "samples stopped, or are older than two intervals", "seconds since the last", ">= 5 intervals"),
    ("target_absent", "a scrape target is down or gone", "seconds absent", ">= 60 s"),
    ("alert_suppressed", "an alert of the subject fires but is silenced or inhibited: nobody was told", "", "any"),
    ("rule_broken", "an alerting rule cannot be evaluated: what it watches is not watched", "", "any"),
    ("cluster_absent", "every scrape target of one cluster is gone while those of another are up", "targets",
     ">= 2 targets"),
    # logs
    ("error_template_new", "an error line of a shape not seen in the baseline", "lines per minute", ">= 10 lines"),
    ("errors_logged_up", "a container logs errors more often than before, by the rate of its error lines alone",
     "lines per minute", "log-likelihood ratio >= 20"),
    ("template_new", "a line of a shape not seen in the baseline, no error", "lines per minute", ">= 30 lines"),
    ("template_vanished", "a steady line of the baseline is gone", "lines per minute before", ">= 30 lines before"),
    ("template_shifted", "a line's rate moved against its baseline", "ratio to baseline", ">= 5 x or <= 0.2 x"),
    ("silence", "a stream that always speaks says nothing", "seconds silent", ">= 10 usual gaps"),
    ("dependency_refused", "connections to the subject, a dependency of who says so, are refused or time out",
     "lines per minute", ">= 10 lines"),
    ("refused_alone", "one of several working instances cannot reach a dependency that its peers reach",
     "lines per minute", ">= 10 lines"),
    ("complaint", "lines speak of a known trouble (topic in extra: contract, session_lost, disk_full, …) more often "
     "than before", "lines per minute", ">= 10 lines"),
    ("status_rejected", "a container's own lines state 429 or 5xx (status in extra): the layer that says no",
     "lines per minute", ">= 10 lines"),
    ("dependency_slow", "a dependency answers slower than its baseline", "seconds", ">= 3 x baseline"),
    ("segment_slower", "a timed part of the work got slower, by a field of its log lines (the field is the resource)",
     "the field's own, 90th percentile", ">= 3 x baseline"),
    ("instruction_in_data", "telemetry holds text that instructs the reader; reported as data only", "lines", "any"),
    # containers
    ("restarted", "a container was restarted by the engine or died and came back", "times in the window", ">= 3"),
    ("exited", "a container ended (exit code in detail)", "exit code", "a code other than 0 and 143"),
    ("oom_killed", "a container was killed for memory", "", "flag or event"),
    ("started_in_window", "a container was created or started shortly before or in the window",
     "seconds after start of window", "within 2 min of the onset"),
    ("stopped_in_window", "a container was stopped in the window", "seconds after start of window", "any"),
    ("not_running", "a container that the inventory lists does not run", "", "state is known"),
    ("unhealthy", "the engine's own health check of a container fails", "", "state is known"),
    ("unlisted_container", "a container runs that the inventory does not list", "", "state is known"),
    ("odd_process", "a process runs in a container that its peers and its past do not have", "", "not in the baseline"),
    ("egress_new", "a container sends far more than its baseline or peers", "bytes per second", ">= 10 x baseline"),
    # peers and changes
    ("image_differs", "like instances run different images or builds", "", "tags differ"),
    ("limit_differs", "like instances have different resource limits", "ratio", ">= 2 x"),
    ("config_differs", "like instances differ in configuration or environment keys", "", "a named key differs"),
    ("config_changed", "an instance's own configuration, limits or environment keys changed since the baseline "
     "(`compared`: peers were there to compare it with)", "", "a named key changed"),
    ("image_changed", "an instance runs another image than in the baseline", "", "tags differ"),
    ("peers_alike", "like instances do not differ", "", "all facts equal"),
    ("change_in_window", "a deploy, switch or configuration change (kind in detail) before or in the window",
     "seconds from change to onset", "<= 45 s before the onset"),
    ("no_change", "no change was recorded in the window", "", "source answered"),
    ("planned_activity", "the change record declares this activity as planned (load test, maintenance)", "",
     "declared"),
    # queues and capacity
    ("queue_growth", "a queue grows", "items per minute", "monotone over >= 5 readings"),
    ("extra_consumer", "more consumers block on a queue than roles allow", "consumers", "known count above expected"),
    ("capacity_enough", "the remaining instances can carry the load alone", "load / capacity", "<= 0.7"),
    ("capacity_short", "the remaining instances cannot carry the load alone", "load / capacity", ">= 1.0"),
    ("scaling_short", "the load passes what several even instances carry together though not what they would carry "
     "apart", "load / (instances x base)", "load over N x base x factor, each instance at its rate"),
    # time
    ("clock_skew", "clocks differ between sources", "seconds", ">= 5 s"),
)


@dataclass(frozen=True)
class Subject:
    """What a finding is about. Empty fields are unknown or do not apply; `role` is active, standby, both or ""."""

    service: str = ""
    container: str = ""
    role: str = ""
    colour: str = ""
    host: str = ""
    cluster: str = ""
    resource: str = ""

    def as_dict(self) -> dict[str, str]:
        """Only the fields that are set."""
        return {k: v for k, v in self.__dict__.items() if v}


@dataclass(frozen=True)
class Finding:
    """One fact. `since_ms` is when it began, where the data says; `detail` is a short, redacted quote or name."""

    kind: str
    subject: Subject
    strength: float
    value: float | None = None
    baseline: float | None = None
    direction: str = ""
    since_ms: int | None = None
    detail: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown finding kind {self.kind!r}")
        if not 0.0 <= self.strength <= 1.0:
            raise ValueError(f"{self.kind}: strength {self.strength} outside 0..1")

    def as_dict(self) -> dict[str, Any]:
        """JSON shape: set fields only; `since` stays in milliseconds as `since_ms`."""
        out: dict[str, Any] = {"kind": self.kind, "subject": self.subject.as_dict()}
        out["strength"] = round(self.strength, 3)
        for name in ("value", "baseline", "since_ms"):
            number = getattr(self, name)
            if number is not None:
                out[name] = number
        for name in ("direction", "detail"):
            if getattr(self, name):
                out[name] = getattr(self, name)
        if self.extra:
            out["extra"] = dict(self.extra)
        return out

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Finding:
        """The inverse of `as_dict`. Raises ValueError on an unknown kind, KeyError or TypeError on a wrong shape."""
        return Finding(
            kind=data["kind"], subject=Subject(**data["subject"]), strength=data["strength"],
            value=data.get("value"), baseline=data.get("baseline"), direction=data.get("direction", ""),
            since_ms=data.get("since_ms"), detail=data.get("detail", ""), extra=data.get("extra", {}),
        )

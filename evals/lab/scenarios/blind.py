"""F33: the exporters stop; the system goes on, and nobody can see it."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import prefixed, slotted
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import diagnosis
from evals.lab.wordings import ENGLISH


def go_blind(lab: Lab) -> int:
    """Container and node metrics are gone."""
    lab.monitoring.stop("exporter")
    lab.monitoring.stop("node")
    return now_ms()


def see_again(lab: Lab) -> None:
    """The right action."""
    lab.monitoring.start("exporter")
    lab.monitoring.start("node")


def label(scenario: Scenario) -> dict[str, object]:
    """Fix the monitoring; touch nothing that serves."""
    names, active = scenario.names, scenario.active
    host = {"kind": "host", "name": names.host, "service": "", "colour": "", "cluster": names.cluster}
    return diagnosis(
        host,
        "monitoring_blind",
        right=[("fix_monitoring", names.host)],
        innocent=[names.worker_of(active), names.api_of(active), names.proxy, names.broker],
        notes="Targets are down while logs and the synthetic user show a healthy service.",
    )


def lose_exporter(lab: Lab) -> int:
    """Container metrics alone are gone."""
    lab.monitoring.stop("exporter")
    return now_ms()


SCENARIO = Scenario(
    id="f33-a",
    family="F33",
    title={"en": "Exporters stopped, the service is fine", "ko": "수집기 중단, 서비스는 정상"},
    names=prefixed("dark"),
    active="blue",
    builds={"blue": "11", "green": "10"},
    tuning=Tuning(rate=2.0, contracts={"11": 2, "10": 2}, log_style="logfmt"),
    steps=(Step(-270, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="docs 8")),),
    inject=go_blind,
    heal=see_again,
    label=label,
    notes="Fault: node_exporter and the container exporter stopped.",
)

SECOND = variant(
    SCENARIO,
    id="f33-b",
    title={"en": "The container exporter is gone", "ko": "컨테이너 수집기만 중단"},
    names=slotted("fog", host="node-1"),
    active="b",
    builds={"b": "14", "a": "13"},
    tuning=Tuning(rate=1.5, contracts={"14": 2, "13": 2}, words=ENGLISH, exporter_timestamps=True),
    steps=(Step(-50, "help deploy", lambda lab: lab.ci.deploy_docs("3", text="help pages 3")),),
    inject=lose_exporter,
    heal=lambda lab: lab.monitoring.start("exporter"),
    notes="Fault: the container exporter stopped; the host's and the prober's metrics go on.",
)

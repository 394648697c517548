"""F24: the broker restarts in seconds; every consumer loop is dead afterwards, heartbeats go on, the queue grows."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import prefixed, slotted
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import diagnosis, service
from evals.lab.wordings import ENGLISH


def blip(lab: Lab) -> int:
    """Three seconds without Redis."""
    onset = now_ms()
    lab.stack.get(lab.names.broker).restart(timeout=3)
    return onset


def restart_workers(lab: Lab) -> None:
    """The right action."""
    for colour in lab.names.colours:
        lab.stack.get(lab.names.worker_of(colour)).restart(timeout=10)


def label(scenario: Scenario) -> dict[str, object]:
    """Restart the consumers, not the broker."""
    names = scenario.names
    workers = [names.worker_of(c) for c in names.colours]
    return diagnosis(
        service(names, names.worker_service),
        "consumer_dead",
        right=[("restart_container", name) for name in (*workers, names.worker_service)],
        innocent=[names.proxy, names.broker, *(names.api_of(c) for c in names.colours)],
        notes="One line a consumer at the blip, then silence; all replicas at once.",
    )


SCENARIO = Scenario(
    id="f24-a",
    family="F24",
    title={"en": "Consumers died in a broker blip", "ko": "브로커 순단 뒤 소비 루프 중단"},
    names=prefixed("blip"),
    active="green",
    builds={"green": "27", "blue": "26"},
    tuning=Tuning(rate=1.6, worker={"reconnect": False}, contracts={"27": 2, "26": 2}, record_queues=True),
    prepare=lambda lab: lab.serve_with_both(),
    steps=(
        Step(
            -608,
            "mode both",
            lambda lab: lab.ci.announce("mode", service="api", by="ops", text="both colours serve", mode="both"),
        ),
        Step(-130, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),
    ),
    inject=blip,
    heal=restart_workers,
    label=label,
    notes="Fault: Redis restarted; consumer loops do not reconnect, heartbeats do.",
)

SECOND = variant(
    SCENARIO,
    id="f24-b",
    title={
        "en": "Inference workers never came back from a broker restart",
        "ko": "브로커 재시작 뒤 돌아오지 못한 워커",
    },
    names=slotted("echo", host="node-8"),
    active="a",
    builds={"a": "66", "b": "65"},
    tuning=Tuning(
        rate=2.1, worker={"reconnect": False}, contracts={"66": 2, "65": 2}, words=ENGLISH, log_style="logfmt"
    ),
    steps=(
        Step(
            -346,
            "mode both",
            lambda lab: lab.ci.announce("mode", service="gateway", by="ops", text="a and b serve", mode="both"),
        ),
        Step(-40, "help deploy", lambda lab: lab.ci.deploy_docs("27", text="help pages 27")),
    ),
    notes="Fault: the broker restarted; no consumer thread of either slot reconnects, heartbeats do.",
)

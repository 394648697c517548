"""F24: the broker restarts in seconds; every consumer loop is dead afterwards, heartbeats go on, the queue grows."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Scenario, Step, Tuning
from evals.lab.scenarios.verdicts import diagnosis, service


def blip(lab: Lab) -> int:
    """Three seconds without Redis."""
    onset = now_ms()
    lab.stack.get(lab.names.broker).restart(timeout=3)
    return onset


def restart_workers(lab: Lab) -> None:
    """The right action."""
    for colour in lab.names.colours:
        lab.stack.get(lab.names.worker_of(colour)).restart(timeout=10)


def label(names: Names) -> dict[str, object]:
    """Restart the consumers, not the broker."""
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

"""F06: more comes in than the worker's slots can finish; the queue grows while CPU is low."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Scenario, Step, Tuning
from evals.lab.scenarios.verdicts import diagnosis, service


def surge(lab: Lab) -> int:
    """Twice the users."""
    lab.load(rate=3.6)
    return now_ms()


def label(names: Names) -> dict[str, object]:
    """More workers; shed at the front meanwhile."""
    return diagnosis(
        service(names, names.worker_service),
        "capacity_exhausted",
        right=[("scale_service", names.worker_service), ("start_container", names.worker_of("green"))],
        innocent=[names.worker_of("blue"), names.api_of("blue"), names.proxy, names.broker],
        notes="Four slots of 1.4 s finish 2.8 jobs a second; 3.8 come in.",
    )


SCENARIO = Scenario(
    id="f06-a",
    family="F06",
    title={"en": "Worker slots are full and the queue grows", "ko": "워커 동시 처리 한도 초과로 대기열 증가"},
    names=prefixed("pool"),
    active="blue",
    builds={"blue": "15", "green": "14"},
    tuning=Tuning(rate=1.6, concurrency=4, contracts={"15": 2, "14": 2}, record_queues=True, capacity_per_second=2.8),
    steps=(Step(-330, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),),
    inject=surge,
    heal=lambda lab: lab.load(rate=1.0),
    label=label,
    notes="Fault: load rises from 1.6 to 3.6 requests a second with four slots.",
)

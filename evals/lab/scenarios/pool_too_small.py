"""F06: more comes in than the worker's slots can finish; the queue grows while CPU is low."""

from __future__ import annotations

from collections.abc import Callable

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import coloured, prefixed, slotted
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import diagnosis, service
from evals.lab.wordings import OTHER_KOREAN


def surge(rate: float) -> Callable[[Lab], int]:
    """Twice the users."""

    def inject(lab: Lab) -> int:
        lab.load(rate=rate)
        return now_ms()

    return inject


def label(scenario: Scenario) -> dict[str, object]:
    """More workers; shed at the front meanwhile."""
    names, active = scenario.names, scenario.active
    return diagnosis(
        service(names, names.worker_service),
        "capacity_exhausted",
        right=[("scale_service", names.worker_service), ("start_container", names.worker_of(scenario.standby))],
        innocent=[names.worker_of(active), names.api_of(active), names.proxy, names.broker],
        notes="More comes in than the slots or the CPU limit of the worker let out.",
    )


def linear_label(scenario: Scenario) -> dict[str, object]:
    """More instances than a doubling promised: two carry 1.66 times what one does."""
    names = scenario.names
    return diagnosis(
        service(names, names.worker_service),
        "scaling_limit",
        right=[("scale_service", names.worker_service)],
        innocent=[names.worker_of(c) for c in names.colours] + [names.proxy, names.broker],
        notes="Both colours serve; 6.4 jobs a second come in, below twice the base of 3.4 and above 0.83 of that.",
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
    inject=surge(3.6),
    heal=lambda lab: lab.load(rate=1.0),
    label=label,
    notes="Fault: load rises from 1.6 to 3.6 requests a second with four slots.",
)

SECOND = variant(
    SCENARIO,
    id="f06-b",
    title={"en": "The worker runs into its CPU limit", "ko": "워커가 CPU 제한에 걸림"},
    names=coloured("sum", host="app-8"),
    active="black",
    builds={"black": "91", "red": "90"},
    tuning=Tuning(
        rate=1.0,
        cpu_ms=170,
        worker_cpus=0.34,
        concurrency=14,
        contracts={"91": 2, "90": 2},
        words=OTHER_KOREAN,
        capacity_per_second=2.0,
        log_style="logfmt",
    ),
    steps=(Step(-90, "docs deploy", lambda lab: lab.ci.deploy_docs("66", text="docs 66")),),
    inject=surge(2.9),
    heal=lambda lab: lab.load(rate=0.8),
    notes="Fault: load rises from 1.0 to 2.9 requests a second; 0.34 cores finish two a second.",
)
LINEAR = variant(
    SCENARIO,
    id="f10-a",
    family="F10",
    title={"en": "Two instances do not carry twice the load", "ko": "두 배로 늘려도 두 배를 감당하지 못함"},
    names=slotted("scale", host="node-14"),
    active="b",
    builds={"b": "27", "a": "26"},
    tuning=Tuning(rate=2.8, concurrency=4, contracts={"27": 2, "26": 2}, capacity_per_second=3.4, record_queues=True),
    prepare=lambda lab: lab.serve_with_both(),
    steps=(
        Step(
            -346,
            "mode both",
            lambda lab: lab.ci.announce("mode", service="gateway", by="ops", text="a and b serve", mode="both"),
        ),
        Step(-60, "help deploy", lambda lab: lab.ci.deploy_docs("17", text="도움말 17 배포")),
    ),
    inject=surge(6.4),
    heal=lambda lab: lab.load(rate=1.5),
    label=linear_label,
    notes="Fault: load rises from 2.8 to 6.4 a second on two instances whose doubled base is 6.8.",
)

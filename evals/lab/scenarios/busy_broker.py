"""F26: Redis' single core is full of somebody's heavy commands, and everything that passes it waits."""

from __future__ import annotations

from collections.abc import Callable

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import coloured, prefixed
from evals.lab.scenario import Asked, Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import container, diagnosis
from evals.lab.wordings import OTHER_KOREAN


def flood(clients: int, *more: str) -> Callable[[Lab], int]:
    """The batch starts an export that reads whole lists."""

    def inject(lab: Lab) -> int:
        command = ["redis-benchmark", "-h", lab.names.broker, "-t", "lpush,lrange_600", "-n", "100000000"]
        lab.stack.get(lab.names.batch).exec_run([*command, "-c", str(clients), "-q", *more], detach=True)
        return now_ms()

    return inject


def label(scenario: Scenario) -> dict[str, object]:
    """Relieve the broker; whoever floods it may be paused."""
    names, active = scenario.names, scenario.active
    return diagnosis(
        container(names, names.broker, names.broker_service),
        "broker_saturated",
        right=[("relieve_queue", names.broker), ("pause_container", names.batch), ("stop_container", names.batch)],
        innocent=[names.worker_of(active), names.api_of(active), names.proxy, names.broker],
        notes="Redis is throttled at its CPU limit; its traffic with the settlement batch explodes.",
    )


SCENARIO = Scenario(
    id="f26-a",
    family="F26",
    title={"en": "The broker's core is full", "ko": "브로커 CPU 포화"},
    names=prefixed("core"),
    active="blue",
    builds={"blue": "505", "green": "504"},
    tuning=Tuning(rate=1.6, redis_cpus=0.12, contracts={"505": 2, "504": 2}, log_style="logfmt"),
    steps=(Step(-190, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="docs 8")),),
    inject=flood(30),
    heal=lambda lab: lab.stack.get(lab.names.batch).restart(timeout=5),
    asked=Asked(after_s=280, lang="en", text="Chat feels slow and jerky for a few minutes now. What is saturated?"),
    label=label,
    notes="Fault: redis-benchmark in the batch container against a Redis with 0.12 cores.",
)

SECOND = variant(
    SCENARIO,
    id="f26-b",
    title={"en": "A nightly export saturates the broker", "ko": "야간 내보내기가 브로커를 포화"},
    names=coloured("lens", host="app-9"),
    active="black",
    builds={"black": "17", "red": "16"},
    tuning=Tuning(rate=1.8, redis_cpus=0.05, contracts={"17": 2, "16": 2}, words=OTHER_KOREAN),
    steps=(Step(-70, "docs deploy", lambda lab: lab.ci.deploy_docs("90", text="문서 90 배포")),),
    inject=flood(60, "-P", "8"),
    asked=Asked(after_s=190, lang="ko", text="몇 분 전부터 채팅이 뚝뚝 끊기고 느립니다. 어디가 막힌 건가요?"),
    notes="Fault: redis-benchmark with pipelines in the batch container against a broker with 0.05 cores.",
)

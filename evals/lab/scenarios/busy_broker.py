"""F26: Redis' single core is full of somebody's heavy commands, and everything that passes it waits."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Asked, Scenario, Step, Tuning
from evals.lab.scenarios.verdicts import container, diagnosis


def flood(lab: Lab) -> int:
    """The settlement batch starts an export that reads whole lists."""
    batch = lab.stack.get(lab.names.batch)
    batch.exec_run(
        ["redis-benchmark", "-h", lab.names.broker, "-t", "lpush,lrange_600", "-n", "100000000", "-c", "30", "-q"],
        detach=True,
    )
    return now_ms()


def label(names: Names) -> dict[str, object]:
    """Relieve the broker; whoever floods it may be paused."""
    return diagnosis(
        container(names, names.broker, names.broker_service),
        "broker_saturated",
        right=[("relieve_queue", names.broker), ("pause_container", names.batch), ("stop_container", names.batch)],
        innocent=[names.worker_of("blue"), names.api_of("blue"), names.proxy, names.broker],
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
    inject=flood,
    heal=lambda lab: lab.stack.get(lab.names.batch).restart(timeout=5),
    asked=Asked(after_s=280, lang="en", text="Chat feels slow and jerky for a few minutes now. What is saturated?"),
    label=label,
    notes="Fault: redis-benchmark in the batch container against a Redis with 0.12 cores.",
)

"""F32: the broker is gone and the restarted worker dies at every start: a crash loop with a dependency behind it."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Scenario, Step, Tuning
from evals.lab.scenarios.verdicts import container, diagnosis


def lose_broker(lab: Lab) -> int:
    """Redis stops; an impatient hand restarts the worker, which cannot start without it."""
    onset = now_ms()
    lab.stack.stop(lab.names.broker, timeout_s=3)
    lab.stack.get(lab.names.worker_of("green")).restart(timeout=3)
    return onset


def label(names: Names) -> dict[str, object]:
    """Start the dependency first."""
    return diagnosis(
        container(names, names.broker, names.broker_service),
        "dependency_down",
        right=[("start_container", names.broker), ("restart_container", names.broker)],
        innocent=[names.api_of("green"), names.proxy],
        harmful=[("rollback", names.worker_of("green")), ("stop_container", names.worker_of("green"))],
        notes="The worker's restart count rises with `cannot connect to Redis`; the broker exited before it.",
    )


SCENARIO = Scenario(
    id="f32-a",
    family="F32",
    title={"en": "Worker crash loop because the broker is down", "ko": "브로커 중단으로 인한 워커 재시작 반복"},
    names=prefixed("loop"),
    active="green",
    builds={"green": "73", "blue": "72"},
    tuning=Tuning(rate=1.7, contracts={"73": 2, "72": 2}),
    prepare=lambda lab: lab.run_worker("green", "73", restart="always"),
    steps=(Step(-340, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),),
    inject=lose_broker,
    heal=lambda lab: lab.stack.get(lab.names.broker).start(),
    label=label,
    notes="Fault: Redis stopped; the worker restarts for ever.",
)

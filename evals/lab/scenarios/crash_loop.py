"""F32: the broker is gone and the restarted worker dies at every start: a crash loop with a dependency behind it."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import composed, prefixed
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import container, diagnosis
from evals.lab.wordings import ENGLISH


def lose_broker(lab: Lab) -> int:
    """Redis stops; an impatient hand restarts the worker, which cannot start without it."""
    onset = now_ms()
    lab.stack.stop(lab.names.broker, timeout_s=3)
    lab.stack.get(lab.names.worker_of(lab.scenario.active)).restart(timeout=3)
    return onset


def label(scenario: Scenario) -> dict[str, object]:
    """Start the dependency first."""
    names, active = scenario.names, scenario.active
    return diagnosis(
        container(names, names.broker, names.broker_service),
        "dependency_down",
        right=[("start_container", names.broker), ("restart_container", names.broker)],
        innocent=[names.api_of(active), names.proxy],
        harmful=[("rollback", names.worker_of(active)), ("stop_container", names.worker_of(active))],
        notes="The worker's restart count rises, it cannot connect to Redis; the broker exited before it.",
    )


def kill_broker(lab: Lab) -> int:
    """As above, but the broker is killed (137), not stopped."""
    onset = now_ms()
    lab.stack.get(lab.names.broker).kill()
    lab.stack.get(lab.names.worker_of(lab.scenario.active)).restart(timeout=3)
    return onset


SCENARIO = Scenario(
    id="f32-a",
    family="F32",
    title={"en": "Worker crash loop because the broker is down", "ko": "브로커 중단으로 인한 워커 재시작 반복"},
    names=prefixed("loop"),
    active="green",
    builds={"green": "73", "blue": "72"},
    tuning=Tuning(rate=1.7, contracts={"73": 2, "72": 2}),
    prepare=lambda lab: lab.run_worker(lab.scenario.active, lab.scenario.builds[lab.scenario.active], restart="always"),
    steps=(Step(-340, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),),
    inject=lose_broker,
    heal=lambda lab: lab.stack.get(lab.names.broker).start(),
    label=label,
    notes="Fault: Redis stopped; the worker restarts for ever.",
)

SECOND = variant(
    SCENARIO,
    id="f32-b",
    title={"en": "The cache was killed and the worker cannot start", "ko": "캐시 강제 종료로 워커 기동 불가"},
    names=composed("loan", host="kr-app-8"),
    active="blue",
    builds={"blue": "256", "green": "255"},
    tuning=Tuning(rate=1.2, contracts={"256": 2, "255": 2}, words=ENGLISH, log_style="logfmt"),
    steps=(Step(-95, "wiki deploy", lambda lab: lab.ci.deploy_docs("61", text="wiki 61")),),
    inject=kill_broker,
    notes="Fault: the broker was killed; the worker restarts for ever.",
)

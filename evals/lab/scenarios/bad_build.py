"""F17: the new build meets a bug in a third of its jobs; the old worker was drained and stopped as it should."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Scenario, Step, Tuning
from evals.lab.scenarios.verdicts import container, diagnosis


def deploy_and_switch(lab: Lab) -> int:
    """A clean procedure with a bad build."""
    onset = now_ms()
    lab.ci.deploy("green", "810", text="build 810: 인용 표시 개선")
    lab.ci.switch("green", "810", text="blue -> green")
    lab.ci.drain("blue", wait_s=5)
    return onset


def go_back(lab: Lab) -> None:
    """The previous colour exists."""
    lab.stack.get(lab.names.worker_of("blue")).start()
    lab.ci.switch("blue", "809", text="rollback to blue 809")
    lab.ci.drain("green", wait_s=2)


def label(names: Names) -> dict[str, object]:
    """Back to the previous colour."""
    bad = names.worker_of("green")
    return diagnosis(
        container(names, bad, names.worker_service, "green"),
        "deploy_regression",
        right=[("rollback", bad), ("switch_traffic", "blue"), ("rollback", names.worker_service)],
        innocent=[names.api_of("green"), names.proxy, names.broker],
        harmful=[("restart_container", names.broker)],
        notes="A new error template on the new build alone, from its first minute; the old build never showed it.",
    )


SCENARIO = Scenario(
    id="f17-a",
    family="F17",
    title={"en": "A new build fails a third of its jobs", "ko": "새 빌드가 작업의 3분의 1을 실패"},
    names=prefixed("ship"),
    active="blue",
    builds={"blue": "809", "green": "808"},
    tuning=Tuning(
        rate=2.1, contracts={"808": 2, "809": 2, "810": 2}, build_facts={"810": {"defect_share": 0.35}}, retries=0
    ),
    steps=(Step(-220, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),),
    inject=deploy_and_switch,
    heal=go_back,
    label=label,
    notes="Fault: build 810 raises an error in 35 % of its jobs.",
)

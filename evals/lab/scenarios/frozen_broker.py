"""N02: the broker stands still: connections are taken and never answered, by no fault of those who wait for it."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import composed
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios import stray_older_contract
from evals.lab.scenarios.verdicts import container, diagnosis
from evals.lab.wordings import OTHER_KOREAN


def freeze(lab: Lab) -> int:
    """All of its processes stop where they are."""
    onset = now_ms()
    lab.stack.get(lab.names.broker).pause()
    return onset


def label(scenario: Scenario) -> dict[str, object]:
    """Bring the broker back; workers and API wait for it."""
    names, active = scenario.names, scenario.active
    return diagnosis(
        container(names, names.broker, names.broker_service),
        "dependency_down",
        right=[("start_container", names.broker), ("restart_container", names.broker)],
        innocent=[names.worker_of(active), names.api_of(active), names.proxy],
        notes="The broker's container is paused; who asks it times out.",
    )


SCENARIO = variant(
    stray_older_contract.SCENARIO,
    id="n02-a",
    family="N02",
    title={"en": "The broker stands still", "ko": "브로커가 멈춰 응답하지 않음"},
    names=composed("frost", host="kr-app-14"),
    active="green",
    builds={"green": "311", "blue": "310"},
    tuning=Tuning(rate=1.7, contracts={"311": 2, "310": 2}, words=OTHER_KOREAN),
    steps=(Step(-95, "wiki deploy", lambda lab: lab.ci.deploy_docs("44", text="위키 44 배포")),),
    inject=freeze,
    heal=lambda lab: lab.stack.get(lab.names.broker).unpause(),
    asked=None,
    label=label,
    notes="Fault: the broker's container is paused.",
)

"""F18: no deploy; a configuration change breaks a service: a model that does not exist, a time-out too short."""

from __future__ import annotations

from evals.lab.build_server import READY_API
from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import prefixed, slotted
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios.stray import consuming_since
from evals.lab.scenarios.verdicts import container, diagnosis


def change_model(lab: Lab) -> int:
    """The worker is recreated on the same build with another model name."""
    worker = lab.names.worker_of("green")
    lab.run_worker("green", "61", model="chat-large-3")
    lab.ci.announce(
        "config",
        service=lab.names.worker_service,
        colour="green",
        by="kim",
        source="configuration repository",
        text="worker: 모델 이름 변경",
        attributes={"keys": "model"},
    )
    lab.stack.wait_for_line(worker, "consumer_ready")
    return consuming_since(lab, "green")


def label(scenario: Scenario) -> dict[str, object]:
    """Revert the key."""
    names, active = scenario.names, scenario.active
    changed = names.worker_of(active)
    return diagnosis(
        container(names, changed, names.worker_service, active),
        "config_change",
        right=[("revert_config", changed), ("revert_config", names.worker_service)],
        innocent=[names.api_of(active), names.proxy, names.broker],
        harmful=[("switch_traffic", scenario.standby)],
        notes="Same image before and after; the provider answers 404 to the new model name.",
    )


def shorten_timeout(lab: Lab) -> int:
    """The API is recreated on the same build with a completion time-out that most answers exceed."""
    active = lab.scenario.active
    lab.ci.announce(
        "config",
        service=lab.names.api_service,
        colour=active,
        by="park",
        source="configuration repository",
        text="timeouts: fail fast",
        attributes={"keys": "timeout_s"},
    )
    onset = now_ms()
    lab.run_api(active, lab.scenario.builds[active], timeout_s=1.25)
    lab.stack.wait_for_line(lab.names.api_of(active), READY_API)
    lab.ci.reload()  # the recreated container has another address
    return onset


def heal_timeout(lab: Lab) -> None:
    """The right action."""
    active = lab.scenario.active
    lab.run_api(active, lab.scenario.builds[active])
    lab.stack.wait_for_line(lab.names.api_of(active), READY_API)
    lab.ci.reload()


def timeout_label(scenario: Scenario) -> dict[str, object]:
    """Revert the key of the API."""
    names, active = scenario.names, scenario.active
    changed = names.api_of(active)
    return diagnosis(
        container(names, changed, names.api_service, active),
        "config_change",
        right=[("revert_config", changed), ("revert_config", names.api_service)],
        innocent=[names.worker_of(active), names.proxy, names.broker],
        harmful=[("switch_traffic", scenario.standby)],
        notes="Same image; the workers finish every job, the API stops waiting after 1.25 s.",
    )


SCENARIO = Scenario(
    id="f18-a",
    family="F18",
    title={"en": "A configuration change names a model that does not exist", "ko": "존재하지 않는 모델로 설정 변경"},
    names=prefixed("conf"),
    active="green",
    builds={"green": "61", "blue": "60"},
    tuning=Tuning(rate=1.9, contracts={"61": 2, "60": 2}),
    steps=(Step(-290, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),),
    inject=change_model,
    heal=lambda lab: lab.run_worker("green", "61"),
    label=label,
    notes="Fault: the worker's model is changed from chat-large-2 to chat-large-3; the provider answers 404.",
)

SECOND = variant(
    SCENARIO,
    id="f18-b",
    title={
        "en": "A configuration change makes the gateway give up too early",
        "ko": "설정 변경으로 게이트웨이가 너무 일찍 포기",
    },
    names=slotted("tone", host="node-6"),
    active="b",
    builds={"b": "230", "a": "229"},
    tuning=Tuning(rate=1.6, contracts={"230": 2, "229": 2}, log_style="logfmt"),
    steps=(Step(-110, "help deploy", lambda lab: lab.ci.deploy_docs("21", text="도움말 21 배포")),),
    inject=shorten_timeout,
    heal=heal_timeout,
    label=timeout_label,
    notes="Fault: the API's completion time-out is changed from 30 s to 1.25 s.",
)

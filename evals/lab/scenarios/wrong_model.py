"""F18: no deploy; a configuration change names a model that does not exist."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Scenario, Step, Tuning
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


def label(names: Names) -> dict[str, object]:
    """Revert the key."""
    changed = names.worker_of("green")
    return diagnosis(
        container(names, changed, names.worker_service, "green"),
        "config_change",
        right=[("revert_config", changed), ("revert_config", names.worker_service)],
        innocent=[names.api_of("green"), names.proxy, names.broker],
        harmful=[("switch_traffic", "blue")],
        notes="Same image before and after; the provider answers 404 to the new model name.",
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

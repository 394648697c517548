"""F11: the provider fails a third of the calls and is slow with the rest."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Scenario, Step, Tuning
from evals.lab.scenarios.verdicts import diagnosis, provider


def fail(lab: Lab) -> int:
    """503 and delays."""
    lab.provider(error_share=0.35, first_ms=1200)
    return now_ms()


def label(names: Names) -> dict[str, object]:
    """Another model, fewer retries; our containers are innocent."""
    return diagnosis(
        provider(),
        "provider_failure",
        right=[("switch_model", "provider")],
        innocent=[names.worker_of("blue"), names.api_of("blue"), names.proxy, names.broker],
        harmful=[("rollback", names.worker_of("blue"))],
        notes="Every worker logs 503 from the provider; CPU falls.",
    )


SCENARIO = Scenario(
    id="f11-a",
    family="F11",
    title={"en": "The model provider fails a third of the calls", "ko": "모델 제공자 호출 3분의 1 실패"},
    names=prefixed("vendor"),
    active="blue",
    builds={"blue": "301", "green": "300"},
    tuning=Tuning(rate=2.2, contracts={"301": 2, "300": 2}),
    steps=(Step(-35, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),),
    inject=fail,
    heal=lambda lab: lab.provider(error_share=0.0, first_ms=480),
    label=label,
    notes="Fault: 35 % of the provider's answers are 503, the first token takes 1.2 s.",
)

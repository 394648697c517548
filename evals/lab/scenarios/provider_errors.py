"""F11: the provider fails a third of the calls and is slow with the rest."""

from __future__ import annotations

from collections.abc import Callable

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import coloured, prefixed
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import diagnosis, provider
from evals.lab.wordings import ENGLISH


def fail(**behaviour: float) -> Callable[[Lab], int]:
    """Errors, and delays where `first_ms` is given."""

    def inject(lab: Lab) -> int:
        lab.provider(**behaviour)
        return now_ms()

    return inject


def label(scenario: Scenario) -> dict[str, object]:
    """Another model, fewer retries; our containers are innocent."""
    names, active = scenario.names, scenario.active
    return diagnosis(
        provider(),
        "provider_failure",
        right=[("switch_model", "provider")],
        innocent=[names.worker_of(active), names.api_of(active), names.proxy, names.broker],
        harmful=[("rollback", names.worker_of(active))],
        notes="Every worker logs errors from the provider; CPU falls.",
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
    inject=fail(error_share=0.35, first_ms=1200),
    heal=lambda lab: lab.provider(error_share=0.0, first_ms=480),
    label=label,
    notes="Fault: 35 % of the provider's answers are 503, the first token takes 1.2 s.",
)

SECOND = variant(
    SCENARIO,
    id="f11-b",
    title={"en": "The provider answers 500 to half the calls", "ko": "모델 제공자가 호출 절반에 500 응답"},
    names=coloured("draft", host="app-5"),
    active="black",
    builds={"black": "58", "red": "57"},
    tuning=Tuning(rate=1.5, contracts={"58": 2, "57": 2}, words=ENGLISH, log_style="logfmt"),
    steps=(Step(-20, "docs deploy", lambda lab: lab.ci.deploy_docs("103", text="docs 103")),),
    inject=fail(error_share=0.5, error_status=500),
    heal=lambda lab: lab.provider(error_share=0.0, error_status=503),
    notes="Fault: half of the provider's answers are 500; it is no slower than before.",
)

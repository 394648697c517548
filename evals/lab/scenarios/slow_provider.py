"""F05: the time to the first token triples, errors stay at zero, the rate stays flat: the provider's segment grew."""

from __future__ import annotations

from collections.abc import Callable

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import prefixed, slotted
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import diagnosis, provider
from evals.lab.wordings import ENGLISH


def slow_down(*, first_ms: float, token_ms: float) -> Callable[[Lab], int]:
    """The provider answers, later."""

    def inject(lab: Lab) -> int:
        lab.provider(first_ms=first_ms, token_ms=token_ms)
        return now_ms()

    return inject


def label(scenario: Scenario) -> dict[str, object]:
    """Fail over or wait; nothing of ours is broken."""
    names, active = scenario.names, scenario.active
    return diagnosis(
        provider(),
        "segment_latency",
        right=[("switch_model", "provider")],
        innocent=[names.worker_of(active), names.api_of(active), names.proxy, names.broker],
        notes="Queue wait and CPU are unchanged; the wait between request and first token grew on every worker.",
    )


SCENARIO = Scenario(
    id="f05-a",
    family="F05",
    title={"en": "First token late, nothing fails", "ko": "오류 없이 첫 토큰만 늦어짐"},
    names=prefixed("ttft"),
    active="green",
    builds={"green": "33", "blue": "32"},
    tuning=Tuning(rate=2.0, log_style="logfmt", contracts={"33": 2, "32": 2}, concurrency=16),
    steps=(Step(-45, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="docs 8")),),
    inject=slow_down(first_ms=2600, token_ms=70),
    heal=lambda lab: lab.provider(first_ms=480, token_ms=55),
    label=label,
    notes="Fault: the provider's first token takes 2.6 s instead of 0.5 s.",
)

SECOND = variant(
    SCENARIO,
    id="f05-b",
    title={"en": "The model thinks twice as long, nothing fails", "ko": "실패 없이 모델 응답만 느려짐"},
    names=slotted("brief"),
    active="a",
    builds={"a": "9", "b": "8"},
    tuning=Tuning(rate=1.4, contracts={"9": 2, "8": 2}, words=ENGLISH, concurrency=20, context_share=0.2),
    steps=(Step(-30, "help deploy", lambda lab: lab.ci.deploy_docs("5", text="help pages 5")),),
    inject=slow_down(first_ms=3300, token_ms=58),
    notes="Fault: the provider's first token takes 3.3 s instead of 0.5 s.",
)

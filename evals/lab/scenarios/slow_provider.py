"""F05: the time to the first token triples, errors stay at zero, the rate stays flat: the provider's segment grew."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Scenario, Step, Tuning
from evals.lab.scenarios.verdicts import diagnosis, provider


def slow_down(lab: Lab) -> int:
    """The provider answers, later."""
    lab.provider(first_ms=2600, token_ms=70)
    return now_ms()


def label(names: Names) -> dict[str, object]:
    """Fail over or wait; nothing of ours is broken."""
    return diagnosis(
        provider(),
        "segment_latency",
        right=[("switch_model", "provider")],
        innocent=[names.worker_of("green"), names.api_of("green"), names.proxy, names.broker],
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
    inject=slow_down,
    heal=lambda lab: lab.provider(first_ms=480, token_ms=55),
    label=label,
    notes="Fault: the provider's first token takes 2.6 s instead of 0.5 s.",
)

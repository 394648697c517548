"""F15: of two colours that both serve, one has another time-out than its peer."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Scenario, Step, Tuning
from evals.lab.scenarios.stray import consuming_since
from evals.lab.scenarios.verdicts import container, diagnosis


def recreate_with_drift(lab: Lab) -> int:
    """A hand-edited override comes into force when the container is recreated; nobody recorded it as a change."""
    lab.run_worker("green", "44", provider_timeout_s=0.4)
    lab.stack.wait_for_line(lab.names.worker_of("green"), "consumer_ready")
    return consuming_since(lab, "green")


def label(names: Names) -> dict[str, object]:
    """Name key and value, put it right."""
    odd = names.worker_of("green")
    return diagnosis(
        container(names, odd, names.worker_service, "green"),
        "config_drift",
        right=[("revert_config", odd)],
        innocent=[names.worker_of("blue"), names.api_of("blue"), names.api_of("green"), names.proxy, names.broker],
        notes="config.provider_timeout_s is 0.4 on green and 12 on blue; same image, same environment.",
    )


SCENARIO = Scenario(
    id="f15-a",
    family="F15",
    title={"en": "One of two serving workers has another time-out", "ko": "두 워커 중 하나만 다른 타임아웃 설정"},
    names=prefixed("peer"),
    active="blue",
    builds={"blue": "44", "green": "43"},
    tuning=Tuning(rate=2.4, contracts={"44": 2, "43": 2}, log_style="logfmt"),
    prepare=lambda lab: lab.serve_with_both(),
    steps=(
        Step(
            -612,
            "mode both",
            lambda lab: lab.ci.announce(
                "mode", service="api", by="ops", text="both colours serve this week", mode="both"
            ),
        ),
        Step(-180, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="docs 8")),
    ),
    inject=recreate_with_drift,
    heal=lambda lab: lab.run_worker("green", "44"),
    label=label,
    notes="Fault: green recreated with a provider time-out of 0.4 s.",
)

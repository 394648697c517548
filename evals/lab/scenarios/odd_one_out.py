"""F15: of two colours that both serve, one has another time-out than its peer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evals.lab.build_server import READY_WORKER
from evals.lab.lab import Lab
from evals.lab.names import composed, prefixed
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios.stray import consuming_since
from evals.lab.scenarios.verdicts import container, diagnosis
from evals.lab.wordings import OTHER_KOREAN


def recreate_with_drift(**override: Any) -> Callable[[Lab], int]:
    """A hand-edited override comes into force when the container is recreated; nobody recorded it as a change."""

    def inject(lab: Lab) -> int:
        odd, build = lab.scenario.standby, lab.scenario.builds[lab.scenario.active]
        lab.run_worker(odd, build, **override)
        lab.stack.wait_for_line(lab.names.worker_of(odd), READY_WORKER)
        return consuming_since(lab, odd)

    return inject


def label(scenario: Scenario, *more_right: tuple[str, str]) -> dict[str, object]:
    """Name key and value, put it right."""
    names, peer, odd_colour = scenario.names, scenario.active, scenario.standby
    odd = names.worker_of(odd_colour)
    return diagnosis(
        container(names, odd, names.worker_service, odd_colour),
        "config_drift",
        right=[("revert_config", odd), *more_right],
        innocent=[names.worker_of(peer), names.api_of(peer), names.api_of(odd_colour), names.proxy, names.broker],
        notes="One key or limit of one worker differs from its peer's; same image, same environment.",
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
    inject=recreate_with_drift(provider_timeout_s=0.4),
    heal=lambda lab: lab.run_worker(lab.scenario.standby, lab.scenario.builds[lab.scenario.active]),
    label=label,
    notes="Fault: green recreated with a provider time-out of 0.4 s.",
)

SECOND = variant(
    SCENARIO,
    id="f15-b",
    title={
        "en": "One of two serving workers has a CPU limit its peer has not",
        "ko": "두 워커 중 하나만 낮은 CPU 제한",
    },
    names=composed("twin", host="kr-app-2"),
    active="green",
    builds={"green": "140", "blue": "139"},
    tuning=Tuning(
        rate=1.6, cpu_ms=110, concurrency=10, contracts={"140": 2, "139": 2}, words=OTHER_KOREAN, log_style="logfmt"
    ),
    steps=(
        Step(
            -346,
            "mode both",
            lambda lab: lab.ci.announce("mode", service="web", by="ops", text="양쪽 모두 서비스", mode="both"),
        ),
        Step(-65, "wiki deploy", lambda lab: lab.ci.deploy_docs("14", text="위키 14 배포")),
    ),
    inject=recreate_with_drift(cpus=0.06),
    label=lambda scenario: label(scenario, ("set_limits", scenario.names.worker_of(scenario.standby))),
    notes="Fault: blue recreated with 0.06 cores where green has 0.6.",
)

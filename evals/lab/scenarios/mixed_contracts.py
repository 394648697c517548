"""F02: both colours serve on purpose, and a deploy puts an older contract on one of them."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Scenario, Step, Tuning
from evals.lab.scenarios.stray import consuming_since
from evals.lab.scenarios.verdicts import container, diagnosis


def deploy_older(lab: Lab) -> int:
    """A pinned tag from last week reaches blue, while both colours take jobs."""
    lab.ci.deploy("blue", "51", text="blue: pinned tag 51")
    return consuming_since(lab, "blue")


def label(names: Names) -> dict[str, object]:
    """One tag on both, or the older one stopped."""
    old, new = names.worker_of("blue"), names.worker_of("green")
    return diagnosis(
        container(names, old, names.worker_service, "blue"),
        "version_mismatch",
        right=[("rollback", old), ("stop_container", old), ("rollback", names.worker_service)],
        innocent=[new, names.api_of("green"), names.proxy, names.broker],
        notes="Both colours are declared to serve; only the tags differ. Blue reads contract 1, jobs are contract 2.",
    )


SCENARIO = Scenario(
    id="f02-a",
    family="F02",
    title={"en": "Both colours serve, one on an older contract", "ko": "양색 운영 중 한쪽만 구버전 계약"},
    names=prefixed("duo"),
    active="green",
    builds={"green": "52", "blue": "50"},
    tuning=Tuning(rate=2.4, contracts={"52": 2, "51": 1, "50": 2}, context_share=0.5, retry_s=7.0, log_style="logfmt"),
    prepare=lambda lab: lab.serve_with_both(),
    steps=(
        Step(
            -610,
            "mode both",
            lambda lab: lab.ci.announce(
                "mode", service="api", by="ops", text="both colours serve this week", mode="both"
            ),
        ),
        Step(-240, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="docs 8")),
    ),
    inject=deploy_older,
    heal=lambda lab: lab.run_worker("blue", "52"),
    label=label,
    notes="Baseline: both colours on build 52. Fault: blue recreated from build 51, contract 1.",
)

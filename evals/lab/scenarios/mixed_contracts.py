"""F02: both colours serve on purpose, and a deploy puts an older contract on one of them."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.names import coloured, prefixed
from evals.lab.scenario import Asked, Scenario, Step, Tuning, variant
from evals.lab.scenarios.stray import consuming_since
from evals.lab.scenarios.verdicts import container, diagnosis
from evals.lab.wordings import ENGLISH


def deploy_older(lab: Lab) -> int:
    """A pinned tag from last week reaches one colour, while both take jobs."""
    tag = next(build for build, contract in lab.tuning.contracts.items() if contract == 1)
    lab.ci.deploy(lab.scenario.standby, tag, text=f"{lab.scenario.standby}: pinned tag {tag}")
    return consuming_since(lab, lab.scenario.standby)


def label(scenario: Scenario) -> dict[str, object]:
    """One tag on both, or the older one stopped."""
    names, active, standby = scenario.names, scenario.active, scenario.standby
    old, new = names.worker_of(standby), names.worker_of(active)
    return diagnosis(
        container(names, old, names.worker_service, standby),
        "version_mismatch",
        right=[("rollback", old), ("stop_container", old), ("rollback", names.worker_service)],
        innocent=[new, names.api_of(active), names.proxy, names.broker],
        notes="Both colours are declared to serve; only the tags differ. One reads contract 1, jobs are contract 2.",
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
    heal=lambda lab: lab.run_worker(lab.scenario.standby, lab.scenario.builds[lab.scenario.active]),
    label=label,
    notes="Baseline: both colours on build 52. Fault: blue recreated from build 51, contract 1.",
)

SECOND = variant(
    SCENARIO,
    id="f02-b",
    title={"en": "A hotfix tag behind its peer's contract", "ko": "핫픽스 태그가 다른 색의 계약보다 뒤처짐"},
    names=coloured("pay"),
    active="red",
    builds={"red": "318", "black": "316"},
    tuning=Tuning(
        rate=1.7, contracts={"318": 2, "317": 1, "316": 2}, context_share=0.6, retry_s=6.0, words=ENGLISH, concurrency=6
    ),
    steps=(
        Step(
            -345,
            "mode both",
            lambda lab: lab.ci.announce("mode", service="api", by="ops", text="red and black serve", mode="both"),
        ),
        Step(-75, "docs deploy", lambda lab: lab.ci.deploy_docs("41", text="docs 41")),
    ),
    asked=Asked(
        after_s=190,
        lang="en",
        text="Some chats fail or take very long since a few minutes, others are fine. What differs?",
    ),
    notes="Baseline: both colours on build 318. Fault: black recreated from build 317, contract 1.",
)

"""F17: the new build meets a bug in a third of its jobs; the old worker was drained and stopped as it should."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import composed, prefixed
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import container, diagnosis
from evals.lab.wordings import ENGLISH


def deploy_and_switch(lab: Lab) -> int:
    """A clean procedure with a bad build."""
    old, new, build = lab.scenario.active, lab.scenario.standby, lab.scenario.next_build
    onset = now_ms()
    lab.ci.deploy(new, build, text=f"build {build}: 인용 표시 개선")
    lab.ci.switch(new, build, text=f"{old} -> {new}")
    lab.ci.drain(old, wait_s=5)
    return onset


def go_back(lab: Lab) -> None:
    """The previous colour exists."""
    old, build = lab.scenario.active, lab.scenario.builds[lab.scenario.active]
    lab.stack.get(lab.names.worker_of(old)).start()
    lab.ci.switch(old, build, text=f"rollback to {old} {build}")
    lab.ci.drain(lab.scenario.standby, wait_s=2)


def label(scenario: Scenario) -> dict[str, object]:
    """Back to the previous colour."""
    names, old, new = scenario.names, scenario.active, scenario.standby
    bad = names.worker_of(new)
    return diagnosis(
        container(names, bad, names.worker_service, new),
        "deploy_regression",
        right=[("rollback", bad), ("switch_traffic", old), ("rollback", names.worker_service)],
        innocent=[names.api_of(new), names.proxy, names.broker],
        harmful=[("restart_container", names.broker)],
        notes="A new error template on the new build alone, from its first minute; the old build never showed it.",
    )


SCENARIO = Scenario(
    id="f17-a",
    family="F17",
    title={"en": "A new build fails a third of its jobs", "ko": "새 빌드가 작업의 3분의 1을 실패"},
    names=prefixed("ship"),
    active="blue",
    builds={"blue": "809", "green": "808"},
    tuning=Tuning(
        rate=2.1, contracts={"808": 2, "809": 2, "810": 2}, build_facts={"810": {"defect_share": 0.35}}, retries=0
    ),
    steps=(Step(-220, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),),
    inject=deploy_and_switch,
    heal=go_back,
    label=label,
    notes="Fault: build 810 raises an error in 35 % of its jobs.",
)

SECOND = variant(
    SCENARIO,
    id="f17-b",
    title={"en": "Half of the answers fail since the new build", "ko": "새 빌드 이후 답변 절반이 실패"},
    names=composed("report", host="kr-app-9"),
    active="green",
    builds={"green": "77", "blue": "76"},
    tuning=Tuning(
        rate=1.6,
        contracts={"76": 2, "77": 2, "78": 2},
        build_facts={"78": {"defect_share": 0.5, "defect_text": "IndexError: list index out of range in split_chunks"}},
        words=ENGLISH,
        log_style="logfmt",
    ),
    steps=(
        Step(-140, "wiki deploy", lambda lab: lab.ci.deploy_docs("9", text="wiki 9")),
        Step(45, "wiki deploy", lambda lab: lab.ci.deploy_docs("10", text="wiki 10: typo")),
    ),
    notes="Fault: build 78 raises an error in half of its jobs.",
)

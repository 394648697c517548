"""F01: the standby is rebuilt from the previous release as a rollback target and consumes, one contract behind."""

from __future__ import annotations

from evals.lab.names import PLAIN
from evals.lab.scenario import Scenario, Step, Tuning
from evals.lab.scenarios.stray import redeploy_standby, stop_standby, stray_label

SCENARIO = Scenario(
    id="f01-a",
    family="F01",
    title={
        "en": "Standby worker consumes on an older contract after a rollback target was rebuilt",
        "ko": "롤백용으로 다시 만든 대기 워커가 구버전 계약으로 작업을 소비",
    },
    names=PLAIN,
    active="green",
    builds={"green": "42", "blue": "41"},
    tuning=Tuning(rate=3.0, contracts={"42": 2, "41": 1}, context_share=0.4, retry_s=4.0),
    steps=(Step(-300, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 사이트 8 배포")),),
    inject=lambda lab: redeploy_standby(lab, "standby-refresh: build 41 again as rollback target"),
    heal=stop_standby,
    label=lambda names: stray_label(
        names, "green", "The stray rejects jobs of contract 2 and puts them back; those of contract 1 it serves."
    ),
    notes="Baseline: blue worker stopped. "
    "Fault: build server recreates blue (build 41, contract 1) and leaves its worker running.",
)

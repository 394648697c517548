"""F01: the standby is rebuilt from the previous release as a rollback target and consumes, one contract behind."""

from __future__ import annotations

from evals.lab.names import PLAIN, slotted
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios.stray import redeploy_standby, stop_standby, stray_label
from evals.lab.wordings import ENGLISH

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
    label=lambda scenario: stray_label(
        scenario, "The stray rejects jobs of contract 2 and puts them back; those of contract 1 it serves."
    ),
    notes="Baseline: blue worker stopped. "
    "Fault: build server recreates blue (build 41, contract 1) and leaves its worker running.",
)

SECOND = variant(
    SCENARIO,
    id="f01-c",
    title={
        "en": "The idle slot was refreshed and nobody stopped its inference worker",
        "ko": "대기 슬롯을 갱신한 뒤 워커를 멈추지 않음",
    },
    names=slotted("duet", host="node-2"),
    active="b",
    builds={"b": "510", "a": "509"},
    tuning=Tuning(
        rate=1.9, contracts={"510": 2, "509": 1}, context_share=0.5, retry_s=5.0, words=ENGLISH, log_style="logfmt"
    ),
    steps=(
        Step(-150, "help deploy", lambda lab: lab.ci.deploy_docs("12", text="help pages 12")),
        Step(20, "help deploy", lambda lab: lab.ci.deploy_docs("13", text="help pages 13")),
    ),
    inject=lambda lab: redeploy_standby(lab, "refresh slot a with the previous release"),
    notes="Baseline: slot a's worker stopped. Fault: it is recreated from build 509, contract 1, and left running.",
)

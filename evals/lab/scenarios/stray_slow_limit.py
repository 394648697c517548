"""F01: the standby is pre-deployed with a warm-standby CPU limit, and its worker takes jobs it is too slow for."""

from __future__ import annotations

from evals.lab.names import SHORT
from evals.lab.scenario import Scenario, Step, Tuning
from evals.lab.scenarios.stray import redeploy_standby, stop_standby, stray_label

SCENARIO = Scenario(
    id="f01-b",
    family="F01",
    title={
        "en": "Pre-deployed standby worker with a low CPU limit takes its share of the jobs",
        "ko": "CPU 제한이 낮은 대기 워커가 사전 배포 뒤 작업을 나눠 가져감",
    },
    names=SHORT,
    active="blue",
    builds={"blue": "117", "green": "118"},
    tuning=Tuning(
        rate=1.7, cpu_ms=100, log_style="logfmt", exporter_timestamps=True, record_queues=True, context_share=0.3
    ),
    steps=(
        Step(-420, "docs deploy", lambda lab: lab.ci.deploy_docs("31", text="handbook 31: fixed typos")),
        Step(60, "docs deploy", lambda lab: lab.ci.deploy_docs("32", text="handbook 32: new chapter")),
    ),
    inject=lambda lab: redeploy_standby(lab, "pre-deploy 118 to green, switch waits for approval", cpus=0.08),
    heal=stop_standby,
    label=lambda scenario: stray_label(
        scenario, "The stray's CPU limit is an eighth of the active one's, so its jobs finish late."
    ),
    notes="Baseline: green worker stopped. "
    "Fault: build 118 is pre-deployed on green with 0.08 cores; the switch has not happened.",
)

"""Compounds: two faults at once, or a fault beside something innocent that looks guilty."""

from __future__ import annotations

import time
from typing import Any

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import coloured, composed, slotted
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios import bad_build, pool_too_small, provider_errors, stray_older_contract
from evals.lab.scenarios.stray import redeploy_standby, stop_standby, stray_label
from evals.lab.scenarios.verdicts import diagnosis, provider
from evals.lab.wordings import ENGLISH, OTHER_KOREAN


def both_labels(scenario: Scenario, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Two causes; what is right for one of them is never harmful."""
    right = [*first["actions"]["right"], *second["actions"]["right"]]
    harmful = [a for a in (*first["actions"]["harmful"], *second["actions"]["harmful"]) if a not in right]
    return {
        "causes": [*first["causes"], *second["causes"]],
        "actions": {"right": right, "harmful": [a for n, a in enumerate(harmful) if a not in harmful[:n]]},
        "notes": f"{first['notes']} {second['notes']}",
    }


def stray_and_provider(lab: Lab) -> int:
    """The stray first; half a minute later the provider fails a third of the calls."""
    onset = redeploy_standby(lab, "refresh the standby from the previous release")
    time.sleep(30)
    lab.provider(error_share=0.35)
    return onset


def heal_both(lab: Lab) -> None:
    """Both right actions."""
    stop_standby(lab)
    lab.provider(error_share=0.0)


def release_then_provider(lab: Lab) -> int:
    """A clean release; forty seconds after its switch the provider begins to fail everybody."""
    old, new, build = lab.scenario.active, lab.scenario.standby, lab.scenario.next_build
    lab.ci.deploy(new, build, text=f"release {build}")
    lab.ci.switch(new, build, text=f"{old} -> {new}")
    lab.ci.drain(old, wait_s=5)
    time.sleep(40)
    lab.provider(error_share=0.45, error_status=500)
    return now_ms()


def innocent_release_label(scenario: Scenario) -> dict[str, Any]:
    """The provider; the release is not to be rolled back."""
    names, new = scenario.names, scenario.standby
    return diagnosis(
        provider(),
        "provider_failure",
        right=[("switch_model", "provider")],
        innocent=[names.worker_of(new), names.api_of(new), names.proxy, names.broker],
        harmful=[("rollback", names.worker_of(new)), ("switch_traffic", scenario.active)],
        notes="The workers log 500 from the provider since a minute after the switch; the release is innocent.",
    )


def config_then_surge(lab: Lab) -> int:
    """Somebody changes a harmless key of the worker; a minute later twice the users come."""
    active = lab.scenario.active
    lab.ci.announce(
        "config", service=lab.names.worker_service, colour=active, by="choi", source="configuration repository",
        text="worker: heartbeat every 12 s", attributes={"keys": "heartbeat_s"},
    )
    lab.run_worker(active, lab.scenario.builds[active], heartbeat_s=12)
    time.sleep(60)
    return pool_too_small.surge(4.0)(lab)


def blind_bad_build(lab: Lab) -> int:
    """The container exporter is lost, and a minute later a bad build is released."""
    lab.monitoring.stop("exporter")
    time.sleep(45)
    return bad_build.deploy_and_switch(lab)


def heal_blind_bad_build(lab: Lab) -> None:
    """Both right actions."""
    lab.monitoring.start("exporter")
    bad_build.go_back(lab)


def blind_label(scenario: Scenario) -> dict[str, Any]:
    """The exporter's part."""
    names = scenario.names
    host = {"kind": "host", "name": names.host, "service": "", "colour": "", "cluster": names.cluster}
    return diagnosis(
        host, "monitoring_blind", right=[("fix_monitoring", names.host)], innocent=[names.proxy, names.broker],
        notes="Container metrics are gone too.",
    )


STRAY_AND_PROVIDER = variant(
    stray_older_contract.SCENARIO,
    id="x01-a",
    family="X01",
    title={"en": "A stray standby and a failing provider at once", "ko": "대기 워커 소비와 제공자 장애가 동시에"},
    names=slotted("braid", host="node-12"),
    active="a",
    builds={"a": "71", "b": "70"},
    tuning=Tuning(rate=2.0, contracts={"71": 2, "70": 1}, context_share=0.5, retry_s=5.0, words=ENGLISH),
    steps=(Step(-130, "help deploy", lambda lab: lab.ci.deploy_docs("15", text="help pages 15")),),
    inject=stray_and_provider,
    heal=heal_both,
    label=lambda s: both_labels(s, stray_label(s, "A stray, one contract behind."), provider_errors.label(s)),
    notes="Faults: the standby is recreated and consumes; 30 s later a third of the provider's answers are 503.",
)
INNOCENT_RELEASE = variant(
    provider_errors.SCENARIO,
    id="x02-a",
    family="X02",
    title={"en": "The provider fails a minute after a clean release", "ko": "정상 배포 1분 뒤 제공자 장애"},
    names=composed("alibi", host="kr-app-10"),
    active="blue",
    builds={"blue": "641", "green": "640"},
    tuning=Tuning(rate=1.7, contracts={"640": 2, "641": 2, "642": 2}, words=OTHER_KOREAN, log_style="logfmt"),
    steps=(Step(-160, "wiki deploy", lambda lab: lab.ci.deploy_docs("37", text="위키 37 배포")),),
    inject=release_then_provider,
    heal=lambda lab: lab.provider(error_share=0.0, error_status=503),
    label=innocent_release_label,
    notes="Event: a clean release. Fault: 55 s later 45 % of the provider's answers are 500.",
)
INNOCENT_CONFIG = variant(
    pool_too_small.SCENARIO,
    id="x03-a",
    family="X03",
    title={
        "en": "Users double a minute after a harmless configuration change",
        "ko": "무해한 설정 변경 1분 뒤 이용자 급증",
    },
    names=coloured("decoy", host="app-7"),
    active="red",
    builds={"red": "8", "black": "7"},
    tuning=Tuning(rate=1.5, concurrency=4, contracts={"8": 2, "7": 2}, words=ENGLISH, capacity_per_second=2.8),
    steps=(Step(-105, "docs deploy", lambda lab: lab.ci.deploy_docs("49", text="docs 49")),),
    inject=config_then_surge,
    heal=lambda lab: lab.load(rate=0.9),
    notes="Event: heartbeat_s changes. Fault: a minute later load rises from 1.5 to 4.0 a second with four slots.",
)
BLIND_BAD_BUILD = variant(
    bad_build.SCENARIO,
    id="x04-a",
    family="X04",
    title={
        "en": "A bad build is released while container metrics are lost",
        "ko": "컨테이너 지표가 끊긴 채 불량 빌드 배포",
    },
    names=slotted("mist", host="node-11"),
    active="b",
    builds={"b": "19", "a": "18"},
    tuning=Tuning(
        rate=1.6,
        contracts={"18": 2, "19": 2, "20": 2},
        build_facts={"20": {"defect_share": 0.45, "defect_text": "TypeError: unhashable type: 'list' in dedupe()"}},
        words=ENGLISH,
        log_style="logfmt",
    ),
    steps=(Step(-85, "help deploy", lambda lab: lab.ci.deploy_docs("40", text="help pages 40")),),
    inject=blind_bad_build,
    heal=heal_blind_bad_build,
    label=lambda s: both_labels(s, bad_build.label(s), blind_label(s)),
    notes="Faults: the container exporter stops; 45 s later build 20 fails 45 % of its jobs.",
)

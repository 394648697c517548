"""F03: the active worker's consumers are dead while its heartbeat beats; presence is counted as health."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import composed, prefixed
from evals.lab.roles.resp import Redis
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import container, diagnosis
from evals.lab.wordings import OTHER_KOREAN


def cut_consumers(lab: Lab) -> int:
    """The broker drops the worker's blocking connections, as a firewall does to idle ones; it never reconnects."""
    began = now_ms()
    worker = lab.names.worker_of(lab.scenario.active)
    with Redis("127.0.0.1", lab.plot.broker) as redis:
        for line in str(redis.call("CLIENT", "LIST")).splitlines():
            fields = dict(pair.partition("=")[::2] for pair in line.split())
            if fields.get("name") == worker and fields.get("cmd") == "blpop":
                redis.call("CLIENT", "KILL", "ID", fields["id"])
    return began


def cut_until_idle(lab: Lab) -> int:
    """A consumer that was busy is cut when it comes back to wait."""
    first = cut_consumers(lab)
    for _ in range(12):
        lab.warm_up(1)
        cut_consumers(lab)
    return first


def label(scenario: Scenario) -> dict[str, object]:
    """Restart what is dead; everything else is fine."""
    names, active = scenario.names, scenario.active
    dead = names.worker_of(active)
    return diagnosis(
        container(names, dead, names.worker_service, active),
        "false_health",
        right=[("restart_container", dead)],
        innocent=[names.api_of(active), names.proxy, names.broker],
        harmful=[("stop_container", dead)],
        notes="Heartbeats go on, the circuit stays closed, dispatched jobs are never finished.",
    )


SCENARIO = Scenario(
    id="f03-a",
    family="F03",
    title={"en": "Worker beats but no longer consumes", "ko": "하트비트는 정상이지만 소비하지 않는 워커"},
    names=prefixed("pulse"),
    active="blue",
    builds={"blue": "71", "green": "70"},
    tuning=Tuning(rate=1.8, worker={"reconnect": False}, contracts={"70": 2, "71": 2}),
    steps=(Step(-150, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),),
    inject=cut_until_idle,
    heal=lambda lab: lab.stack.get(lab.names.worker_of(lab.scenario.active)).restart(timeout=10),
    label=label,
    notes="Fault: the worker's blocking connections are dropped and its loop does not reconnect; its heartbeat does.",
)

SECOND = variant(
    SCENARIO,
    id="f03-b",
    title={
        "en": "Heartbeats without consumption after idle connections were cut",
        "ko": "유휴 연결이 끊긴 뒤 하트비트만 남은 워커",
    },
    names=composed("counsel"),
    active="green",
    builds={"green": "1204", "blue": "1203"},
    tuning=Tuning(
        rate=1.3,
        worker={"reconnect": False},
        contracts={"1203": 2, "1204": 2},
        words=OTHER_KOREAN,
        heartbeat_s=10,
        concurrency=5,
        log_style="logfmt",
    ),
    steps=(Step(-60, "wiki deploy", lambda lab: lab.ci.deploy_docs("77", text="위키 77 배포")),),
)

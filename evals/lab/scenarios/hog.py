"""F08 and F25: a container of another team takes the CPU the chat needs: an intruder's processes, or its own batch."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import composed, prefixed, slotted
from evals.lab.scenario import Asked, Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import container, diagnosis
from evals.lab.wordings import ENGLISH

MINER = "import hashlib\nwhile True: hashlib.sha256(b'x' * 65536).digest()"


def start_miner(lab: Lab) -> int:
    """A process nobody deployed appears in the documentation site's container, twice."""
    docs = lab.stack.get(lab.names.docs)
    for _ in range(2):
        docs.exec_run(["bash", "-c", f'exec -a "[kworker/u4:2-ev]" python3 -c "{MINER}"'], detach=True)
    return now_ms()


def label(scenario: Scenario) -> dict[str, object]:
    """Isolate and keep the evidence; a restart destroys it."""
    names, active = scenario.names, scenario.active
    return diagnosis(
        container(names, names.docs, names.docs_service),
        "compromise",
        right=[("isolate_container", names.docs), ("pause_container", names.docs)],
        innocent=[names.worker_of(active), names.api_of(active), names.proxy, names.broker, names.batch],
        harmful=[("restart_container", names.docs)],
        notes="Two processes with a kernel thread's name inside the documentation container use all CPU it can get.",
    )


def burn_batch(lab: Lab) -> int:
    """The batch recalculates everything at once, without a limit."""
    batch = lab.stack.get(lab.names.batch)
    for _ in range(2):
        batch.exec_run(["python3", "-c", f"# settlement full recalculation\n{MINER}"], detach=True)
    return now_ms()


def batch_label(scenario: Scenario) -> dict[str, object]:
    """Remove the hog; the open circuit and the silent heartbeats are its symptoms."""
    names, active = scenario.names, scenario.active
    hog = names.batch
    return diagnosis(
        container(names, hog, names.batch_service),
        "noisy_neighbour",
        right=[(kind, hog) for kind in ("pause_container", "stop_container", "set_limits", "restart_container")],
        innocent=[names.worker_of(active), names.api_of(active), names.proxy, names.broker],
        notes="Every worker skips its heartbeat because the host is busy, the API opens its circuit, workers idle.",
    )


SCENARIO = Scenario(
    id="f08-a",
    family="F08",
    title={
        "en": "Strange processes in the documentation site take the host's CPU",
        "ko": "문서 컨테이너의 낯선 프로세스가 CPU를 점유",
    },
    names=prefixed("hog"),
    active="blue",
    builds={"blue": "19", "green": "18"},
    tuning=Tuning(rate=1.5, cpu_ms=60, contracts={"19": 2, "18": 2}, docs_cpus=None),
    steps=(Step(-400, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),),
    inject=start_miner,
    heal=lambda lab: lab.stack.get(lab.names.docs).restart(timeout=5),
    asked=Asked(after_s=240, lang="ko", text="호스트 CPU가 갑자기 치솟았는데 무슨 일인가요? 배포는 없었던 것 같아요."),
    label=label,
    alone=True,
    notes="Fault: two busy processes named like kernel threads in the docs container, without a CPU limit.",
)

SECOND = variant(
    SCENARIO,
    id="f08-b",
    title={"en": "Unknown processes in the help site", "ko": "도움말 컨테이너의 정체 모를 프로세스"},
    names=slotted("crypt", host="node-10"),
    active="a",
    builds={"a": "55", "b": "54"},
    tuning=Tuning(rate=1.4, cpu_ms=50, contracts={"55": 2, "54": 2}, words=ENGLISH, log_style="logfmt", docs_cpus=None),
    steps=(Step(-150, "wiki deploy", lambda lab: lab.ci.deploy_docs("8", text="help pages 8")),),
    asked=Asked(after_s=190, lang="en", text="CPU on node-10 jumped and nobody deployed anything. What is it?"),
)
CIRCUIT = variant(
    SCENARIO,
    id="f25-a",
    family="F25",
    title={"en": "A batch takes the host and the circuit opens", "ko": "배치가 호스트 CPU를 점유해 서킷이 열림"},
    names=composed("ledger", host="kr-app-11"),
    active="blue",
    builds={"blue": "712", "green": "711"},
    tuning=Tuning(
        rate=1.5, contracts={"712": 2, "711": 2}, heartbeat_s=6, worker={"heartbeat_host_cpu_limit": 0.8}, cpu_ms=40,
        batch_cpus=None,
    ),
    steps=(Step(-125, "wiki deploy", lambda lab: lab.ci.deploy_docs("26", text="위키 26 배포")),),
    inject=burn_batch,
    heal=lambda lab: lab.stack.get(lab.names.batch).restart(timeout=5),
    asked=None,
    label=batch_label,
    notes="Fault: two processes of the batch take both cores; heartbeats skip above 80 % host CPU, the circuit opens.",
)
CIRCUIT_AGAIN = variant(
    CIRCUIT,
    id="f25-b",
    title={"en": "A report takes the host, no worker beats", "ko": "정산이 호스트를 점유해 워커 신호가 끊김"},
    names=slotted("tide", host="node-23"),
    active="b",
    builds={"a": "90", "b": "91"},
    tuning=Tuning(
        rate=1.2, contracts={"90": 3, "91": 3}, heartbeat_s=5, worker={"heartbeat_host_cpu_limit": 0.8}, cpu_ms=55,
        words=ENGLISH, log_style="logfmt", batch_cpus=None,
    ),
    steps=(Step(-210, "wiki deploy", lambda lab: lab.ci.deploy_docs("31", text="help pages 31")),),
)

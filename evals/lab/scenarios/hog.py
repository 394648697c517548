"""F08: a container of another team spins and takes what the chat needs; no deploy explains it."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Asked, Scenario, Step, Tuning
from evals.lab.scenarios.verdicts import container, diagnosis

MINER = "import hashlib\nwhile True: hashlib.sha256(b'x' * 65536).digest()"


def start_miner(lab: Lab) -> int:
    """A process nobody deployed appears in the documentation site's container, twice."""
    docs = lab.stack.get(lab.names.docs)
    docs.update(cpu_period=100_000, cpu_quota=-1)
    for _ in range(2):
        docs.exec_run(["bash", "-c", f'exec -a "[kworker/u4:2-ev]" python3 -c "{MINER}"'], detach=True)
    return now_ms()


def label(names: Names) -> dict[str, object]:
    """Isolate and keep the evidence; a restart destroys it."""
    return diagnosis(
        container(names, names.docs, "docs"),
        "compromise",
        right=[("isolate_container", names.docs), ("pause_container", names.docs)],
        innocent=[names.worker_of("blue"), names.api_of("blue"), names.proxy, names.broker, names.batch],
        harmful=[("restart_container", names.docs)],
        notes="Two processes with a kernel thread's name inside the documentation container use all CPU it can get.",
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
    tuning=Tuning(rate=1.5, cpu_ms=60, contracts={"19": 2, "18": 2}),
    steps=(Step(-400, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),),
    inject=start_miner,
    heal=lambda lab: lab.stack.get(lab.names.docs).restart(timeout=5),
    asked=Asked(after_s=240, lang="ko", text="호스트 CPU가 갑자기 치솟았는데 무슨 일인가요? 배포는 없었던 것 같아요."),
    label=label,
    alone=True,
    notes="Fault: two busy processes named like kernel threads in the docs container, without a CPU limit.",
)

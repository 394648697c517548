"""N01: a worker keeps something of every job; half an hour later, here seven minutes, the kernel ends it."""

from __future__ import annotations

import time

from config.errors import SourceUnavailable
from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import slotted
from evals.lab.scenario import Asked, Scenario, Step, Tuning, variant
from evals.lab.scenarios import stray_older_contract
from evals.lab.scenarios.verdicts import container, diagnosis
from evals.lab.wordings import ENGLISH

PATIENCE_S = 240


def run_restarting(lab: Lab) -> None:
    """The active worker is restarted by the engine, as a service is."""
    active = lab.scenario.active
    lab.run_worker(active, lab.scenario.builds[active], restart="always")


def wait_for_the_kernel(lab: Lab) -> int:
    """Nothing is injected: the leak is as old as the process. The onset is the first kill."""
    worker = lab.stack.get(lab.names.worker_of(lab.scenario.active))
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        worker.reload()
        if worker.attrs["RestartCount"]:
            return now_ms()
        time.sleep(0.5)
    raise SourceUnavailable(f"{worker.name} was not killed within {PATIENCE_S} s")


def label(scenario: Scenario) -> dict[str, object]:
    """Time is gained by a restart or another limit; the build is to be mended."""
    names, active = scenario.names, scenario.active
    leaking = names.worker_of(active)
    return diagnosis(
        container(names, leaking, names.worker_service, active),
        "resource_leak",
        right=[("restart_container", leaking), ("set_limits", leaking), ("rollback", leaking)],
        innocent=[names.api_of(active), names.proxy, names.broker],
        notes="Memory climbs from the start to the limit of 128 MB; the kernel kills it, the engine starts it.",
    )


SCENARIO = variant(
    stray_older_contract.SCENARIO,
    id="n01-a",
    family="N01",
    title={"en": "A worker climbs to its memory limit and is killed", "ko": "워커 메모리가 한도까지 늘어 강제 종료"},
    names=slotted("moss", host="node-31"),
    active="a",
    builds={"a": "204", "b": "203"},
    tuning=Tuning(rate=1.8, contracts={"204": 2, "203": 2}, worker={"keep_kb": 135}, words=ENGLISH, log_style="logfmt"),
    prepare=run_restarting,
    steps=(Step(-120, "help deploy", lambda lab: lab.ci.deploy_docs("40", text="help pages 40")),),
    inject=wait_for_the_kernel,
    heal=lambda lab: None,
    asked=Asked(after_s=150, lang="en", text="Users lost answers two minutes ago. What happened to the workers?"),
    label=label,
    notes="Fault: the worker keeps 135 kB of every job; nothing else changes.",
)

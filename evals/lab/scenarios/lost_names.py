"""N03: of two workers that both serve, one can resolve no name any more: what it opens anew fails, its peer works."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import prefixed
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios import odd_one_out
from evals.lab.scenarios.verdicts import container, diagnosis

NOBODY = "10.213.99.9"  # answers nothing: the lab's networks end at .1 to .50


def lose_the_resolver(lab: Lab) -> int:
    """The resolver's address becomes one where nobody answers, as after a network change inside one container."""
    odd = lab.stack.get(lab.names.worker_of(lab.scenario.standby))
    odd.exec_run(["sh", "-c", f"echo nameserver {NOBODY} > /etc/resolv.conf"])
    return now_ms()


def label(scenario: Scenario) -> dict[str, object]:
    """Its peer reaches the same names; out of the rotation with it, or start it anew."""
    names, odd_colour = scenario.names, scenario.standby
    odd = names.worker_of(odd_colour)
    return diagnosis(
        container(names, odd, names.worker_service, odd_colour),
        "network_path",
        right=[("collect_more", odd), ("restart_container", odd), ("stop_container", odd), ("cut_traffic", odd)],
        innocent=[names.worker_of(scenario.active), names.api_of(scenario.active), names.proxy, names.broker],
        notes="One worker's resolver is gone: its new connections fail by name, its peer's do not.",
    )


SCENARIO = variant(
    odd_one_out.SCENARIO,
    id="n03-a",
    family="N03",
    title={"en": "One of two workers can resolve no name", "ko": "두 워커 중 하나만 이름을 찾지 못함"},
    names=prefixed("echoless"),
    active="blue",
    builds={"blue": "58", "green": "57"},
    tuning=Tuning(rate=1.9, contracts={"58": 2, "57": 2}),
    steps=(
        Step(
            -346,
            "mode both",
            lambda lab: lab.ci.announce("mode", service="api", by="ops", text="both colours serve", mode="both"),
        ),
        Step(-140, "docs deploy", lambda lab: lab.ci.deploy_docs("9", text="docs 9")),
    ),
    inject=lose_the_resolver,
    heal=lambda lab: lab.run_worker(lab.scenario.standby, lab.scenario.builds[lab.scenario.active]),
    label=label,
    notes="Fault: the resolver's address in green's worker is one where nobody answers.",
)

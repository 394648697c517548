"""F09: the file was switched, nginx was not reloaded, and the colour that still serves is recreated by build parity."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Scenario, Step, Tuning
from evals.lab.scenarios.verdicts import diagnosis, service


def switch_on_paper(lab: Lab) -> int:
    """The pipeline says success; then the "old" colour, which is the live one, gets the next build."""
    lab.ci.deploy("green", "126", text="build 126 to green")
    lab.ci.write_upstream("green")
    lab.ci.announce(
        "switch", service=lab.names.api_service, colour="green", build="126", text="switched to green: success"
    )
    onset = now_ms()
    lab.stack.stop(lab.names.worker_of("blue"))
    lab.stack.stop(lab.names.api_of("blue"))
    return onset


def label(names: Names) -> dict[str, object]:
    """Reload in place; the file is right."""
    return diagnosis(
        service(names, names.proxy_service),
        "routing_mismatch",
        right=[("fix_route", names.proxy_service), ("fix_route", names.proxy), ("switch_traffic", "green")],
        innocent=[names.worker_of("green"), names.api_of("green"), names.broker],
        harmful=[("rollback", names.api_of("green"))],
        notes="File and container say green, nginx has blue loaded, and blue was stopped: 502.",
    )


SCENARIO = Scenario(
    id="f09-a",
    family="F09",
    title={"en": "Switched on file, never loaded", "ko": "파일만 전환되고 적용되지 않은 라우팅"},
    names=prefixed("turn"),
    active="blue",
    builds={"blue": "125", "green": "124"},
    tuning=Tuning(rate=2.0, contracts={"124": 2, "125": 2, "126": 2}, log_style="logfmt"),
    steps=(Step(-260, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="docs 8")),),
    inject=switch_on_paper,
    heal=lambda lab: lab.ci.reload(),
    label=label,
    notes="Fault: upstream rewritten without a reload, then the old colour stopped.",
)

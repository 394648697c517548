"""F09: the file was switched, nginx was not reloaded, and the colour that still serves is recreated by build parity."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import coloured, prefixed
from evals.lab.scenario import Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import diagnosis, service


def switch_on_paper(lab: Lab) -> int:
    """The pipeline says success; then the "old" colour, which is the live one, gets the next build."""
    old, new, build = lab.scenario.active, lab.scenario.standby, lab.scenario.next_build
    lab.ci.deploy(new, build, text=f"build {build} to {new}")
    lab.ci.write_upstream(new)
    lab.ci.announce(
        "switch", service=lab.names.api_service, colour=new, build=build, text=f"switched to {new}: success"
    )
    onset = now_ms()
    lab.stack.stop(lab.names.worker_of(old))
    lab.stack.stop(lab.names.api_of(old))
    return onset


def roll_back_on_paper(lab: Lab) -> int:
    """A rollback to the colour before: its worker is started again, the file is rewritten, the reload fails quietly."""
    bad, good = lab.scenario.active, lab.scenario.standby
    lab.stack.get(lab.names.worker_of(good)).start()
    lab.ci.write_upstream(good)
    lab.ci.announce(
        "rollback",
        service=lab.names.api_service,
        colour=good,
        build=lab.scenario.builds[good],
        by="lee",
        text=f"{good}으로 롤백 완료",
    )
    onset = now_ms()
    lab.stack.stop(lab.names.worker_of(bad))
    lab.stack.stop(lab.names.api_of(bad))
    return onset


def label(scenario: Scenario) -> dict[str, object]:
    """Reload in place; the file is right."""
    names, new = scenario.names, scenario.standby
    return diagnosis(
        service(names, names.proxy_service),
        "routing_mismatch",
        right=[("fix_route", names.proxy_service), ("fix_route", names.proxy), ("switch_traffic", new)],
        innocent=[names.worker_of(new), names.api_of(new), names.broker],
        harmful=[("rollback", names.api_of(new))],
        notes="File and container say the new colour, nginx has the old one loaded, and that one was stopped: 502.",
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

SECOND = variant(
    SCENARIO,
    id="f09-b",
    title={"en": "Rolled back on file, never loaded", "ko": "파일만 롤백되고 적용되지 않은 라우팅"},
    names=coloured("flip", host="app-6"),
    active="red",
    builds={"red": "88", "black": "87"},
    tuning=Tuning(rate=1.4, contracts={"87": 2, "88": 2}),
    steps=(
        Step(-170, "docs deploy", lambda lab: lab.ci.deploy_docs("23", text="문서 23 배포")),
        Step(-12, "docs deploy", lambda lab: lab.ci.deploy_docs("24", text="문서 24 배포")),
    ),
    inject=roll_back_on_paper,
    notes="Fault: a rollback rewrites the upstream without a reload, then stops the colour nginx still sends to.",
)

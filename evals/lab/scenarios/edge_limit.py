"""F07: users see 429, and it is nginx' own request limit that says so."""

from __future__ import annotations

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import Names, prefixed
from evals.lab.scenario import Asked, Scenario, Step, Tuning
from evals.lab.scenarios.verdicts import diagnosis, service


def event(lab: Lab) -> int:
    """An event brings more users than the limit of the edge lets through."""
    lab.load(rate=5.0)
    return now_ms()


def label(names: Names) -> dict[str, object]:
    """Name the layer; look at who asks before a limit is raised."""
    return diagnosis(
        service(names, names.proxy_service),
        "rate_limited",
        right=[("collect_more", names.proxy_service), ("revert_config", names.proxy_service)],
        innocent=[names.worker_of("green"), names.api_of("green"), names.proxy, names.broker],
        notes="429 stands in nginx' access log without an upstream; neither the API nor the provider refused anything.",
    )


SCENARIO = Scenario(
    id="f07-a",
    family="F07",
    title={"en": "429 from the edge's request limit", "ko": "엣지 요청 제한에서 나온 429"},
    names=prefixed("gate"),
    active="green",
    builds={"green": "91", "blue": "90"},
    tuning=Tuning(rate=1.5, nginx_limit_per_s=2, contracts={"91": 2, "90": 2}),
    steps=(Step(-100, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),),
    inject=event,
    heal=lambda lab: lab.load(rate=1.5),
    asked=Asked(
        after_s=240, lang="ko", text="몇 분 전부터 429가 보인다는 고객 문의가 늘었는데 어디에서 거절하는 건가요?"
    ),
    label=label,
    notes="Fault: load rises from 1.5 to 5 requests a second behind a limit of 2 a second for a client address.",
)

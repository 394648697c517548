"""F07: users see 429. Who says so: nginx' request limit, the API's throttle, or the model provider?"""

from __future__ import annotations

from collections.abc import Callable

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import composed, prefixed, slotted
from evals.lab.scenario import Asked, Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import diagnosis, provider, service
from evals.lab.wordings import ENGLISH


def event(rate: float) -> Callable[[Lab], int]:
    """An event brings more users than a limit lets through."""

    def inject(lab: Lab) -> int:
        lab.load(rate=rate)
        return now_ms()

    return inject


def provider_limits(lab: Lab) -> int:
    """The provider lowers our quota."""
    lab.provider(limit_per_s=1)
    return now_ms()


def label(scenario: Scenario) -> dict[str, object]:
    """Name the layer; look at who asks before a limit is raised."""
    names, active = scenario.names, scenario.active
    return diagnosis(
        service(names, names.proxy_service),
        "rate_limited",
        right=[("collect_more", names.proxy_service), ("revert_config", names.proxy_service)],
        innocent=[names.worker_of(active), names.api_of(active), names.proxy, names.broker],
        notes="429 stands in nginx' access log without an upstream; neither the API nor the provider refused anything.",
    )


def api_label(scenario: Scenario) -> dict[str, object]:
    """The application's own throttle."""
    names, active = scenario.names, scenario.active
    return diagnosis(
        service(names, names.api_service),
        "rate_limited",
        right=[("collect_more", names.api_service), ("revert_config", names.api_service)],
        innocent=[names.worker_of(active), names.api_of(active), names.proxy, names.broker],
        notes="The API logs each refusal with reason app_throttled; nginx passes its 429 on.",
    )


def provider_label(scenario: Scenario) -> dict[str, object]:
    """The provider's quota."""
    names, active = scenario.names, scenario.active
    return diagnosis(
        provider(),
        "rate_limited",
        right=[("switch_model", "provider"), ("collect_more", "provider")],
        innocent=[names.worker_of(active), names.api_of(active), names.proxy, names.broker],
        harmful=[("rollback", names.worker_of(active))],
        notes="The workers log 429 from the provider; nginx and the API refuse nothing.",
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
    inject=event(5.0),
    heal=lambda lab: lab.load(rate=1.5),
    asked=Asked(
        after_s=240, lang="ko", text="몇 분 전부터 429가 보인다는 고객 문의가 늘었는데 어디에서 거절하는 건가요?"
    ),
    label=label,
    notes="Fault: load rises from 1.5 to 5 requests a second behind a limit of 2 a second for a client address.",
)

SECOND = variant(
    SCENARIO,
    id="f07-b",
    title={"en": "The gateway's own throttle answers 429", "ko": "게이트웨이 자체 스로틀의 429"},
    names=slotted("quota", host="node-3"),
    active="a",
    builds={"a": "36", "b": "35"},
    tuning=Tuning(rate=1.1, api={"throttle_per_s": 5}, contracts={"36": 2, "35": 2}, words=ENGLISH),
    steps=(Step(-55, "help deploy", lambda lab: lab.ci.deploy_docs("19", text="help pages 19")),),
    inject=event(7.5),
    heal=lambda lab: lab.load(rate=1.1),
    asked=None,
    label=api_label,
    notes="Fault: load rises from 1.1 to 7.5 requests a second; the API admits five in any second.",
)
THIRD = variant(
    SCENARIO,
    id="f07-c",
    title={"en": "The provider's quota answers 429", "ko": "모델 제공자 할당량 초과 429"},
    names=composed("lect", host="kr-app-1"),
    active="blue",
    builds={"blue": "404", "green": "403"},
    tuning=Tuning(rate=2.3, contracts={"404": 2, "403": 2}),
    steps=(Step(-130, "wiki deploy", lambda lab: lab.ci.deploy_docs("51", text="위키 51 배포")),),
    inject=provider_limits,
    heal=lambda lab: lab.provider(limit_per_s=0),
    asked=None,
    label=provider_label,
    notes="Fault: the provider lets one call a second through where 2.3 are made.",
)

"""F22: things happen outside and nothing is wrong: a declared load test, a quiet holiday, a blip that healed by itself,
an alert that hovers about its threshold as it always did."""

from __future__ import annotations

import time

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import coloured, composed, prefixed, slotted
from evals.lab.scenario import Asked, Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import nothing_wrong
from evals.lab.wordings import ENGLISH, OTHER_KOREAN


def declare_load_test(lab: Lab) -> int:
    """Declared, then twice the load and more; there is capacity for it."""
    began = now_ms()
    lab.ci.announce(
        "mode", service=lab.names.api_service, by="perf-team", text="load test until 16:00", source="calendar",
        mode="load_test",
    )
    lab.load(rate=3.6)
    return began


def go_quiet(lab: Lab) -> int:
    """A third of the users."""
    lab.load(rate=0.6)
    return now_ms()


def stumble(lab: Lab) -> int:
    """The provider fails for twenty seconds and is well again."""
    began = now_ms()
    lab.provider(error_share=1.0)
    time.sleep(20)
    lab.provider(error_share=0.0)
    return began


def label(scenario: Scenario) -> dict[str, object]:
    """Nothing to do."""
    names, active = scenario.names, scenario.active
    return nothing_wrong([names.worker_of(active), names.api_of(active), names.proxy, names.broker], scenario.notes)


LOAD_TEST = variant(
    Scenario(
        id="f22-d",
        family="F22",
        verdict="no_fault",
        title={"en": "A declared load test within capacity", "ko": "용량 안에서 선언된 부하 시험"},
        names=coloured("perf", host="app-3"),
        active="black",
        builds={"black": "21", "red": "20"},
        tuning=Tuning(rate=1.4, concurrency=16, contracts={"20": 2, "21": 2}, words=ENGLISH, capacity_per_second=9.0),
        steps=(Step(-80, "docs deploy", lambda lab: lab.ci.deploy_docs("55", text="docs 55")),),
        inject=declare_load_test,
        heal=lambda lab: lab.load(rate=1.4),
        asked=Asked(after_s=190, lang="en", text="Traffic on chat more than doubled in a minute. Are we under attack?"),
        label=label,
        notes="Event: a load test was declared and load rises from 1.4 to 3.6 requests a second; answers stay as fast.",
    )
)
QUIET_DAY = variant(
    LOAD_TEST,
    id="f22-g",
    title={"en": "A quiet holiday afternoon", "ko": "한산한 휴일 오후"},
    names=composed("rest", host="kr-app-6"),
    active="green",
    builds={"green": "33", "blue": "32"},
    tuning=Tuning(rate=2.2, contracts={"32": 2, "33": 2}, words=OTHER_KOREAN, log_style="logfmt"),
    steps=(Step(-210, "wiki deploy", lambda lab: lab.ci.deploy_docs("44", text="위키 44 배포")),),
    inject=go_quiet,
    heal=lambda lab: lab.load(rate=2.2),
    asked=Asked(after_s=190, lang="ko", text="채팅 작업량이 갑자기 3분의 1로 줄었습니다. 뭔가 고장난 건가요?"),
    notes="Event: load falls from 2.2 to 0.6 requests a second; what comes in is answered as before.",
)
BLIP = variant(
    LOAD_TEST,
    id="f22-e",
    title={"en": "A blip of the provider that healed by itself", "ko": "저절로 회복된 모델 제공자 순간 오류"},
    names=prefixed("sneeze"),
    active="blue",
    builds={"blue": "302", "green": "301"},
    tuning=Tuning(rate=1.7, contracts={"301": 2, "302": 2}),
    steps=(Step(-45, "docs deploy", lambda lab: lab.ci.deploy_docs("8", text="문서 8 배포")),),
    inject=stumble,
    heal=lambda lab: None,
    asked=Asked(after_s=200, lang="ko", text="3분쯤 전에 오류가 몇 건 보였는데 지금도 조치할 게 있나요?"),
    notes="Event: the provider answered 503 for twenty seconds, three minutes ago, and has been well since.",
)
HOVERING = variant(
    LOAD_TEST,
    id="f22-h",
    title={"en": "An alert that hovers about its threshold", "ko": "임계값 근처에서 오르내리는 경보"},
    names=slotted("hover", host="node-5"),
    active="a",
    builds={"a": "4", "b": "3"},
    tuning=Tuning(
        rate=1.1, contracts={"3": 2, "4": 2}, words=ENGLISH, provider={"first_ms": 1880}, concurrency=16,
        log_style="logfmt",
    ),
    steps=(Step(-25, "help deploy", lambda lab: lab.ci.deploy_docs("31", text="help pages 31")),),
    inject=lambda lab: now_ms(),
    heal=lambda lab: None,
    asked=Asked(
        after_s=190, lang="en", text="ChatFirstTokenLate keeps firing and resolving all day. Did something break?"
    ),
    notes="Nothing happens: this model takes two seconds to the first token, before as after: the alert's threshold.",
)

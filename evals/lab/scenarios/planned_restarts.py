"""F22: another team restarts its own site a few times on purpose; an alert counts restarts and knows no reasons."""

from __future__ import annotations

import time

from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.names import composed
from evals.lab.scenario import Asked, Scenario, Step, Tuning, variant
from evals.lab.scenarios.verdicts import nothing_wrong


def restart_site(lab: Lab) -> int:
    """Announced, three times, a scrape or two apart."""
    began = now_ms()
    lab.ci.announce(
        "planned", service=lab.names.docs_service, by="docs-team", text="search index rebuild, three restarts",
        source="calendar",
    )
    for _ in range(3):
        lab.stack.get(lab.names.docs).restart(timeout=3)
        time.sleep(25)
    return began


def label(scenario: Scenario) -> dict[str, object]:
    """Nothing to do."""
    names, active = scenario.names, scenario.active
    return nothing_wrong(
        [names.worker_of(active), names.api_of(active), names.proxy, names.broker, names.docs],
        notes="The restarts were announced by the team that owns the site, it serves again; the chat is well.",
    )


SCENARIO = variant(
    Scenario(
        id="f22-c",
        family="F22",
        verdict="no_fault",
        title={"en": "Announced restarts of another team's site", "ko": "다른 팀 사이트의 예고된 재시작"},
        names=composed("plan"),
        active="blue",
        builds={"blue": "15", "green": "14"},
        tuning=Tuning(rate=1.6, contracts={"14": 2, "15": 2}),
        steps=(Step(-200, "wiki deploy", lambda lab: lab.ci.deploy_docs("30", text="위키 30 배포")),),
        inject=restart_site,
        heal=lambda lab: None,
        asked=Asked(after_s=150, lang="ko", text="위키 컨테이너가 여러 번 재시작됐던데 장애인가요? 채팅은 괜찮나요?"),
        label=label,
        notes="Event: the documentation site is restarted three times, as announced.",
    )
)

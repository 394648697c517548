"""alerts.active: what fires, what is silenced or inhibited and so never arrived, rules that break, targets down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from config.errors import CulpritError
from tools.findings import Finding, Subject
from tools.question import Answer, Question
from tools.sources.alerts import Alert, AlertRule, ScrapeTarget
from tools.sources.inventory import Inventory
from tools.subjects import subject
from tools.wording import clock, listed, quote
from tools.world import Scope, World

SUPPRESSED = ("silenced", "inhibited")
TOLD = ("firing", *SUPPRESSED, "pending")
MOST = 20

Row = TypeVar("Row")


class AlertsArguments(BaseModel):
    """`service`: only alerts whose labels name it or one of its containers; empty for all."""

    model_config = ConfigDict(extra="forbid")
    service: str = ""


async def ask(world: World, scope: Scope, arguments: AlertsArguments) -> Answer:
    """Alerts must be told; rules and targets are told where they are known."""
    assert world.alerts is not None
    at, source = scope.asked_at_ms, world.alerts
    gaps: list[str] = []
    known, rules, targets = await asyncio.gather(
        source.active(at_ms=at),
        _where_known("rules", source.rules(at_ms=at), gaps),
        _where_known("targets", source.targets(at_ms=at), gaps),
    )
    alerts = _chosen(known, world.inventory, arguments.service)
    broken = [r for r in rules or () if r.error]
    findings = [*_suppressed(alerts, world.inventory), *(_broken(rule) for rule in broken)]
    text = " ".join([*_said(alerts), *_rules_said(rules, broken), *_targets_said(targets)])
    queries = ("alerts", *(() if rules is None else ("rules",)), *(() if targets is None else ("targets",)))
    return Answer(text, tuple(findings[:MOST]), queries=queries, window=(scope.incident[0], at),
                  notes={"gaps": gaps} if gaps else {})


async def _where_known(what: str, reading: Awaitable[tuple[Row, ...]], gaps: list[str]) -> tuple[Row, ...] | None:
    """None, and a note, where they cannot be told: unknown is not "none"."""
    try:
        return await reading
    except CulpritError as error:
        gaps.append(f"{what}: {quote(str(error))}")
        return None


def _chosen(alerts: Sequence[Alert], inventory: Inventory, service: str) -> list[Alert]:
    """Those that are not over, of the service asked about, by state and then age."""
    found = [a for a in alerts if a.state in TOLD and service in ("", _subject(a, inventory).service)]
    return sorted(found, key=lambda a: (TOLD.index(a.state), a.starts_ms, a.name))


def _subject(alert: Alert, inventory: Inventory) -> Subject:
    """The container or service that the alert's labels name, as the inventory's mapping spells labels."""
    labels = inventory.labels.metrics
    container = alert.labels.get(labels.container, "")
    if container and inventory.service_of(container) is not None:
        return subject(inventory, container)
    named = inventory.service(alert.labels.get("service", ""))
    return Subject(service=named.name if named else alert.labels.get("service", ""),
                   host=alert.labels.get(labels.host, ""), cluster=alert.labels.get("cluster", ""))


def _suppressed(alerts: Sequence[Alert], inventory: Inventory) -> list[Finding]:
    return [
        Finding("alert_suppressed", _subject(a, inventory), 1.0, since_ms=a.starts_ms or None,
                detail=f"{quote(a.name, 80)} is {a.state}")
        for a in alerts if a.state in SUPPRESSED
    ]


def _broken(rule: AlertRule) -> Finding:
    return Finding("rule_broken", Subject(resource="rules"), 1.0, detail=f"{quote(rule.name, 80)}: {quote(rule.error)}")


def _said(alerts: Sequence[Alert]) -> list[str]:
    said = []
    for state in TOLD:
        names = [f"{quote(a.name, 80)} since {clock(a.starts_ms)}" for a in alerts if a.state == state]
        if names:
            said.append(f"{state.capitalize()} ({len(names)}): {listed(names)}.")
    return said or ["No alert fires, waits or is silenced."]


def _rules_said(rules: Sequence[AlertRule] | None, broken: Sequence[AlertRule]) -> list[str]:
    if rules is None:
        return []
    failing = [f"{quote(r.name, 80)} ({quote(r.error)})" for r in broken]
    return [f"{len(rules)} alerting rules" + (f"; not evaluated: {listed(failing)}." if failing else ".")]


def _targets_said(targets: Sequence[ScrapeTarget] | None) -> list[str]:
    if targets is None:
        return []
    down = [f"{quote(f'{t.job} {t.instance}', 80)} ({quote(t.error) or 'no reason told'})"
            for t in targets if t.health == "down"]
    return [f"{len(targets) - len(down)} of {len(targets)} scrape targets are not down"
            + (f"; down: {listed(down)}." if down else ".")]


QUESTION = Question(
    name="alerts.active",
    asks="Which alerts fire, which are silenced or inhibited, which rules cannot be evaluated, which targets are down?",
    needs=("alerts",),
    finds=("alert_suppressed", "rule_broken"),
    cost_s=0.5,
    arguments=AlertsArguments,
    ask=ask,
)

"""alerts.active: what fires, what nobody was told, rules that break and targets down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from config.errors import CulpritError, NotCaptured, SourceUnavailable
from evals.case import BUNDLED, load_case
from tests.tools.stage import ONSET, SCOPE, world
from tools import toolbox
from tools.evidence import Status
from tools.recorded.alerts import RecordedAlerts
from tools.recorded.span import Span
from tools.recorded.world import open_world
from tools.sources.alerts import Alert, AlertRule, ScrapeTarget
from tools.sources.fakes import FakeAlerts
from tools.world import Scope, World

LATE = Alert("Late", "firing", {"alertname": "Late", "service": "orders"}, starts_ms=ONSET)
QUIET = replace(LATE, name="Errors", state="silenced", starts_ms=ONSET + 5_000)
HIDDEN = replace(LATE, name="Slow", state="inhibited")
OVER = replace(LATE, name="Over", state="resolved")


def stage(*alerts: Alert, rules: tuple[AlertRule, ...] | None = (), targets: tuple[ScrapeTarget, ...] | None = (),
          fails: CulpritError | None = None) -> World:
    return replace(world(), alerts=FakeAlerts(known=alerts, evaluated=rules, scraped=targets, fails=fails))


async def asked(stage_: World, **arguments: str) -> toolbox.Evidence:
    return await toolbox.ask("alerts.active", arguments, stage_, SCOPE)


async def test_silenced_and_inhibited_alerts_are_findings_with_a_date() -> None:
    """They never arrived at a door; what fires did, and is told as text."""
    told = await asked(stage(LATE, QUIET, HIDDEN, OVER))
    assert [(f.kind, f.detail, f.since_ms) for f in told.findings] == [
        ("alert_suppressed", "Errors is silenced", ONSET + 5_000), ("alert_suppressed", "Slow is inhibited", ONSET)]
    assert "Firing (1): Late" in told.text
    assert "Over" not in told.text


async def test_an_alert_of_a_container_is_its_services() -> None:
    """The label that the inventory maps names the container; its service, role and colour come from the inventory."""
    owner = next(s for s in world().inventory.services if s.members())
    label = world().inventory.labels.metrics.container
    about = replace(QUIET, labels={"alertname": "Errors", label: owner.members()[0]})
    told = await asked(stage(about, QUIET), service=owner.name)
    assert [f.subject.container for f in told.findings][:1] == [owner.members()[0]]
    assert all(f.subject.service == owner.name for f in told.findings)


async def test_only_the_service_asked_about() -> None:
    """Another service's silence is not an answer."""
    told = await asked(stage(QUIET, replace(QUIET, name="Else", labels={"service": "mail"})), service="mail")
    assert [f.detail for f in told.findings] == ["Else is silenced"]


async def test_a_rule_that_breaks_and_a_target_that_is_down_are_told() -> None:
    """With the server's own reason; a rule that is fine is no finding."""
    rules = (AlertRule("Fine", "inactive"), AlertRule("Bad", "inactive", error="many-to-many matching"))
    targets = (ScrapeTarget("node", "a:1", "up"), ScrapeTarget("node", "b:1", "down", "connection refused"))
    told = await asked(stage(rules=rules, targets=targets))
    assert [(f.kind, f.detail) for f in told.findings] == [("rule_broken", "Bad: many-to-many matching")]
    assert "node b:1 (connection refused)" in told.text
    assert "No alert fires" in told.text


async def test_nothing_anywhere_is_no_finding() -> None:
    """A quiet system: an answer, with nothing in it."""
    told = await asked(stage(OVER))
    assert (told.status, told.findings) == (Status.OK, ())


async def test_unknown_rules_are_a_note_and_never_none() -> None:
    """Where rules and targets cannot be told the text does not count them, and the evidence says why."""
    told = await asked(stage(LATE, rules=None, targets=None))
    assert told.status is Status.OK
    assert "rules" not in told.text
    assert [g.split(":")[0] for g in told.query["notes"]["gaps"]] == ["rules", "targets"]


async def test_a_dead_alertmanager_is_failed() -> None:
    """No answer is not "nothing fires"."""
    told = await asked(stage(fails=SourceUnavailable("Alertmanager: connection refused")))
    assert told.status is Status.FAILED
    assert "connection refused" in told.text


async def test_a_secret_in_a_label_is_hidden() -> None:
    """Names and reasons of outside pass the redactor."""
    targets = (ScrapeTarget("node", "a:1", "down", "Get http://kim:hunter2pass@a:1/metrics: refused"),)
    told = await asked(stage(replace(QUIET, name="password=hunter2pass"), targets=targets))
    assert "hunter2pass" not in f"{told.as_dict()}"


@pytest.mark.parametrize("name", ["f01-a", "f01-b"])
async def test_a_recorded_case_tells_its_alerts(name: str) -> None:
    """From alerts.json: what was known at the moment asked about; rules were not polled, which is said."""
    recorded, at = open_world(BUNDLED / name), load_case(BUNDLED / name).now_ms + 60_000
    assert recorded.alerts is not None
    known = await recorded.alerts.active(at_ms=at)
    told = await toolbox.ask("alerts.active", {}, recorded, Scope(at, (at - 60_000, at), (at - 300_000, at - 60_000)))
    assert told.status is Status.OK
    assert all(a.name in told.text for a in known if a.state == "firing")
    assert told.findings == ()
    assert len(told.query["notes"]["gaps"]) == 2


async def test_a_recorded_state_keeps_rules_and_targets(tmp_path: Path) -> None:
    """What a capture wrote is read back; a state without them is not captured."""
    path = tmp_path / "alerts.json"
    path.write_text("""{"payloads": [], "states": [
        {"at": "2026-11-20T10:00:00Z", "alerts": []},
        {"at": "2026-11-20T10:01:00Z", "alerts": [],
         "rules": [{"name": "Late", "state": "pending", "error": "bad"}],
         "targets": [{"job": "node", "instance": "a:1", "health": "down"}]}]}""")
    at = 1_795_168_800_000
    source = RecordedAlerts(path, span=Span(at, at + 120_000))
    with pytest.raises(NotCaptured):
        await source.rules(at_ms=at + 30_000)
    assert await source.rules(at_ms=at + 90_000) == (AlertRule("Late", "pending", error="bad"),)
    assert await source.targets(at_ms=at + 90_000) == (ScrapeTarget("node", "a:1", "down"),)

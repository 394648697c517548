"""Rules, alerts and targets as Prometheus tells them, and what stands where one of two backends is not configured."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from config.errors import CulpritError, NotCaptured, SourceRefused, SourceUnavailable
from tests.tools.sources.scripted_server import FAULTS, REFUSALS, Asked, Reply, ok, serving
from tools.sources.alertmanager_alerts import AlertmanagerAlerts
from tools.sources.http_json import Endpoint, HttpReader
from tools.sources.live_alerts import LiveAlerts
from tools.sources.prometheus_state import PrometheusState
from tools.sources.shortfall import collecting

RULES = {"groups": [{"name": "g", "rules": [
    {"type": "alerting", "name": "Late", "state": "firing", "query": "p > 3", "labels": {"service": "chat"},
     "health": "ok", "lastError": ""},
    {"type": "alerting", "name": "느림", "state": "inactive", "query": "x", "health": "err",
     "lastError": "found duplicate series for the match group"},
    {"type": "recording", "name": "r:x", "query": "x", "health": "ok"},
    {"type": "alerting", "name": "Odd", "state": "?", "query": "y"},
]}]}
TARGETS = {"activeTargets": [
    {"labels": {"job": "node", "instance": "a:9100"}, "health": "up", "lastError": ""},
    {"labels": {"job": "node", "instance": "b:9100"}, "health": "down", "lastError": "connection refused"},
    {"labels": {"job": "node", "instance": "c:9100"}, "health": "unknown"},
]}
ALERTS = {"alerts": [
    {"labels": {"alertname": "Late"}, "annotations": {}, "state": "firing", "activeAt": "2026-11-20T10:00:00.1Z"},
    {"labels": {"alertname": "Soon"}, "state": "pending", "activeAt": "2026-11-20T10:00:00Z"},
]}
DATA: Mapping[str, object] = {"/p/api/v1/rules": RULES, "/p/api/v1/targets": TARGETS, "/p/api/v1/alerts": ALERTS}


def now() -> int:
    return time.time_ns() // 1_000_000


def told(asked: Asked) -> Reply:
    return ok({"status": "success", "data": DATA[asked.path]})


def state(url: str) -> PrometheusState:
    return PrometheusState(HttpReader("Prometheus", Endpoint(url + "/p", timeout_s=0.4)))


async def test_rules_and_targets_are_read() -> None:
    """Alerting rules with what keeps one from being evaluated; targets with why one is down; the rest is unknown."""
    with serving(told) as server:
        rules = await state(server.url).rules()
        targets = await state(server.url).targets()
        assert [(a.path, a.params) for a in server.asked] == [
            ("/p/api/v1/rules", {"type": "alert"}), ("/p/api/v1/targets", {"state": "active"})]
    assert [(r.name, r.state, r.error) for r in rules] == [
        ("Late", "firing", ""), ("느림", "inactive", "found duplicate series for the match group"),
        ("Odd", "unknown", "")]
    assert [(t.instance, t.health, t.error) for t in targets] == [
        ("a:9100", "up", ""), ("b:9100", "down", "connection refused"), ("c:9100", "unknown", "")]


async def test_without_alertmanager_what_fires_is_known_and_what_is_silenced_is_said_to_be_unknown() -> None:
    """Prometheus' own alerts, pending ones told apart, and a shortfall in words."""
    with serving(told) as server, collecting() as missing:
        source = LiveAlerts(alertmanager=None, prometheus=state(server.url))
        found = await source.active(at_ms=now())
    assert [(a.name, a.state) for a in found] == [("Late", "firing"), ("Soon", "pending")]
    assert any("silenced" in text for text in missing)


async def test_without_prometheus_rules_and_targets_are_not_captured() -> None:
    """Alertmanager alone knows no rules: never an empty list."""
    manager = AlertmanagerAlerts(HttpReader("Alertmanager", Endpoint("http://127.0.0.1:1")))
    source = LiveAlerts(alertmanager=manager, prometheus=None)
    for reading in (source.rules, source.targets):
        with pytest.raises(NotCaptured):
            await reading(at_ms=now())


async def test_the_past_is_not_captured() -> None:
    """What is scraped now says nothing of an hour ago."""
    with serving(told) as server:
        source = LiveAlerts(alertmanager=None, prometheus=state(server.url))
        for reading in (source.active, source.rules, source.targets):
            with pytest.raises(NotCaptured):
                await reading(at_ms=now() - 3_600_000)
        assert server.asked == []


@pytest.mark.parametrize("fault", [*FAULTS, *REFUSALS])
async def test_faults_are_never_an_empty_list(fault: str) -> None:
    """Whatever goes wrong is an error of the tree, in time."""
    began = time.monotonic()
    with serving(lambda _: {**FAULTS, **REFUSALS}[fault]) as server, pytest.raises(CulpritError) as raised:
        await state(server.url).rules()
    assert isinstance(raised.value, SourceUnavailable if fault in FAULTS else SourceRefused)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("data", [None, [], {}, {"groups": None}, {"groups": [{"rules": [{"state": "firing"}]}]},
                                  {"groups": [{"rules": ["a text"]}]}])
async def test_another_shape_is_unavailable(data: object) -> None:
    """A rules answer that is none raises; it is not taken for "no rules"."""
    with serving(lambda _: ok({"status": "success", "data": data})) as server, pytest.raises(SourceUnavailable):
        await state(server.url).rules()

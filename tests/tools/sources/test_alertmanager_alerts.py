"""Alerts of the present with their states, from Alertmanager's API."""

from __future__ import annotations

import time

import pytest

from config.errors import CulpritError, NotCaptured, SourceRefused, SourceUnavailable
from tests.tools.sources.scripted_server import FAULTS, REFUSALS, ok, serving
from tools.sources.alertmanager_alerts import AlertmanagerAlerts
from tools.sources.http_json import Endpoint, HttpReader


def row(name: str, state: str = "active", **status: object) -> dict[str, object]:
    return {"labels": {"alertname": name}, "annotations": {"summary": "느립니다"},
            "startsAt": "2026-11-20T10:00:00.123Z",
            "status": {"state": state, "silencedBy": [], "inhibitedBy": [], **status}}


def now() -> int:
    return time.time_ns() // 1_000_000


def source(url: str) -> AlertmanagerAlerts:
    return AlertmanagerAlerts(HttpReader("Alertmanager", Endpoint(url, timeout_s=0.4)))


async def test_silenced_and_inhibited_alerts_are_seen() -> None:
    """They never arrive at the webhook; here they are, told apart."""
    rows = [row("A"), row("B", "suppressed", silencedBy=["s"]), row("C", "suppressed", inhibitedBy=["f"])]
    with serving(lambda _: ok(rows)) as server:
        found = await source(server.url + "/am").active(at_ms=now())
        assert server.asked[0].path == "/am/api/v2/alerts"
    assert [(a.name, a.state) for a in found] == [("A", "firing"), ("B", "silenced"), ("C", "inhibited")]
    assert found[0].starts_ms == 1_795_168_800_123


async def test_the_past_is_not_captured() -> None:
    """Alertmanager knows the present only."""
    with pytest.raises(NotCaptured):
        await source("http://127.0.0.1:1").active(at_ms=now() - 3_600_000)


@pytest.mark.parametrize("fault", [*FAULTS, *REFUSALS])
async def test_faults_are_never_an_empty_list(fault: str) -> None:
    """Whatever goes wrong is an error of the tree, in time."""
    began = time.monotonic()
    with serving(lambda _: {**FAULTS, **REFUSALS}[fault]) as server, pytest.raises(CulpritError) as raised:
        await source(server.url).active(at_ms=now())
    assert isinstance(raised.value, SourceUnavailable if fault in FAULTS else SourceRefused)
    assert time.monotonic() - began < 2

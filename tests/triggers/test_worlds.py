"""Which world an incident is investigated in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from agent.incident import Incident, Severity, Signal, SignalKind
from triggers.worlds import ByCluster


@pytest.mark.parametrize("labels", [{}, {"cluster": "nowhere"}])
def test_an_incident_without_a_known_cluster_goes_to_the_first(labels: Mapping[str, str]) -> None:
    """Better asked somewhere, with the cluster named, than not at all."""
    assert ByCluster({"seoul": Nobody(), "busan": Nobody()}).cluster_of(incident(labels)) == "seoul"


def test_an_incident_goes_to_the_cluster_its_worst_signal_names() -> None:
    """Of two that name one, the more urgent signal decides."""
    found = incident({"cluster": "seoul"}, {"cluster": "busan", "severity": "critical"})
    assert ByCluster({"seoul": Nobody(), "busan": Nobody()}).cluster_of(found) == "busan"


class Nobody:
    async def investigate(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nobody investigates here")


def incident(*labels: Mapping[str, str]) -> Incident:
    signals = tuple(
        Signal(kind=SignalKind.ALERT, fingerprint=f"f{i}", received_ms=i, starts_ms=i, title="t", status="firing",
               severity=Severity(told.get("severity", "warning")), labels=told)
        for i, told in enumerate(labels))
    return Incident("i1", "f", signals, Severity.WARNING, 0)

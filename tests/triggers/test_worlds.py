"""Which world an incident is investigated in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.incident import Incident, Severity, Signal, SignalKind
from config.settings import Settings
from tests.triggers.parts import settings_for
from tools.sources.changes import Change
from tools.sources.kept_changes import KeptChanges
from triggers.change_formats import Announced
from triggers.wiring import build_change_log, build_store
from triggers.worlds import ByCluster, announced_changes


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


async def test_a_one_shot_command_sees_announced_changes(tmp_path: Path) -> None:
    """What the door kept is there for `culprit investigate` too; without a database, or in a case, there is none."""
    settings = Settings(data_dir=tmp_path)
    with announced_changes(settings) as nothing:
        assert nothing is None
    store = build_store(settings_for(f"sqlite:///{tmp_path / 'culprit.db'}"))
    build_change_log(store).add([Announced(Change(1_000, "deploy", service="api"))], received_ms=1_000)
    store.close()
    with announced_changes(settings) as database:
        assert database is not None
        (kept,) = await KeptChanges(database).between(start_ms=0, end_ms=2_000)
    assert kept.service == "api"
    with announced_changes(settings, case=tmp_path) as nothing:
        assert nothing is None

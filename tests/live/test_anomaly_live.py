"""No Alertmanager at all: a standby begins to work, the watch of `culprit serve --with-worker` opens an incident by
itself, and the stored diagnosis is right.

Prometheus, Docker, nginx and Redis are real; logs come through the stand-in for Loki.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.anomaly import SeenStray, seen_stray
from tests.live.lab import RunningLab

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def seen(running_lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeenStray]:
    """The fault works and was diagnosed. Healed at the end."""
    with seen_stray(running_lab, tmp_path_factory.mktemp("watching")) as found:
        yield found


def test_a_quiet_system_opened_nothing(seen: SeenStray) -> None:
    """The first polls after the install, over the running lab, raised no incident."""
    assert seen.quiet == []


def test_the_signal_is_the_watchs_own(seen: SeenStray, capsys: pytest.CaptureFixture[str]) -> None:
    """Every signal of the incident is an anomaly, and one says that the standby works."""
    signals = seen.incident["signals"]
    assert {s["kind"] for s in signals} == {"anomaly"}
    (works,) = (s for s in signals if s["labels"].get("detector") == "standby_works")
    assert works["labels"]["container"] == seen.stray
    figures = {"fault_to_anomaly_s": round(seen.signal_s, 1), "fault_to_diagnosis_s": round(seen.stored_s, 1)}
    with capsys.disabled():
        sys.stdout.write(f"\n{json.dumps(figures)}\n")
    if folder := os.environ.get("LIVE_OUT"):
        Path(folder, "anomaly.json").write_text(json.dumps(seen.incident, ensure_ascii=False, indent=1), "utf-8")


def test_the_diagnosis_is_right(seen: SeenStray) -> None:
    """The stray's container is the root, as a role violation, and stopping it is the action."""
    diagnosis = seen.incident["diagnosis"]
    assert diagnosis["verdict"] == "diagnosed"
    root = diagnosis["hypotheses"][0]
    assert (root["status"], root["component"]["name"], root["category"]) == ("root", seen.stray, "role_violation")
    assert any(a["kind"] == "stop_container" and a["targets"] == [seen.stray] for a in diagnosis["actions"])

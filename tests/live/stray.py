"""The main job on real servers, up to the stored diagnosis: a fault, a real alert, its webhook, a real process."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.lab.receiver import Delivery
from tests.live.culprit_process import Culprit, culprit
from tests.live.http_server import free_port
from tests.live.lab import RunningLab
from tests.live.lab_world import announce, send_alerts_to, young_settings
from tests.live.loki_standin import loki_standin

BASELINE_S = 200  # of a quiet system, before the fault
ALERT_S = 300
DIAGNOSIS_S = 120


@dataclass(frozen=True)
class FeltStray:
    """A stray that works at this moment, what Alertmanager said of it, and what was stored.

    `settings` are those of the process that was told. Seconds: fault to alert, alert to stored diagnosis.
    """

    lab: RunningLab
    settings: dict[str, Any]
    payload: dict[str, Any]
    diagnosis: dict[str, Any]
    fired_s: float
    stored_s: float

    @property
    def stray(self) -> str:
        """The standby's worker, which consumes."""
        names = self.lab.lab.names
        return names.worker_of(names.other(self.lab.lab.scenario.active))

    @property
    def serving(self) -> str:
        """The worker that is meant to."""
        return self.lab.lab.names.worker_of(self.lab.lab.scenario.active)


@contextmanager
def felt_stray(lab: RunningLab, folder: Path) -> Iterator[FeltStray]:
    """Injects the fault into a quiet lab, waits for the alert and the diagnosis; heals at the end."""
    port = free_port()
    with loki_standin(lab.lab) as loki:
        settings = young_settings(lab, loki)
        with culprit(folder, settings, port=port) as process:
            lab.wait_until_quiet_for(BASELINE_S)
            send_alerts_to(lab, f"http://127.0.0.1:{port}/webhooks/alertmanager")
            onset_ms = lab.inject()
            try:
                assert announce(lab, process.url) == len(lab.lab.ci.changes)
                alert = _first_alert(lab, onset_ms)
                diagnosis = process.wait_for_diagnosis(seconds=DIAGNOSIS_S)
                stored = time.time() - alert.received_ms / 1000
                _keep(diagnosis, process)
                fired = (alert.received_ms - onset_ms) / 1000
                yield FeltStray(lab, settings, alert.payload, diagnosis, fired, stored)
            finally:
                lab.heal()


def _first_alert(lab: RunningLab, onset_ms: int) -> Delivery:
    """The first webhook of a firing rule after the fault, as the recording receiver beside Culprit got it."""
    deadline = time.monotonic() + ALERT_S
    while time.monotonic() < deadline:
        for delivery in lab.lab.receiver.deliveries():
            if delivery.firing() and delivery.received_ms > onset_ms:
                return delivery
        time.sleep(0.2)
    raise AssertionError(f"no rule fired within {ALERT_S} s: {lab.lab.monitoring.alert_states()}")


def _keep(diagnosis: dict[str, Any], process: Culprit) -> None:
    """A copy for people, where LIVE_OUT names a folder."""
    if folder := os.environ.get("LIVE_OUT"):
        Path(folder, "diagnosis.json").write_text(json.dumps(diagnosis, ensure_ascii=False, indent=1), "utf-8")
        Path(folder, "culprit.log").write_text(process.log, "utf-8")

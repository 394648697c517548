"""See it before the alert, on real servers: a stray that works, nobody who alerts, and what was stored."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.live.culprit_process import Culprit, culprit
from tests.live.lab import RunningLab
from tests.live.lab_world import announce, young_settings
from tests.live.loki_standin import loki_standin

BASELINE_S = 150  # of a quiet system, before the fault; the watch polls it meanwhile
INTERVAL_S = 10
WATCHED_S = 25  # of that at the least: two polls
GRACE_S = 20  # a deploy that recreates the standby is announced; the watch says nothing for so long
DRAIN_S = 10
NOTICED_S = 150


@dataclass(frozen=True)
class SeenStray:
    """A stray nobody alerts about: the incident its anomaly opened, and seconds from fault to signal and diagnosis."""

    lab: RunningLab
    incident: dict[str, Any]
    quiet: list[dict[str, Any]]  # incidents before the fault
    signal_s: float
    stored_s: float

    @property
    def stray(self) -> str:
        """The standby's worker, which consumes."""
        names = self.lab.lab.names
        return names.worker_of(names.other(self.lab.lab.scenario.active))


@contextmanager
def seen_stray(lab: RunningLab, folder: Path) -> Iterator[SeenStray]:
    """Watches a quiet lab without an Alertmanager, injects the fault and waits for a diagnosis; heals at the end."""
    with loki_standin(lab.lab) as loki:
        settings = young_settings(lab, loki, alertmanager={})
        settings["anomalies"] = {"enabled": True, "interval_seconds": INTERVAL_S, "grace_seconds": GRACE_S,
                                 "drain_seconds": DRAIN_S}
        with culprit(folder, settings) as process:
            time.sleep(WATCHED_S)
            lab.wait_until_quiet_for(BASELINE_S)
            quiet = process.incidents()
            onset_ms = lab.inject()
            try:
                assert announce(lab, process.url) == len(lab.lab.ci.changes)
                found = _diagnosed(process)
                stored_s = time.time() - onset_ms / 1000
                signal_s = min(s["received_ms"] for s in found["signals"]) / 1000 - onset_ms / 1000
                yield SeenStray(lab, found, quiet, signal_s, stored_s)
            finally:
                lab.heal()


def _diagnosed(process: Culprit) -> dict[str, Any]:
    """The incident that the anomaly opened, once its diagnosis is stored."""
    process.wait_for_diagnosis(seconds=NOTICED_S)
    return next(process.incident(i["id"]) for i in process.incidents() if i["state"] == "done")

"""Records one scenario: boot, warm up, follow the timeline, wait for the signal, heal, write the case folder."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from pathlib import Path

import docker

from config.errors import SourceUnavailable
from evals.lab.case_folder import Marks, write_case
from evals.lab.lab import Lab
from evals.lab.moments import now_ms
from evals.lab.plot import Plot
from evals.lab.receiver import Delivery
from evals.lab.recorder import Recorder
from evals.lab.scenario import Scenario

log = logging.getLogger(__name__)
WARM_UP_S = 45
PATIENCE_S = 120  # how much longer than planned an alert may take
MARGIN_S = 5
AFTER_ONSET_S = 250  # recorded after the onset at least


def record(
    scenario: Scenario,
    *,
    plot: Plot,
    client: docker.DockerClient,
    out: Path,
    stop: threading.Event,
    campaign: str = "",
) -> Marks:
    """Writes `out/<scenario id>`. Raises SourceUnavailable when the lab does not come up, no signal arrives or `stop`
    is set."""
    folder = Path(tempfile.mkdtemp(prefix=f"lab-{scenario.id}-"))
    with Lab(scenario=scenario, plot=plot, folder=folder, client=client) as lab:
        lab.warm_up(WARM_UP_S)
        recorder = Recorder(lab)
        recorder.start()
        log.info("%s: recording, onset in %.0f s", scenario.id, scenario.baseline_s)
        onset_ms = follow(lab, recorder.start_ms, stop)
        _pause(stop, max(scenario.recovery_s, AFTER_ONSET_S - (now_ms() - onset_ms) / 1000))
        recorder.stop()
        now, payload = signal_of(scenario, lab.receiver.deliveries(), recorder.start_ms, onset_ms)
        marks = Marks(
            start_ms=recorder.start_ms,
            onset_ms=onset_ms,
            now_ms=now,
            end_ms=now_ms(),
            payload=payload,
            neighbours=labs_running(client) - 1,
            campaign=campaign,
        )
        write_case(recorder, marks, out / scenario.id)
    return marks


def labs_running(client: docker.DockerClient) -> int:
    """How many labs have containers running on this engine now."""
    listed = client.api.containers(filters={"label": "lab"})
    return len({container["Labels"]["lab"] for container in listed})


def follow(lab: Lab, start_ms: int, stop: threading.Event) -> int:
    """Does every step at its time; healing waits for the alert where one is expected. Returns the onset."""
    scenario = lab.scenario
    onset_ms = 0
    for step in scenario.timeline():
        _pause(stop, start_ms / 1000 + scenario.baseline_s + step.at_s - time.time())
        if step.what == "heal":
            _wait_for_signal(lab, onset_ms, stop)
        log.info("%s: %s", scenario.id, step.what)
        result = step.do(lab)
        if step.what == "onset" and isinstance(result, int):
            onset_ms = result
    return onset_ms


def first_alert(deliveries: tuple[Delivery, ...], onset_ms: int) -> int | None:
    """Index of the first delivery after the onset that announces something firing about the chat service."""
    for index, delivery in enumerate(deliveries):
        if delivery.received_ms >= onset_ms and delivery.firing():
            return index
    return None


def signal_of(
    scenario: Scenario, deliveries: tuple[Delivery, ...], start_ms: int, onset_ms: int
) -> tuple[int, int | None]:
    """(now, index of the payload among those in the window, or None for a question)."""
    if scenario.asked is not None:
        return onset_ms + round(scenario.asked.after_s * 1000), None
    inside = tuple(d for d in deliveries if d.received_ms >= start_ms)
    index = first_alert(inside, onset_ms)
    if index is None:
        raise SourceUnavailable(
            f"{scenario.id}: no alert fired; make it a question or the fault felt, never a new rule"
        )
    return inside[index].received_ms, index


def _pause(stop: threading.Event, seconds: float) -> None:
    if stop.wait(max(0.0, seconds)):
        raise SourceUnavailable("the recording was stopped")


def _wait_for_signal(lab: Lab, onset_ms: int, stop: threading.Event) -> None:
    """Nobody asks about what was healed before, but an onset may come later than planned, and so may an alert."""
    asked = lab.scenario.asked
    if asked is not None:
        _pause(stop, onset_ms / 1000 + asked.after_s + MARGIN_S - time.time())
        return
    deadline = time.monotonic() + PATIENCE_S
    while first_alert(lab.receiver.deliveries(), onset_ms) is None and time.monotonic() < deadline:
        _pause(stop, 1)

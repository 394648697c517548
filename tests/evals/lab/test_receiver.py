"""The recording receiver and which delivery becomes the signal."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace

import pytest

from config.errors import SourceUnavailable
from evals.lab.plot import free_plots
from evals.lab.receiver import Delivery, Receiver
from evals.lab.record import first_alert, signal_of
from evals.lab.scenarios import scenario_named

PAYLOAD = {
    "version": "4",
    "status": "firing",
    "alerts": [{"labels": {"alertname": "늦음", "value": "3.10"}}],
    "n": 1.50,
}


def delivery(ms: int, status: str = "firing") -> Delivery:
    return Delivery(received_ms=ms, payload={"status": status})


def test_a_body_is_kept_as_it_came() -> None:
    """What was posted over HTTP is what is stored, Korean and order of fields included."""
    plot = free_plots(1)[0]
    receiver = Receiver(plot.receiver)
    try:
        body = json.dumps(PAYLOAD, ensure_ascii=False).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{plot.receiver}/", body, timeout=5) as answer:
            assert answer.status == 200
        kept = receiver.deliveries()[0]
    finally:
        receiver.close()
    assert json.dumps(kept.payload, ensure_ascii=False).encode() == body
    assert kept.as_record()["received"].endswith("Z")


def test_the_signal_is_the_first_firing_delivery_after_the_onset() -> None:
    """A resolved delivery and one from before the onset are passed over."""
    told = (delivery(50), delivery(110, "resolved"), delivery(120), delivery(130))
    assert first_alert(told, onset_ms=100) == 2
    assert signal_of(scenario_named("f01-a"), told, start_ms=0, onset_ms=100) == (120, 2)


def test_the_index_counts_deliveries_of_the_window_only() -> None:
    """A delivery from before the recording is not in alerts.json, so it does not count."""
    told = (delivery(5), delivery(50), delivery(120))
    assert signal_of(scenario_named("f01-a"), told, start_ms=40, onset_ms=100) == (120, 1)


def test_no_alert_is_an_error_not_an_empty_case() -> None:
    """A fault scenario without a question that no rule felt is refused."""
    with pytest.raises(SourceUnavailable, match="no alert fired"):
        signal_of(scenario_named("f01-a"), (delivery(50),), start_ms=0, onset_ms=100)


def test_a_question_needs_no_alert() -> None:
    """Where a person asks, `now` is the moment of the question, counted from the event."""
    scenario = scenario_named("f22-a")
    assert scenario.asked is not None
    asked = replace(scenario, asked=replace(scenario.asked, after_s=60))
    assert signal_of(asked, (), start_ms=0, onset_ms=1_000) == (61_000, None)

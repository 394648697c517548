"""Alertmanager's webhook body becomes signals, or a BadInput that says which field is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.alert_payload import label_fingerprint, parse_payload
from agent.incident import Severity, Signal, SignalKind
from config.errors import BadInput

RECEIVED = 1_795_227_000_000


def payload(**changes: Any) -> dict[str, Any]:
    """A body as Alertmanager 0.25 writes it, with one firing alert; `changes` replace top-level fields."""
    body: dict[str, Any] = {
        "receiver": "culprit", "status": "firing", "version": "4", "truncatedAlerts": 0,
        "groupKey": '{}:{alertname="CompletionsLate"}', "externalURL": "http://alertmanager:9093",
        "groupLabels": {"alertname": "CompletionsLate"}, "commonLabels": {}, "commonAnnotations": {},
        "alerts": [alert()],
    }
    body.update(changes)
    return body


def alert(**changes: Any) -> dict[str, Any]:
    """One firing alert; `changes` replace fields."""
    one: dict[str, Any] = {
        "status": "firing", "labels": {"alertname": "CompletionsLate", "severity": "critical", "service": "worker"},
        "annotations": {"summary": "Completions are late", "description": "p95 is 4 s"},
        "startsAt": "2026-11-21T02:08:30.123456789Z", "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph", "fingerprint": "b5d2c9a0f1e37f11",
    }
    one.update(changes)
    return one


def only(body: dict[str, Any] | bytes) -> Signal:
    """The single signal of a body."""
    (signal,) = parse_payload(body, received_ms=RECEIVED).signals
    return signal


def test_firing_alert_becomes_a_signal_with_its_own_times_and_prose() -> None:
    """A firing alert keeps its fingerprint, labels, group and start, has no end, and speaks its annotations."""
    signal = only(json.dumps(payload()).encode())
    assert (signal.kind, signal.status, signal.severity) == (SignalKind.ALERT, "firing", Severity.CRITICAL)
    assert signal.fingerprint == "b5d2c9a0f1e37f11"
    assert signal.starts_ms == 1_795_226_910_123
    assert signal.ends_ms is None
    assert (signal.title, signal.text) == ("CompletionsLate", "Completions are late\np95 is 4 s")
    assert signal.labels["service"] == "worker"
    assert signal.group == '{}:{alertname="CompletionsLate"}'


def test_resolved_alert_has_an_end() -> None:
    """A resolved alert carries the moment it ended, whatever zone it was written in."""
    signal = only(payload(alerts=[alert(status="resolved", endsAt="2026-11-21T11:12:00+09:00")]))
    assert (signal.status, signal.ends_ms) == ("resolved", 1_795_227_120_000)


def test_mixed_group_keeps_each_alerts_own_status() -> None:
    """In a group that still fires, a resolved alert stays resolved."""
    group = parse_payload(payload(alerts=[alert(), alert(status="resolved", endsAt="2026-11-21T02:12:00Z")]),
                          received_ms=RECEIVED)
    assert [s.status for s in group.signals] == ["firing", "resolved"]
    assert group.status == "firing"


@pytest.mark.parametrize(("word", "expected"), [
    ("critical", Severity.CRITICAL), ("PAGE", Severity.CRITICAL), (" P1 ", Severity.CRITICAL),
    ("warning", Severity.WARNING), ("info", Severity.INFO), ("none", Severity.INFO),
    ("sev-banana", Severity.WARNING), ("심각", Severity.WARNING), ("", Severity.WARNING),
])
def test_severity_words_map_and_unknown_ones_are_warnings(word: str, expected: Severity) -> None:
    """Known words map in any case; an unknown, foreign or empty one is a warning, never an error."""
    assert only(payload(alerts=[alert(labels={"alertname": "A", "severity": word})])).severity is expected


def test_absent_severity_falls_back_to_priority() -> None:
    """Without a severity label, a priority label speaks."""
    assert only(payload(alerts=[alert(labels={"alertname": "A", "priority": "P5"})])).severity is Severity.INFO


def test_missing_fingerprint_is_computed_as_alertmanager_does() -> None:
    """FNV-1a over the sorted labels; the empty set's value is prometheus/common's published constant."""
    assert label_fingerprint({}) == "cbf29ce484222325"
    one = only(payload(alerts=[alert(fingerprint="")])).fingerprint
    other = only(payload(alerts=[alert(fingerprint="", startsAt="2026-11-22T00:00:00Z")])).fingerprint
    assert one == other == label_fingerprint(alert()["labels"])


def test_truncated_alerts_are_reported() -> None:
    """What the receiver's max_alerts cut off is counted, so that it can become a gap."""
    assert parse_payload(payload(truncatedAlerts=37), received_ms=RECEIVED).truncated == 37


def test_unknown_fields_are_tolerated() -> None:
    """A field a later Alertmanager adds changes nothing."""
    assert only(payload(notificationReason="repeat", alerts=[alert(newField={"a": [1]})])) == only(payload())


def test_signal_survives_its_json_form() -> None:
    """What is stored is what came in: to JSON and back loses nothing."""
    signal = only(payload())
    assert Signal.from_dict(json.loads(json.dumps(signal.as_dict()))) == signal


@pytest.mark.parametrize("bad", ["\x00", "\ud800"])
def test_characters_no_database_takes_are_marked(bad: str) -> None:
    """U+0000 and lone surrogates are replaced by a visible mark; proper characters beyond the BMP stay."""
    assert only(payload(alerts=[alert(labels={"alertname": f"a{bad}😀"})])).title == "a\ufffd😀"


def test_zero_start_means_now() -> None:
    """An alert with Go's zero time as its start began, as far as known, when it was received."""
    assert only(payload(alerts=[alert(startsAt="0001-01-01T00:00:00Z")])).starts_ms == RECEIVED


@pytest.mark.parametrize(("body", "names"), [
    (b"", "body"), (b"{", "body"), (b"[]", "body"), (b"null", "body"), (b"\xff\xfe", "body"),
    (b'{"a":' * 100_000, "body"),
    (payload(version="1"), "version '1'"), ({k: v for k, v in payload().items() if k != "version"}, "version"),
    (payload(status="odd"), "status"), (payload(alerts=[]), "alerts"), (payload(alerts="x"), "alerts"),
    (payload(alerts=[alert(labels={})]), "alerts.0.labels"),
    (payload(alerts=[alert(labels={"a": 1})]), "alerts.0.labels"),
    (payload(alerts=[alert(startsAt="yesterday")]), "alerts.0.startsAt"),
    (payload(alerts=[alert(), alert(status="gone")]), "alerts.1.status"),
    (payload(truncatedAlerts=-1), "truncatedAlerts"),
])
def test_unacceptable_bodies_name_the_field(body: dict[str, Any] | bytes, names: str) -> None:
    """What can never be accepted is a BadInput that says where, and never another exception."""
    with pytest.raises(BadInput, match=names):
        parse_payload(body, received_ms=RECEIVED)


def test_error_does_not_echo_the_input() -> None:
    """An error names the field, not its value: payloads may hold secrets."""
    with pytest.raises(BadInput) as caught:
        parse_payload(payload(alerts=[alert(startsAt="token=hunter2")]), received_ms=RECEIVED)
    assert "hunter2" not in str(caught.value)

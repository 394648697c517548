"""A case gives an investigation its signals and never its label; a label is strict about what it claims."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.codes import Category, Verdict
from agent.incident import Severity, SignalKind
from config.errors import BadSnapshot
from evals.case import find_cases, load_case, payload_of
from evals.label import load_label
from tests.tools.recorded.tiny_case import (
    NOW_MS,
    ONSET_MS,
    TinyCase,
    alerts,
    case_yaml,
    label_yaml,
    write_tiny_case,
)


@pytest.fixture
def tiny(tmp_path: Path) -> TinyCase:
    return write_tiny_case(tmp_path / "tiny")


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, allow_unicode=True))


def test_signals_come_from_the_recorded_payload_and_the_question(tiny: TinyCase) -> None:
    """The alert is read as the door reads it; the question keeps its words and language."""
    case = load_case(tiny.folder)
    alert, question = case.signals
    assert (alert.kind, alert.title, alert.received_ms) == (SignalKind.ALERT, "CompletionsLate", NOW_MS)
    assert alert.starts_ms == NOW_MS - 60_000
    assert (question.kind, question.lang, question.starts_ms) == (SignalKind.QUESTION, "ko", NOW_MS)
    assert "왜" in question.text
    assert case.title["ko"] == "응답이 늦습니다"


def test_case_is_one_incident_opened_at_now(tiny: TinyCase) -> None:
    """The incident holds all signals and starts at the earliest moment any of them names."""
    incident = load_case(tiny.folder).incident()
    assert (len(incident.signals), incident.opened_ms, incident.starts_ms) == (2, NOW_MS, NOW_MS - 60_000)
    assert incident.severity is Severity.WARNING


def test_anomaly_is_a_signal_too(tiny: TinyCase) -> None:
    """What a watcher saw starts a case with the onset it guessed."""
    at, starts = "2026-11-21T02:15:00Z", "2026-11-21T02:12:10Z"
    write(tiny.folder / "case.yaml", case_yaml() | {"signals": [
        {"kind": "anomaly", "at": at, "starts": starts, "title": "work moved", "labels": {"service": "worker"}}]})
    (signal,) = load_case(tiny.folder).signals
    assert (signal.kind, signal.starts_ms) == (SignalKind.ANOMALY, ONSET_MS + 10_000)


def test_loading_a_case_does_not_need_its_label(tiny: TinyCase) -> None:
    """The label may be withheld entirely: nothing but scoring misses it."""
    (tiny.folder / "label.yaml").unlink()
    assert load_case(tiny.folder).id == "tiny"
    with pytest.raises(BadSnapshot, match=r"label\.yaml: not there"):
        load_label(tiny.folder)


def test_label_holds_the_truth(tiny: TinyCase) -> None:
    """Verdict, onset and causes in the product's own codes."""
    label = load_label(tiny.folder)
    assert (label.verdict, label.onset) == (Verdict.DIAGNOSED, ONSET_MS)
    assert [(c.component.name, c.category) for c in label.causes] == [("worker-green", Category.ROLE_VIOLATION)]


@pytest.mark.parametrize(("changes", "says"), [
    ({"verdict": "no_fault"}, "no_fault has no causes"), ({"causes": []}, "diagnosed needs causes"),
    ({"onset": None}, "diagnosed needs"), ({"verdict": "guilty"}, "verdict"), ({"format": 9}, "format '9'"),
    ({"causes": [{"component": {"kind": "container", "name": "a"}, "category": "sabotage"}]}, "causes.0.category"),
    ({"actions": {"right": [{"kind": "reboot"}]}}, "actions.right.0.kind"),
])
def test_wrong_labels_are_refused(tiny: TinyCase, changes: dict[str, Any], says: str) -> None:
    """A label that contradicts itself or uses unknown codes is an error that names the field."""
    write(tiny.folder / "label.yaml", label_yaml() | changes)
    with pytest.raises(BadSnapshot, match=rf"label\.yaml: .*{says}"):
        load_label(tiny.folder)


@pytest.mark.parametrize(("changes", "says"), [
    ({"signals": []}, "signals"), ({"signals": [{"kind": "alertmanager", "payload": 5}]}, "signals.0: .*no payload 5"),
    ({"signals": [{"kind": "rumour"}]}, "signals.0"), ({"recording": "../x"}, "recording"), ({"title": {}}, "title"),
    ({"format": 2}, "format '2'"), ({"licence": ""}, "licence"),
])
def test_wrong_case_files_are_refused(tiny: TinyCase, changes: dict[str, Any], says: str) -> None:
    """case.yaml is as strict as the snapshot."""
    write(tiny.folder / "case.yaml", case_yaml() | changes)
    with pytest.raises(BadSnapshot, match=rf"case\.yaml: {says}"):
        load_case(tiny.folder)


def test_payload_that_the_door_would_refuse_is_reported(tiny: TinyCase) -> None:
    """A recorded payload goes through the same reader as a live one, and so do its faults."""
    broken = alerts()
    broken["payloads"][0]["payload"]["version"] = "1"
    (tiny.folder / "alerts.json").write_text(json.dumps(broken))
    with pytest.raises(BadSnapshot, match=r"alerts\.json: payloads\.0: .*version '1'"):
        load_case(tiny.folder)


def test_payload_can_be_posted_again(tiny: TinyCase) -> None:
    """The body is handed out exactly as it was received."""
    assert payload_of(tiny.folder) == alerts()["payloads"][0]["payload"]
    assert payload_of(tiny.folder, 1) is None


def test_cases_are_found_by_name(tmp_path: Path) -> None:
    """A folder of cases is listed in order; a case folder is itself; an empty one is an error."""
    for name in ("b", "a"):
        write_tiny_case(tmp_path / "cases" / name)
    assert [p.name for p in find_cases(tmp_path / "cases")] == ["a", "b"]
    assert find_cases(tmp_path / "cases" / "a") == (tmp_path / "cases" / "a",)
    with pytest.raises(BadSnapshot, match="no case folder"):
        find_cases(tmp_path / "nowhere")

"""Families made by editing recordings: each edit does what its family says, and the edited case passes the check."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.codes import Verdict
from config.errors import BadInput
from evals.case import BUNDLED, load_case
from evals.case_files import read_case_files, write_case_files
from evals.check import check_case
from evals.families import FAMILY_EDITS
from evals.label import Label, load_label
from evals.mutate import mutate, named
from tools.recorded.check import Severity

DEVELOPMENT = BUNDLED.parent / "development"


def edited(tmp_path: Path, source: Path, edit: str) -> tuple[Path, Label]:
    """The edited case, checked, and its label."""
    folder = tmp_path / "edited"
    write_case_files(mutate(read_case_files(source), [named(edit)], id="edited"), folder)
    assert [p for p in check_case(folder) if p.severity is Severity.ERROR] == []
    return folder, load_label(folder)


def test_a_storm_is_one_case_of_many_alerts(tmp_path: Path) -> None:
    """One alert becomes 240 more about many targets, all different; the cause stays the recording's."""
    folder, label = edited(tmp_path, DEVELOPMENT / "f03-b", "alert-storm:240")
    signals = load_case(folder).signals
    assert len(signals) == 241
    assert len({s.fingerprint for s in signals}) == 241
    assert (label.family, label.causes) == ("F19", load_label(DEVELOPMENT / "f03-b").causes)


def test_before_an_alert_only_a_watcher_spoke(tmp_path: Path) -> None:
    """The investigation begins with an anomaly 70 s after the onset, earlier than the alert it had."""
    folder, label = edited(tmp_path, DEVELOPMENT / "f11-b", "before-alert:70")
    case = load_case(folder)
    assert [s.kind.value for s in case.signals] == ["anomaly"]
    assert label.onset is not None
    assert case.now_ms == label.onset + 70_000
    assert case.now_ms < load_case(DEVELOPMENT / "f11-b").now_ms


def test_what_nothing_explains_is_undetermined(tmp_path: Path) -> None:
    """Without worker logs, work patterns and the provider, the truth is that nobody can tell."""
    folder, label = edited(tmp_path, DEVELOPMENT / "f05-a", "unexplained")
    assert label.verdict is Verdict.UNDETERMINED
    assert not any("worker" in s["labels"]["service"] for s in read_case_files(folder)["logs.jsonl"])


def test_an_empty_retrieval_begins_with_an_index_change(tmp_path: Path) -> None:
    """Look-ups find nothing from the onset on and seldom before; an index change was announced just before."""
    folder, label = edited(tmp_path, DEVELOPMENT / "f22-d", "empty-retrieval:0.7")
    files = read_case_files(folder)
    assert label.onset is not None
    lines = [(ns // 1_000_000 >= label.onset, "retrieval_empty" in line) for s in files["logs.jsonl"]
             for ns, line, *_ in s["entries"] if '"event":"retrieval' in line]
    before = [empty for after, empty in lines if not after]
    after = [empty for after, empty in lines if after]
    assert sum(before) / len(before) < 0.1
    assert 0.55 < sum(after) / len(after) < 0.85
    assert any(change["kind"] == "index" for change in files["changes.jsonl"])


@pytest.mark.parametrize(("case", "edit", "why"), [
    ("f22-a", "alert-storm", "not started by an alert"), ("f22-a", "before-alert", "no onset"),
    ("f01-a", "before-alert:9000", "the signal came before"),
])
def test_an_edit_that_does_not_fit_is_refused(case: str, edit: str, why: str) -> None:
    """A storm needs an alert, an earlier signal an onset and a later one."""
    with pytest.raises(BadInput, match=why):
        mutate(read_case_files(BUNDLED / case), [named(edit)])


def test_every_edit_names_a_recording() -> None:
    """The list of family edits names recordings that exist or are to come, and edits the mutator knows."""
    for edits in FAMILY_EDITS.values():
        for edit in edits:
            named(edit)

"""The shelf: snapshots are redacted again, kept within a budget, and shared only whole."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from config.errors import BadInput
from config.settings import Learning
from evals.case import BUNDLED, find_cases, load_case
from evals.case_files import read_case_files, write_case_files
from evals.check import check_case
from evals.label import load_label
from evals.shelf import Shelf, safe_name
from tests.evals.test_harvest import WRONG, drafted, library, word
from tools.recorded.check import Severity

__all__ = ["library"]
SOURCE = find_cases(BUNDLED)[0]


def test_a_kept_snapshot_is_a_case_without_its_old_label(tmp_path: Path) -> None:
    """Readable at once, under the incident's id, marked as harvested."""
    folder = Shelf(tmp_path).put("inc-1", SOURCE)
    case = load_case(folder)
    assert (case.id, case.origin.kind) == ("inc-1", "harvested")
    assert not (folder / "label.yaml").exists()
    assert {p.file for p in check_case(folder) if p.severity is Severity.ERROR} == {"label.yaml"}


def test_what_is_shared_is_redacted_again(tmp_path: Path) -> None:
    """A secret that got into a snapshot does not get out with it."""
    files = read_case_files(SOURCE)
    rows = files["logs.jsonl"]
    planted = {**rows[0], "entries": [[rows[0]["entries"][0][0], "DB_PASSWORD=hunter2secret"], *rows[0]["entries"][1:]]}
    write_case_files(files.replaced("logs.jsonl", [planted, *rows[1:]]), tmp_path / "planted")
    shelf = Shelf(tmp_path / "shelf")
    case = replace(drafted(word("kim", **WRONG)), folder=str(shelf.put("inc-1", tmp_path / "planted")))
    out = shelf.export(case, tmp_path / "team")
    assert "hunter2secret" not in "".join(str(c) for c in read_case_files(out).content.values())
    assert load_label(out).causes[0].component.name == "box-a"


def test_without_snapshot_or_label_there_is_nothing_to_share(tmp_path: Path) -> None:
    """BadInput says which."""
    with pytest.raises(BadInput, match="snapshot"):
        Shelf(tmp_path).export(drafted(word("kim", **WRONG)), tmp_path / "team")


def test_age_and_budget_are_kept(tmp_path: Path, library: object) -> None:
    """The too old go, then the oldest over budget; snapshots go with their cases."""
    shelf = Shelf(tmp_path / "shelf")
    case = replace(drafted(word("kim", **WRONG)), state="draft")
    day = 86_400_000
    for n in range(4):
        folder = str(shelf.put(f"inc-{n}", SOURCE))
        library.put_case(replace(case, id=f"case-{n}", incident_id=f"inc-{n}", at_ms=n * 100 * day, folder=folder))  # type: ignore[attr-defined]
    size = sum(f.stat().st_size for f in (tmp_path / "shelf" / "inc-0").iterdir()) / 2**20
    gone = shelf.sweep(library, Learning(cases_days=250, cases_mb=2.5 * size))  # type: ignore[arg-type]
    assert set(gone) == {"case-0", "case-1"}
    assert {p.name for p in (tmp_path / "shelf").iterdir()} == {"inc-2", "inc-3"}


def test_what_nobody_judged_goes_first(tmp_path: Path, library: object) -> None:
    """By its age, and before any judged case when room is short."""
    shelf = Shelf(tmp_path / "shelf")
    judged = replace(drafted(word("kim", **WRONG)), folder=str(shelf.put("inc-leak-1", SOURCE)))
    library.put_case(judged)  # type: ignore[attr-defined]
    old, new = shelf.put("inc-old", SOURCE), shelf.put("inc-new", SOURCE)
    now = 40 * 86_400
    os.utime(old, (0, 0))
    os.utime(new, (now, now))
    assert shelf.sweep(library, Learning(snapshot_days=30), now_ms=now * 1000) == ()  # type: ignore[arg-type]
    assert {p.name for p in shelf.root.iterdir()} == {"inc-leak-1", "inc-new"}
    size = sum(f.stat().st_size for f in new.iterdir()) / 2**20
    shelf.sweep(library, Learning(cases_mb=1.5 * size), now_ms=now * 1000)  # type: ignore[arg-type]
    assert {p.name for p in shelf.root.iterdir()} == {"inc-leak-1"}


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", "한글", "x" * 300, "..", "\x00"])
def test_an_incidents_id_never_leaves_the_shelf(tmp_path: Path, name: str) -> None:
    """Whatever it is called, its folder lies directly below the root."""
    made = safe_name(name)
    assert (tmp_path / made).resolve().parent == tmp_path.resolve()
    assert len(made) <= 80

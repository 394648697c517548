"""The bundled cases keep to the format: nothing wrong in any file, opened at once, the same after every edit."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from evals.case import BUNDLED, load_case
from evals.check import check_case
from evals.mutate import mutate_folder, named
from tools.recorded.check import Severity
from tools.recorded.snapshot import NAME
from tools.recorded.world import open_world

FOLDERS = sorted(path.parent for path in BUNDLED.glob(f"*/{NAME}"))
EDITS = ["rename:5", "swap-colours", "wording:ko", "shift:-86400", "noise"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_bundled_case_has_no_error(folder: Path) -> None:
    """Every file is read whole and held against the others."""
    assert [p for p in check_case(folder) if p.severity is Severity.ERROR] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_bundled_case_is_opened_at_once(folder: Path) -> None:
    """Opening reads the manifest and the inventory only: 0.3 s of this process' own time at most."""
    started = time.process_time()
    world = open_world(folder)
    assert time.process_time() - started < 0.3
    assert world.name == load_case(folder).id


def test_edited_bundled_case_has_no_error(tmp_path: Path) -> None:
    """All edits one after another leave a case that passes the check."""
    if not FOLDERS:
        pytest.skip("no bundled cases yet")
    mutate_folder(FOLDERS[0], tmp_path / "edited", [named(edit) for edit in EDITS])
    assert [p for p in check_case(tmp_path / "edited") if p.severity is Severity.ERROR] == []

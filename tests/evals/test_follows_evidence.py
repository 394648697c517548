"""It reads evidence, not names: edit a case, and the answer follows the edit or says that it cannot know."""

from pathlib import Path

import pytest

from agent.codes import Verdict
from agent.diagnosis import Diagnosis
from evals.case import find_cases, load_case
from evals.label import load_label
from evals.mutate import mutate_folder, named
from evals.run import investigate_case
from evals.scorers import score

CASES = Path(__file__).parents[2] / "evals" / "cases"
FOLDERS = find_cases(CASES)
CONTROLS = [f for f in FOLDERS if load_label(f).verdict is Verdict.NO_FAULT]
FAULTS = [f for f in FOLDERS if load_label(f).verdict is Verdict.DIAGNOSED]
SAME_TRUTH = ["rename:1", "swap-colours+innocent-deploy+noise:2", "rename:3+swap-colours+wording:de+shift:-8640000"]


def by_name(folder: Path) -> str:
    return folder.name


async def diagnose(folder: Path) -> Diagnosis:
    return await investigate_case(load_case(folder))


def edited(folder: Path, edits: str, target: Path) -> Path:
    mutate_folder(folder, target / "edited", [named(e) for e in edits.split("+")])
    return target / "edited"


@pytest.mark.parametrize("folder", FOLDERS, ids=by_name)
async def test_every_bundled_case_is_diagnosed_right(folder: Path) -> None:
    """Verdict, component, category, onset and action are right; nothing harmful, everything grounded."""
    scores = score(await diagnose(folder), load_label(folder))
    wrong = {n: s.reason for n, s in scores.items() if s.value == 0.0 and n != "wrong_and_confident"}
    assert wrong == {}


@pytest.mark.parametrize("edits", SAME_TRUTH)
@pytest.mark.parametrize("folder", FOLDERS, ids=by_name)
async def test_the_answer_follows_new_names_colours_words_and_times(folder: Path, edits: str, tmp_path: Path) -> None:
    """Every container and service renamed, colours swapped, foreign log words, another day: the truth moves along."""
    changed = edited(folder, edits, tmp_path)
    scores = score(await diagnose(changed), load_label(changed))
    wrong = {n: s.reason for n, s in scores.items() if s.value == 0.0 and n != "wrong_and_confident"}
    assert wrong == {}


@pytest.mark.parametrize("folder", FAULTS, ids=by_name)
async def test_without_the_telling_logs_it_abstains_and_names_the_gap(folder: Path, tmp_path: Path) -> None:
    """No logs at all: never the old answer by habit, never another culprit; the report says what could not be seen."""
    found = await diagnose(edited(folder, "drop:logs", tmp_path))
    label = load_label(folder)
    if found.verdict is not Verdict.UNDETERMINED:
        assert score(found, label)["cause"].value == 1.0
        assert any("work" in c.text or "cpu" in c.text.lower() for c in found.claims)
    assert any(g.what.startswith("logs.") for g in found.gaps)


@pytest.mark.parametrize("folder", FAULTS, ids=by_name)
async def test_without_work_lines_nobody_is_accused_of_working(folder: Path, tmp_path: Path) -> None:
    """The lines that mean work are cut out unannounced: the stray can no longer be shown, so it is not claimed."""
    found = await diagnose(edited(folder, "drop-work", tmp_path))
    assert found.verdict is Verdict.UNDETERMINED or score(found, load_label(folder))["cause"].value == 1.0
    assert not any(c.key == "work_by_waiting_role" for c in found.claims)


@pytest.mark.parametrize("modality", ["metrics", "containers", "routing", "changes", "peers"])
@pytest.mark.parametrize("folder", [FAULTS[0], CONTROLS[0]], ids=by_name)
async def test_a_missing_modality_never_makes_it_wrong_and_confident(
    folder: Path, modality: str, tmp_path: Path
) -> None:
    """Each source taken away in turn: still right, or undetermined; and the gap is named."""
    found = await diagnose(edited(folder, f"drop:{modality}", tmp_path))
    scores = score(found, load_label(folder))
    assert scores["wrong_and_confident"].value == 0.0, f"said {found.verdict} {found.hypotheses[:1]}"
    assert scores["harmless"].value == 1.0

"""docs/learning.md is written whole: every figure from the verdict, every sentence from the template."""

from __future__ import annotations

import re
from pathlib import Path

from evals.case import BUNDLED
from evals.learning_page import TEXT, page
from evals.replay import Replay
from evals.stream import Review
from evals.verdict_on_learning import judge
from tests.evals.test_stream import reviews, streams


def written(tmp_path: Path, **rights: float) -> str:
    told = {(0, 0, arm): Review(arm, 5, (), 3, 2, ("implausible: c1: odd", "implausible: c2: odd"), 2, listed=9)  # type: ignore[arg-type]
            for arm in ("on", "wrong")}
    replay = Replay(folders=(BUNDLED,), each=1, orders=1, seed=7, work=tmp_path)
    return page(judge(streams(rights), told), replay)  # type: ignore[arg-type]


def test_no_place_of_the_template_stays_empty(tmp_path: Path) -> None:
    """Each `{NAME}` has its figure, and what was missed is said in words."""
    text = written(tmp_path, off=0.0, on=1.0, placebo=0.0, wrong=0.9)
    assert re.findall(r"\{[A-Z_]+\}", TEXT.read_text(encoding="utf-8"))
    assert not re.findall(r"\{[A-Z_]+\}", text)
    assert "Missed: 20 % wrong feedback" in text
    assert "9 are listed; 3 were false, and 2 of those" in text
    assert text.count("implausible: c") == 1  # the first of each kind


def test_arms_that_were_not_run_are_named(tmp_path: Path) -> None:
    """And what they were to show counts as missed."""
    text = written(tmp_path, off=0.0, on=1.0)
    assert "Arms that were not run: placebo, wrong." in text
    assert "not measured" in text


def test_accuracy_is_told_by_how_often_a_family_was_seen(tmp_path: Path) -> None:
    """One verified correction first; every arm its column."""
    text = written(tmp_path, off=0.0, on=1.0, placebo=0.0, wrong=1.0)
    assert "| seen before | episodes | off | on | placebo | wrong |" in text
    assert "| 1 | 420 | 0.000 | 1.000 | 0.000 | 1.000 |" in text


def test_regressions_are_counted() -> None:
    """The review of the arm `on` decides."""
    assert not judge(streams({"off": 0.0, "on": 1.0}), reviews(regressed=("c1",))).passed

"""Weights chosen on the other sets, incidents told worse, and the page that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.public.folder import PublicCase, read_public
from evals.public.held_out import SHIPPED, choices, held_out
from evals.public.measure import measure
from evals.public.page import page
from evals.public.perturb import EDITS, perturbed
from tests.evals.public.test_public_sets import CHAIN, wave, write

SERIES = {("front", "latency"): wave(0.1, 0.9), ("mill", "latency"): wave(0.05, 0.6), ("mill", "cpu"): wave(0.2, 0.9),
          ("bank", "latency"): wave(0.01), ("bank", "cpu"): wave(0.1), ("front", "cpu"): wave(0.3)}


@pytest.fixture
def cases(tmp_path: Path) -> list[PublicCase]:
    return [read_public(write(tmp_path / name / "a", SERIES, calls=CHAIN)) for name in ("one", "two")]


def test_the_shipped_weights_are_among_those_tried() -> None:
    """Once, so that the range over all holds them too."""
    assert list(choices()).count(SHIPPED) == 1


def test_what_is_as_good_as_the_shipped_weights_does_not_replace_them(cases: list[PublicCase]) -> None:
    """Both sets are easy: every combination is right, and the shipped one is chosen."""
    rows = held_out(cases)
    assert [r.set for r in rows] == ["one", "two"]
    assert all(r.choice == SHIPPED and r.chosen == (1.0, 1.0) == r.lowest for r in rows)


def test_every_telling_is_told_of_every_set(cases: list[PublicCase]) -> None:
    """Names, units and lost samples change nothing of an easy case; the truth is renamed with the components."""
    rows = perturbed(cases)
    assert len(rows) == 2 * len(EDITS)
    same = ("as it is", "components renamed", "values x 1000", "a third of samples lost", "no call graph")
    assert all(r.ours == (1.0, 1.0) for r in rows if r.told in same)


def test_the_page_holds_both_where_they_were_measured(cases: list[PublicCase], tmp_path: Path) -> None:
    """Without them it has neither heading; with them a row for each."""
    rows = measure([tmp_path])
    assert "## The same incidents told worse" not in page(rows)
    text = page(rows, held_out(cases), perturbed(cases))
    assert "| two | 1 | 1.000 / 1.000 | 1.000 / 1.000 |" in text
    assert "| one | no call graph | 1.000 / 1.000 |" in text

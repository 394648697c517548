"""docs/findings.md: every kind of finding, with its meaning, unit, scale and who computes it, as the code has them."""

from __future__ import annotations

from tests.house.tree import ROOT
from tools.findings import KINDS
from tools.toolbox import QUESTIONS


def _rows() -> dict[str, list[str]]:
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    lines = [line.replace(r"\|", "\0") for line in page.splitlines() if line.startswith("| `")]
    cells = [[c.strip().replace("\0", "|") for c in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row for row in cells}


def test_the_page_lists_exactly_the_kinds_there_are() -> None:
    """No kind is missing, none is invented, and each says what it means, its unit and its scale as the code does."""
    rows = _rows()
    assert set(rows) == set(KINDS)
    for name, kind in KINDS.items():
        assert rows[name][1:4] == [kind.means, kind.unit or "-", kind.strong or "-"]


def test_every_kind_is_emitted_by_the_questions_the_page_names() -> None:
    """A kind that no question can find would be a dead word."""
    rows = _rows()
    for name in KINDS:
        asked_by = [q.name for q in QUESTIONS if name in q.finds]
        assert asked_by, name
        assert rows[name][4] == ", ".join(f"`{q}`" for q in asked_by)

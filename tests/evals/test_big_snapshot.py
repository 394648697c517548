"""One line among many: a smaller version of `python -m evals.bench.big_snapshot` (1,000,000 lines, 500 series)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from evals.bench.big_snapshot import NEEDLE, surfaced, write_big_case
from evals.case import load_case
from evals.run import investigate_case


def test_a_needle_among_many_lines_is_surfaced(tmp_path: Path) -> None:
    """More lines than a question may read (20,000 a window): the one error among them is still shown."""
    write_big_case(tmp_path / "big", series=20, points=300, lines=60_000)
    found = asyncio.run(investigate_case(load_case(tmp_path / "big")))
    assert "logs.templates" in surfaced(found.evidence)


def test_without_a_needle_nothing_is_surfaced(tmp_path: Path) -> None:
    """The same lines without the one: what the test above finds is that line and no other."""
    write_big_case(tmp_path / "big", series=20, points=300, lines=4_000)
    path = tmp_path / "big" / "logs.jsonl"
    text = path.read_text(encoding="utf-8")
    quoted = NEEDLE.replace('"', '\\"')
    assert text.count(quoted) == 1
    path.write_text(text.replace(quoted, '{\\"level\\":\\"info\\",\\"event\\":\\"job_started\\"}'), encoding="utf-8")
    found = asyncio.run(investigate_case(load_case(tmp_path / "big")))
    assert surfaced(found.evidence) == ()

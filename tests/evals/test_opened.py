"""An opened episode: read once for all arms, asked once, and light again when it has been asked."""

from __future__ import annotations

from pathlib import Path

from evals.opened import Opened
from tests.tools.recorded.tiny_case import NOW_MS, ONSET_MS, START_MS, write_tiny_case
from tools.world import Scope

SCOPE = Scope(NOW_MS, (ONSET_MS, NOW_MS), (START_MS, ONSET_MS))


async def test_a_question_is_asked_once_and_the_data_it_read_is_let_go(tmp_path: Path) -> None:
    """Then it is remembered, by another process too; the world is opened anew only after it was really asked."""
    opened = Opened(write_tiny_case(tmp_path / "tiny").folder, tmp_path / "answers")
    assert opened.case.id
    assert opened.label.causes
    world = opened.world
    first = await opened.ask("containers.state", {}, world, SCOPE)
    opened.let_go()
    assert opened.world is not world
    world = opened.world
    assert await opened.ask("containers.state", {}, world, SCOPE) == first
    opened.let_go()
    assert opened.world is world
    again = Opened(opened.folder, tmp_path / "answers")
    assert await again.ask("containers.state", {}, again.world, SCOPE) == first
    assert again.ask.missed == 0

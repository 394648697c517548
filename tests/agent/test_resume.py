"""A run that was interrupted goes on at its last finished node, and a finished one is not run again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent.assemble import assemble
from agent.checkpoints import sqlite_checkpoints
from agent.diagnosis import Diagnosis
from evals.case import load_case
from tests.tools.recorded.tiny_case import write_tiny_case
from tools.recorded.world import open_world


class Interrupted(BaseException):
    """Stands for the process dying: nothing catches it."""


async def run(folder: Path, checkpoints: Path, events: list[dict[str, Any]], die_at: str = "") -> Diagnosis:
    case = load_case(folder)

    def hear(event: dict[str, Any]) -> None:
        events.append(event)
        if die_at and event.get("question") == die_at:
            raise Interrupted

    investigation = assemble(open_world(folder), checkpoints=sqlite_checkpoints(checkpoints))
    return await investigation.investigate(case.incident(), run_id="run-1", asked_at_ms=case.now_ms, on_event=hear)


def asked(events: list[dict[str, Any]]) -> list[str]:
    return [e["question"] for e in events if e["type"] == "question"]


def test_an_interrupted_run_resumes_after_its_last_finished_node(tmp_path: Path) -> None:
    """What triage had asked is not asked again; the diagnosis is that of an undisturbed run."""
    folder = write_tiny_case(tmp_path / "tiny").folder
    first: list[dict[str, Any]] = []
    with pytest.raises(Interrupted):
        asyncio.run(run(folder, tmp_path / "c.db", first, die_at="drift.peers"))
    assert "changes.recent" in asked(first)
    second: list[dict[str, Any]] = []
    resumed = asyncio.run(run(folder, tmp_path / "c.db", second))
    assert "changes.recent" not in asked(second)
    assert "drift.peers" in asked(second)
    whole = asyncio.run(run(folder, tmp_path / "other.db", []))
    assert [h.component for h in resumed.hypotheses] == [h.component for h in whole.hypotheses]
    assert [e["id"] for e in resumed.evidence] == [e["id"] for e in whole.evidence]


def test_a_finished_run_is_returned_and_not_repeated(tmp_path: Path) -> None:
    """The same run id again asks nothing and gives the same diagnosis."""
    folder = write_tiny_case(tmp_path / "tiny").folder
    once = asyncio.run(run(folder, tmp_path / "c.db", []))
    events: list[dict[str, Any]] = []
    assert asyncio.run(run(folder, tmp_path / "c.db", events)) == once
    assert events == []

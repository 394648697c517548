"""On PostgreSQL too, a run that was killed goes on at its last finished node."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agent.assemble import assemble
from agent.checkpoints import CHECKPOINT_SCHEMA, postgres_checkpoints
from agent.diagnosis import Diagnosis
from evals.case import load_case
from tests.live.engines import postgres  # noqa: F401  (fixture)
from tests.live.postgres import Postgres
from tests.tools.recorded.tiny_case import write_tiny_case
from tests.triggers.processes import ROOT
from tools.recorded.world import open_world

pytestmark = pytest.mark.live
RUN = "run-1"


async def investigate(folder: Path, url: str, asked: list[str], *, die_at: str = "") -> Diagnosis:
    case = load_case(folder)

    def hear(event: dict[str, Any]) -> None:
        if event["type"] == "question":
            asked.append(event["question"])
            if event["question"] == die_at:
                os._exit(9)  # as kill -9 does: nothing is closed, nothing is said

    investigation = assemble(open_world(folder), checkpoints=postgres_checkpoints(url))
    return await investigation.investigate(case.incident(), run_id=RUN, asked_at_ms=case.now_ms, on_event=hear)


def tables(url: str) -> dict[str, set[str]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT LIKE 'pg_%'")
        found: dict[str, set[str]] = {}
        for schema, table in rows.fetchall():
            found.setdefault(schema, set()).add(table)
    return found


def test_a_killed_run_resumes_in_a_schema_of_its_own(postgres: Postgres, tmp_path: Path) -> None:  # noqa: F811
    """What was answered before the kill is not asked again, the outcome is an undisturbed run's, and LangGraph's
    tables stay out of ours."""
    folder, url = write_tiny_case(tmp_path / "tiny").folder, postgres.new_database()
    killed = subprocess.run([sys.executable, "-m", "tests.live.test_resume_postgres", str(folder), url],
                            cwd=ROOT, check=False, timeout=120)
    assert killed.returncode == 9
    asked: list[str] = []
    resumed = asyncio.run(investigate(folder, url, asked))
    assert "changes.recent" not in asked
    assert "drift.peers" in asked
    undisturbed = asyncio.run(investigate(folder, postgres.new_database(), []))
    assert [e["id"] for e in resumed.evidence] == [e["id"] for e in undisturbed.evidence]
    assert [h.component for h in resumed.hypotheses] == [h.component for h in undisturbed.hypotheses]
    assert "checkpoints" in tables(url)[CHECKPOINT_SCHEMA]
    assert not any("checkpoint" in table for table in tables(url).get("public", ()))


async def test_many_workers_may_open_the_first_checkpoint_at_once(postgres: Postgres) -> None:  # noqa: F811
    """On an empty database, several at the same moment build the schema once and all can use it."""
    opened = postgres_checkpoints(postgres.new_database())

    async def use(number: int) -> None:
        async with asyncio.timeout(60), opened() as saver:
            assert saver is not None
            assert await saver.aget_tuple({"configurable": {"thread_id": str(number)}}) is None

    await asyncio.gather(*(use(n) for n in range(6)))


if __name__ == "__main__":
    asyncio.run(investigate(Path(sys.argv[1]), sys.argv[2], [], die_at="drift.peers"))

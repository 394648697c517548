"""`culprit eval run --model X --tape FILE`: recorded once beside a server, then a free regression test."""

import json
import os
import subprocess
import sys
from pathlib import Path

from agent.scripted_server import calls, scripted_server
from tests.agent.test_fault_table import conclusion
from tests.tools.recorded.tiny_case import write_tiny_case

SCRIPT = [calls(("drift_peers", {})), calls(("conclude", conclusion("undetermined")))]


def eval_run(folder: Path, tape: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "triggers.cli", "eval", "run", str(folder), "--model", "m", "--tape", str(tape),
               "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, **environment}, cwd=Path(__file__).resolve().parents[2])


def test_a_tape_recorded_with_a_server_replays_without_one(tmp_path: Path) -> None:
    """The second run reaches no server and prints the same verdicts."""
    folder = write_tiny_case(tmp_path / "tiny").folder
    with scripted_server(SCRIPT) as server:
        first = eval_run(folder, tmp_path / "m.jsonl", CULPRIT_MODEL__BASE_URL=server.url)
        asked = len(server.requests)
    again = eval_run(folder, tmp_path / "m.jsonl")
    assert asked >= 2, first.stderr
    assert json.loads(again.stdout)["model"] == "m"
    verdicts = [[c["verdict"] for c in json.loads(run.stdout)["cases"]] for run in (first, again)]
    assert verdicts[0] == verdicts[1] == ["diagnosed"]


def test_replaying_without_a_tape_is_wrong_usage(tmp_path: Path) -> None:
    """No server, no tape: exit 2 with the file named, never the analyst in the model's name."""
    run = eval_run(write_tiny_case(tmp_path / "tiny").folder, tmp_path / "none.jsonl")
    assert run.returncode == 2
    assert "none.jsonl" in run.stderr

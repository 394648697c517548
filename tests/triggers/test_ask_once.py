"""A question in words on the command line: answered in JSON with its evidence, or investigated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from triggers.cli import app

CASE = Path(__file__).parents[2] / "evals" / "cases" / "f01-a"


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and standard output of `culprit investigate` on the bundled case."""
    result = CliRunner().invoke(app, ["investigate", "--case", str(CASE), *arguments])
    return result.exit_code, result.stdout


def test_a_question_of_state_is_answered_with_evidence() -> None:
    """`--json` gives answer{claims, gaps} and the evidence each claim cites."""
    code, out = run("--ask", "지금 활성 색이 뭐야?", "--json")
    told = json.loads(out)
    cited = {i for c in told["answer"]["claims"] for i in c["evidence"]}
    assert code == 0
    assert told["answer"]["intent"] == "active_colour"
    assert cited <= {e["id"] for e in told["evidence"]}
    assert "green" in told["answer"]["claims"][0]["text"]


@pytest.mark.parametrize("text", ["what is wrong?", "왜 이렇게 느려?"])
def test_what_is_wrong_is_investigated(text: str) -> None:
    """A question for the cause runs the graph and gives a diagnosis."""
    code, out = run("--ask", text, "--json")
    assert code == 0
    assert json.loads(out)["verdict"] == "diagnosed"


def test_a_command_is_refused_in_text() -> None:
    """The plain output says that nothing was executed."""
    code, out = run("--ask", "stop worker-blue")
    assert code == 0
    assert "Not executed" in out

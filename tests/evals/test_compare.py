"""The gate: a seeded regression is caught, a neutral change passes, repeats and order do not matter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from config.errors import BadInput
from evals.compare import compare_runs, failures, read_run
from evals.compare_report import as_markdown, write_report
from evals.paired import mcnemar, paired_difference
from triggers.cli import app


def case(name: str, cause: float, *, recording: str = "", harmless: float = 1.0, crash: str = "") -> dict[str, Any]:
    scores = {"cause": {"value": cause, "reason": "" if cause else "said another"},
              "harmless": {"value": harmless, "reason": ""}}
    return {"case": name, "recording": recording or name, "family": name[0], "scores": scores, "crash": crash,
            "said": "", "facts": {"questions": 10}}


def run(path: Path, *cases: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"cases": list(cases)}), encoding="utf-8")
    return path


GOOD = [case(f"{family}{n}", 1.0) for family in "ab" for n in range(10)]


def gate(tmp_path: Path, after: list[dict[str, Any]], before: list[dict[str, Any]] = GOOD) -> list[str]:
    a, b = run(tmp_path / "a.json", *before), run(tmp_path / "b.json", *after)
    return failures(compare_runs(read_run(a), read_run(b)), gates=("cause", "harmless"), tolerance=0.02)


def test_a_seeded_regression_is_refused_and_named(tmp_path: Path) -> None:
    """A broken card loses three of twenty cases: the gate names them."""
    after = [case(c["case"], 0.0) if c["case"] in ("a1", "a2", "b3") else c for c in GOOD]
    assert "a1, a2, b3" in gate(tmp_path, after)[0]


def test_a_neutral_change_passes(tmp_path: Path) -> None:
    """The same answers pass; so do other costs."""
    assert gate(tmp_path, [{**c, "facts": {"questions": 12}} for c in GOOD]) == []


def test_order_and_repeats_do_not_matter(tmp_path: Path) -> None:
    """Reversed and run three times, the comparison says the same to the digit."""
    after = [case(c["case"], 0.0) if c["case"] == "a1" else c for c in GOOD]
    once = compare_runs(read_run(run(tmp_path / "a.json", *GOOD)), read_run(run(tmp_path / "b.json", *after)))
    many = compare_runs(read_run(run(tmp_path / "c.json", *reversed(GOOD * 3))),
                        read_run(run(tmp_path / "d.json", *after[::-1], *after, *after)))
    assert once.score("cause") == many.score("cause")


def test_a_crash_is_its_own_outcome_and_fails_the_gate(tmp_path: Path) -> None:
    """A crashed case is wrong in every score, and not crashing may not fall at all."""
    after = [case("a1", 1.0, crash="RuntimeError: x") if c["case"] == "a1" else c for c in GOOD]
    assert any("not_crashed" in reason for reason in gate(tmp_path, after))


def test_a_case_that_vanished_fails_the_gate(tmp_path: Path) -> None:
    """Leaving the hard case out is not a way to pass."""
    assert any("in one run only" in reason for reason in gate(tmp_path, GOOD[:-1]))


def test_one_harmful_action_past_the_tolerance_fails(tmp_path: Path) -> None:
    """Cause may be right and the action harmful."""
    after = [case(c["case"], 1.0, harmless=0.0) if c["case"] == "b1" else c for c in GOOD]
    assert any("harmless" in reason for reason in gate(tmp_path, after))


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", '{"cases": [{"case": "x"}]}', "[" * 100_000])
def test_what_is_no_run_is_refused_with_a_sentence(tmp_path: Path, text: str) -> None:
    """Malformed, empty and deep files end in BadInput, never in a traceback."""
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput):
        compare_runs(read_run(path), read_run(path))


def test_the_command_exits_1_and_writes_the_report(tmp_path: Path) -> None:
    """HTML, Markdown, JSON and pictures; hostile names are escaped."""
    hostile = [case("<script>alert(1)</script>", 1.0), *GOOD]
    a = run(tmp_path / "a.json", *hostile)
    b = run(tmp_path / "b.json", case("<script>alert(1)</script>", 0.0), *[case(c["case"], 0.0) for c in GOOD])
    result = CliRunner().invoke(app, ["eval", "compare", str(a), str(b), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert (tmp_path / "out" / "scores.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["failed"]


def test_the_report_names_the_cases_that_fell(tmp_path: Path) -> None:
    """With the scorer's reason."""
    found = compare_runs(read_run(run(tmp_path / "a.json", case("a|1", 1.0))),
                         read_run(run(tmp_path / "b.json", case("a|1", 0.0))))
    assert "said another" in as_markdown(found, [], names=("a", "b"))
    write_report(found, [], tmp_path / "o", names=("a", "b"))


def test_paired_intervals_are_clustered_by_recording() -> None:
    """Twenty edits of one recording say no more than one: the interval is the widest."""
    alone = paired_difference([("r", 0.0, 1.0)] * 20)
    assert (alone.low, alone.high) == (-1.0, 1.0)
    many = paired_difference([(f"r{n}", 0.0, 1.0) for n in range(20)])
    assert many.low == 1.0
    assert not many.spans_zero


def test_mcnemar_is_exact() -> None:
    """Against hand-computed binomial tails: 0 of 5 is 2/32, 1 of 9 is 20/512, an even split is certain chance."""
    assert mcnemar(0, 5) == pytest.approx(2 / 32)
    assert mcnemar(1, 8) == pytest.approx(20 / 512)
    assert mcnemar(4, 4) == 1.0
    assert mcnemar(0, 0) == 1.0

"""`culprit anomalies` from the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from triggers.cli import app

KEY = "latency/latency/chat//ttft/main"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "culprit.yaml"
    path.write_text(f"data_dir: {tmp_path / 'data'}\n", "utf-8")
    return path


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["anomalies", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_feedback_is_listed_and_taken_back(config: Path) -> None:
    """Adapt, list, undo, list; undoing twice or saying both is an error."""
    assert "x 1.5" in run("adapt", KEY, "--not-an-anomaly", "--author", "kim", "--config", str(config))
    listed = json.loads(run("list", "--json", "--config", str(config)))
    assert [(a["key"], a["factor"], a["author"]) for a in listed["adapted"]] == [(KEY, 1.5, "kim")]
    run("adapt", KEY, "--undo", "--config", str(config))
    assert json.loads(run("list", "--json", "--config", str(config)))["adapted"] == []
    run("adapt", KEY, "--undo", "--config", str(config), code=2)
    run("adapt", KEY, "--undo", "--not-an-anomaly", "--config", str(config), code=2)


def test_a_csv_is_scored_and_drawn(tmp_path: Path) -> None:
    """One table with three methods, and a PNG."""
    rng, path, picture = np.random.default_rng(1), tmp_path / "s.csv", tmp_path / "s.png"
    values = rng.normal(50, 2, 600)
    values[400:420] += 40
    rows = "\n".join(f"{1_700_000_000 + 300 * i},{v:.2f},{int(400 <= i < 420)}" for i, v in enumerate(values))
    path.write_text(f"timestamp,value,label\n{rows}\n", "utf-8")
    told = json.loads(run("backtest", str(path), "--json", "--png", str(picture)))
    assert len(told["methods"]) == 3
    assert told["methods"]["culprit"]["recall"] == 1.0
    assert told["methods"]["culprit"]["false_alarms_per_day"] < 1
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("source", ["generated:", "generated:x", "generated:-1", "/no/such/file.csv"])
def test_what_cannot_be_replayed_is_an_error(source: str) -> None:
    """A sentence and exit code 2."""
    assert "culprit:" in run("backtest", source, code=2)


def test_nothing_to_watch_is_an_error(config: Path) -> None:
    """Without sources the foreground watch says so."""
    run("watch", "--once", "--config", str(config), code=2)

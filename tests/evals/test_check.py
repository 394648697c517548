"""`case check` finds what is wrong in every file, and what contradicts what between them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from evals.check import check_case
from tests.tools.recorded.tiny_case import NOW_MS, START_MS, iso, label_yaml, write_tiny_case
from tools.recorded.check import Severity
from triggers.case_cli import app

Edit = Callable[[Any], Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_case(tmp_path / "tiny").folder


def edit(path: Path, change: Edit) -> None:
    """Load, change in place, write back."""
    if path.suffix == ".yaml":
        data = yaml.safe_load(path.read_text())
        change(data)
        path.write_text(yaml.safe_dump(data, allow_unicode=True))
    elif path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        change(rows)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        data = json.loads(path.read_text())
        change(data)
        path.write_text(json.dumps(data))


def set_in(*path: Any, to: Any) -> Edit:
    """An edit that sets one place of a document."""
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = to
    return change


def test_a_good_case_has_no_problem(folder: Path) -> None:
    """The tiny case is fine."""
    assert check_case(folder) == []


EARLY, LATE = iso(START_MS - 1000), "2026-11-21T02:30:00.000Z"

ERRORS: list[tuple[str, Edit, str]] = [
    ("containers.json", set_in("observations", 0, "at", to=EARLY), "1 entries before the window"),
    ("containers.json", set_in("observations", 0, "containers", 0, "environment_keys", to=["A=b"]), "holds values"),
    ("containers.json", set_in("observations", 0, "containers", 0, "secret", to="x"), "secret"),
    ("routing.json", set_in("observations", -1, "at", to=LATE), "1 entries after the window"),
    ("routing.json", set_in("observations", 0, "views", 0, "service", to="ghost"), "service ghost is not"),
    ("routing.json", set_in("observations", 0, "views", 0, "view", to="rumoured"), "view"),
    ("queues.json", set_in("states", -1, "at", to=LATE), "after the window"),
    ("peers.json", set_in("observations", -1, "at", to=LATE), "after the window"),
    ("changes.jsonl", set_in(0, "at", to=LATE), "after the window"),
    ("changes.jsonl", set_in(0, "kind", to="magic"), "kind"),
    ("logs.jsonl", lambda rows: rows[0]["entries"].append([9 * 10**18, "x"]), "after the window"),
    ("logs.jsonl", lambda rows: rows[0]["entries"].append([1, "x"]), "goes back in time"),
    ("metrics.jsonl", lambda rows: rows[0]["ms"].__setitem__(0, 1), "1 entries before"),
    ("metrics.jsonl", lambda rows: rows[1].update(values=[1]), "1 values for"),
    ("snapshot.yaml", set_in("server", "scrape_interval_s", to=60), "samples are 5 s apart"),
    ("inventory.yaml", set_in("labels", "logs", "container", to="pod"), "no log stream has a label pod"),
    ("alerts.json", set_in("payloads", 0, "payload", "version", to="1"), "payloads.0: .*version"),
    ("alerts.json", set_in("payloads", 0, "received", to=iso(NOW_MS + 1000)), "signals.0: arrived at"),
    ("case.yaml", set_in("signals", 0, "payload", to=3), "no payload 3"),
    ("case.yaml", set_in("signals", 1, "at", to=LATE), "signals.1: arrived at"),
    ("case.yaml", set_in("origin", to={"kind": "edited"}), "an edited case names what it was made from"),
    ("label.yaml", set_in("onset", to=LATE), "onset .* lies outside the window"),
    ("label.yaml", set_in("onset", to=iso(NOW_MS + 1000)), "the onset lies after now"),
    ("label.yaml", set_in("causes", 0, "component", "name", to="ghost"), "no container ghost"),
    ("label.yaml", set_in("causes", 0, "component", "service", to="ghost"), "no service ghost"),
    ("label.yaml", set_in("causes", 0, "component", "colour", to="mauve"), "no colour mauve"),
    ("snapshot.yaml", set_in("format", to=3), "format '3'; supported: 1"),
]
WARNINGS: list[tuple[str, Edit, str]] = [
    ("label.yaml", set_in("onset", to=iso(START_MS + 60_000)), "only 60 s before the onset"),
    ("label.yaml", set_in("actions", "right", 0, "target", to="ghost"), "ghost is neither"),
    ("inventory.yaml", set_in("services", 3, "containers", to=["redis-2"]), "lists redis-2"),
    ("inventory.yaml", set_in("services", 2, "work", "done", to={"contains": "never"}), "worker.work.done: no line"),
    ("snapshot.yaml", set_in("now", to=iso(NOW_MS + 90_000)), "now is 90 s after the last signal"),
    ("snapshot.yaml", set_in("id", to="other"), "id is other"),
    ("inventory.yaml", set_in("labels", "metrics", "container", to="pod"), "no series has a label pod"),
    ("routing.json", lambda data: data["observations"].__delitem__(slice(0, 5)), "more than two minutes into"),
    ("queues.json", set_in("states", to=[]), "holds nothing"),
]


@pytest.mark.parametrize(("severity", "file", "change", "says"), [
    *((Severity.ERROR, *row) for row in ERRORS), *((Severity.WARNING, *row) for row in WARNINGS)])
def test_each_fault_is_found(folder: Path, severity: Severity, file: str, change: Edit, says: str) -> None:
    """One fault planted in one file is reported with the right severity and words."""
    edit(folder / file, change)
    found = [p for p in check_case(folder) if re.search(says, p.text)]
    assert [p.severity for p in found] == [severity], check_case(folder)


def test_several_broken_files_are_all_reported(folder: Path) -> None:
    """One broken file does not hide another."""
    for name in ("peers.json", "queues.json", "logs.jsonl"):
        (folder / name).write_text("{")
    files = {p.file.split(":")[0] for p in check_case(folder) if p.severity is Severity.ERROR}
    assert files >= {"peers.json", "queues.json", "logs.jsonl"}


def test_no_fault_needs_a_baseline_before_now(folder: Path) -> None:
    """Where nothing happened, `now` is the moment that needs ten minutes before it."""
    (folder / "label.yaml").write_text(yaml.safe_dump(label_yaml() | {
        "verdict": "no_fault", "onset": None, "causes": [], "actions": {}}))
    assert check_case(folder) == []


def test_command_tells_wrong_from_doubtful_by_exit_code(folder: Path) -> None:
    """0 fine or doubtful, 1 wrong (or doubtful with --strict), 2 no such case; --json is one object."""
    runner = CliRunner()
    assert runner.invoke(app, ["check", str(folder)]).exit_code == 0
    edit(folder / "snapshot.yaml", set_in("id", to="other"))
    assert runner.invoke(app, ["check", str(folder)]).exit_code == 0
    assert runner.invoke(app, ["check", str(folder), "--strict"]).exit_code == 1
    (folder / "peers.json").write_text("{")
    result = runner.invoke(app, ["check", str(folder), "--json"])
    assert result.exit_code == 1
    (problems,) = json.loads(result.stdout).values()
    assert {p["severity"] for p in problems} == {"error", "warning"}
    assert runner.invoke(app, ["check", str(folder / "nowhere")]).exit_code == 2


def test_list_hides_the_label(folder: Path) -> None:
    """The list says how a case starts and what was captured, and nothing of the truth."""
    result = CliRunner().invoke(app, ["list", str(folder.parent), "--json"])
    (row,) = json.loads(result.stdout)
    assert (row["id"], row["minutes"], row["missing"]) == ("tiny", 20, [])
    assert row["signals"][0] == "alert: CompletionsLate"
    assert "worker-green" not in result.stdout
    assert "role_violation" not in result.stdout


def test_mutate_command_writes_a_checked_case(folder: Path, tmp_path: Path) -> None:
    """The edited case takes its folder's name and passes the check; an unknown edit is a usage error."""
    runner = CliRunner()
    out = tmp_path / "renamed"
    assert runner.invoke(app, ["mutate", str(folder), str(out), "rename:2", "swap-colours"]).exit_code == 0
    assert check_case(out) == []
    assert runner.invoke(app, ["mutate", str(folder), str(tmp_path / "x"), "explode"]).exit_code == 2

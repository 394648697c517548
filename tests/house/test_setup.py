# ruff: noqa: E501 - a line each reads best
"""Set-up is two commands: the locks are whole and pinned, the Makefile explains itself, the command line starts at once."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import ROOT, tracked

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
HEAVY = (
    "langgraph",
    "langchain_core",
    "langchain_openai",
    "openai",
    "numpy",
    "fastapi",
    "sqlalchemy",
    "docker",
    "pydantic",
)


def _project() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {"requirements.lock": project["dependencies"], **project["optional-dependencies"]}


def _pins(lock: str) -> dict[str, str]:
    """Package and version of each pin of a lock."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / lock).read_text("utf-8"), re.MULTILINE))


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~ ;]", requirement)[0].lower().replace("_", "-")


def test_every_dependency_is_pinned() -> None:
    """What pyproject.toml asks for is in the locks; the development lock has the extras too and agrees with the other."""
    project = _project()
    locked, everything = _pins("requirements.lock"), _pins("requirements-dev.lock")
    assert [r for r in project["requirements.lock"] if _name(r) not in locked] == []
    assert [r for extra in project.values() for r in extra if _name(r) not in everything] == []
    assert locked.items() <= everything.items()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locks_hold_hashes_and_no_addresses(lock: str) -> None:
    """Each pin has a hash, and nothing in a lock says where it was downloaded."""
    text = (ROOT / lock).read_text("utf-8")
    pins = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert pins
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []
    assert "://" not in text
    assert "uv.lock" not in tracked()


@needs_make
def test_a_machine_without_a_fitting_python_is_told_so(tmp_path: Path) -> None:
    """No Python 3.11 or newer: one clear sentence, nothing half made."""
    for name in ("Makefile", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    run = subprocess.run(["make", "demo", "PYTHON="], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "Python 3.11 or newer" in run.stderr
    assert not (tmp_path / ".venv").exists()


@needs_make
def test_make_help_lists_every_target() -> None:
    """Each target says in a line what it is for."""
    text = (ROOT / "Makefile").read_text("utf-8")
    targets = next(line for line in text.splitlines() if line.startswith(".PHONY:")).split()[1:]
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [target for target in targets if not re.search(rf"make {target}\s+\w", shown)] == []


def test_help_imports_nothing_heavy() -> None:
    """`culprit --help` loads no graph, no model, no database, no numbers: those belong to the commands that need them."""
    code = "import sys, triggers.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert [name for name in HEAVY if name in loaded] == []


def test_help_is_fast() -> None:
    """`culprit --help` costs less than 0.3 s of processor time (the best of three: machines are busy)."""
    best = float("inf")
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "triggers.cli", "--help"], cwd=ROOT, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert best < 0.3

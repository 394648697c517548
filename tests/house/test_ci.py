"""`.ci/run` says what happened: it is run on a small stand-in tree whose make targets do as they are told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("bash", "make", "timeout")), reason="needs bash, make and timeout"
)

MAKEFILE = """\
.venv/.installed:
\t@true
check:
\t@exit $(CHECK)
test test-live:
\t@cp $@.xml $(patsubst --junit-xml=%,%,$(ARGS))
"""
PASSING = '<testsuites><testsuite tests="3" skipped="0" failures="0" errors="0"/></testsuites>'
SKIPPING = (
    '<testsuites><testsuite tests="3" skipped="1" failures="0" errors="0">'
    '<testcase classname="live" name="test_redis"><skipped message="no redis-server"/></testcase>'
    "</testsuite></testsuites>"
)
EMPTY = '<testsuites><testsuite tests="0" skipped="0" failures="0" errors="0"/></testsuites>'


def _run(folder: Path, *, live: str | None, check: int = 0) -> subprocess.CompletedProcess[str]:
    """A fresh tree with `.ci/run`, and a `dpkg-query` that says every package is installed."""
    for name in (".ci", ".venv/bin", "bin", "tmp"):
        (folder / name).mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    (folder / "Makefile").write_text(MAKEFILE)
    (folder / ".venv/bin/python").symlink_to(sys.executable)
    (folder / "bin/dpkg-query").write_text("#!/bin/sh\necho 'ii '\n")
    (folder / "bin/dpkg-query").chmod(0o755)
    (folder / "test.xml").write_text(PASSING)
    if live is not None:
        (folder / "test-live.xml").write_text(live)
    environment = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "CHECK": str(check), "TMPDIR": str(folder / "tmp")}
    return subprocess.run(
        ["bash", str(folder / ".ci/run")], capture_output=True, text=True, env=environment, timeout=60, check=False
    )


def test_a_green_build_says_so(tmp_path: Path) -> None:
    """All steps ran and nothing was skipped: exit 0, a summary of each, a closing line."""
    run = _run(tmp_path, live=PASSING)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.rstrip().endswith("CI: passed")
    assert "test-live: 3 ran, 0 skipped" in run.stdout


def test_a_skipped_live_test_fails_the_build(tmp_path: Path) -> None:
    """A skip among the live tests is a test that did not happen; the log names it."""
    run = _run(tmp_path, live=SKIPPING)
    assert run.returncode == 1
    assert "live tests were skipped" in run.stdout
    assert "test_redis: no redis-server" in run.stderr


def test_a_build_without_live_tests_fails(tmp_path: Path) -> None:
    """Neither an empty live suite nor one that left no report is a pass."""
    assert "no live test ran" in _run(tmp_path / "empty", live=EMPTY).stdout
    silent = _run(tmp_path / "silent", live=None)
    assert silent.returncode == 1
    assert "no live test reported" in silent.stdout


def test_a_failed_step_fails_the_build_but_not_the_steps_after_it(tmp_path: Path) -> None:
    """One run tells everything that is wrong."""
    run = _run(tmp_path, live=PASSING, check=3)
    assert run.returncode == 1
    assert "FAILED  check" in run.stdout
    assert "ok      test-live" in run.stdout
    assert "CI: FAILED" in run.stdout.splitlines()[-1]

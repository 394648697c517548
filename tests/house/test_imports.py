# ruff: noqa: E501 - tables of examples read best a line each
"""Import directions are proven: the contracts hold on the tree, and each breaks when a violation is planted."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import ROOMS, ROOT, tracked

LINT = Path(sys.executable).with_name("lint-imports")

PLANTED = {
    "rooms": ("tools/planted.py", "import agent.codes", "tools.planted -> agent.codes"),
    "model-sdk": ("evals/planted.py", "import langchain_openai", "evals.planted -> langchain_openai"),
    "agent-vendors": ("agent/planted.py", "import docker", "agent.planted -> docker"),
    "tools-vendors": ("tools/planted_graph.py", "import langgraph", "tools.planted_graph -> langgraph"),
    "doors-vendors": ("triggers/planted.py", "import prometheus_api_client", "triggers.planted -> prometheus_api_client"),
    "recorded-offline": ("tools/recorded/planted.py", "import socket", "tools.recorded.planted -> socket"),
    "no-processes": ("config/planted.py", "import subprocess", "config.planted -> subprocess"),
}  # fmt: skip


def _contracts() -> dict[str, str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return {contract["id"]: contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}


def _copy(target: Path) -> Path:
    for name in tracked():
        if name == "pyproject.toml" or (name.endswith(".py") and name.split("/")[0] in ROOMS):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    return target


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_each_contract_breaks_on_its_planted_violation(tmp_path: Path) -> None:
    """Clean, the copy keeps every contract; with one bad import per contract, each is broken and the import named."""
    copy = _copy(tmp_path)
    assert _lint(copy).returncode == 0
    for path, line, _ in PLANTED.values():
        (copy / path).write_text(f"{line}\n", "utf-8")
    broken = _lint(copy)
    said = " ".join(broken.stdout.split())
    assert broken.returncode == 1
    for contract, name in _contracts().items():
        assert f"{name} BROKEN" in said, f"{contract} did not break:\n{broken.stdout}"
        assert PLANTED[contract][2] in said
    assert "KEPT" not in said


@pytest.mark.parametrize("contract", sorted(_contracts()))
def test_each_contract_has_a_planted_violation(contract: str) -> None:
    """A contract added to pyproject.toml must come with the violation that breaks it."""
    assert contract in PLANTED

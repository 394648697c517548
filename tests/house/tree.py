"""The repository as the house tests see it: tracked files, parsed modules, the documents."""

from __future__ import annotations

import ast
import functools
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("agent", "config", "evals", "tools", "triggers")


@dataclass(frozen=True)
class Module:
    """One parsed source file; `path` is relative to the repository."""

    path: str
    source: str
    tree: ast.Module

    @classmethod
    def parse(cls, path: str, source: str) -> Module:
        return cls(path=path, source=source, tree=ast.parse(source))

    @property
    def lines(self) -> int:
        return self.source.count("\n")


@functools.cache
def tracked() -> tuple[str, ...]:
    """Files that git tracks; without git (an unpacked archive), every file outside hidden folders."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return tuple(sorted(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()))
    files = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return tuple(sorted(str(path) for path in files if not any(part.startswith(".") for part in path.parts)))


def modules(*rooms: str) -> tuple[Module, ...]:
    """The tracked Python files below the given top-level folders."""
    return tuple(_parsed(name) for name in tracked() if name.endswith(".py") and name.split("/")[0] in rooms)


@functools.cache
def _parsed(name: str) -> Module:
    return Module.parse(name, (ROOT / name).read_text("utf-8"))


@functools.cache
def documents() -> tuple[tuple[str, str], ...]:
    """Path and text of each Markdown file people read: prompts and cases are not documents."""
    aside = ("evals/cases/", "agent/prompts/")
    names = [name for name in tracked() if name.endswith(".md") and not name.startswith(aside)]
    return tuple((name, (ROOT / name).read_text("utf-8")) for name in names)

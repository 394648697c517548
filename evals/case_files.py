"""A case folder as plain data, to edit and to write again: file name -> parsed content, nothing judged.

Used by the mutator, by capture and by harvesting. Contents are never changed in place: an edit makes new ones.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from config.errors import BadInput, BadSnapshot
from evals.case import CASE, LABEL
from tools.recorded.files import MAX_LINE, locate, read_document, read_lines
from tools.recorded.snapshot import FILES, INVENTORY
from tools.recorded.snapshot import NAME as SNAPSHOT
from tools.recorded.yaml_text import parse_yaml

NAMES = (SNAPSHOT, INVENTORY, CASE, LABEL, *FILES.values())
Json = Any


@dataclass(frozen=True)
class CaseFiles:
    """`content`: parsed YAML and JSON, and a list of objects for `.jsonl`. `packed`: names written with gzip."""

    content: Mapping[str, Json]
    packed: frozenset[str] = frozenset()

    def __contains__(self, name: str) -> bool:
        return name in self.content

    def __getitem__(self, name: str) -> Json:
        if name not in self.content:
            raise BadInput(f"{name}: the case has no such file")
        return self.content[name]

    def replaced(self, name: str, content: Json) -> CaseFiles:
        """With one file's content replaced."""
        return replace(self, content={**self.content, name: content})

    def without(self, name: str) -> CaseFiles:
        """With one file removed."""
        return replace(self, content={k: v for k, v in self.content.items() if k != name})

    def edited(self, name: str, edit: Callable[[Json], Json]) -> CaseFiles:
        """With one file edited, where the case has it."""
        return self.replaced(name, edit(self.content[name])) if name in self.content else self


def read_case_files(folder: Path) -> CaseFiles:
    """All files of the format that are there. Raises BadSnapshot for one that cannot be parsed."""
    content: dict[str, Json] = {}
    packed = set()
    for name in NAMES:
        path = locate(folder, name)
        if path is not None:
            content[name] = _read(path, name)
            if path.suffix == ".gz":
                packed.add(name)
    if SNAPSHOT not in content:
        raise BadSnapshot(f"{SNAPSHOT}: not there, so {folder.name} is not a case folder")
    return CaseFiles(content, frozenset(packed))


def _read(path: Path, name: str) -> Json:
    if name.endswith(".yaml"):
        return parse_yaml(read_document(path), path.name)
    if name.endswith(".jsonl"):
        return [_parse(line, f"{path.name}:{number}") for number, line in read_lines(path, line_limit=MAX_LINE)]
    return _parse(read_document(path), path.name)


def _parse(text: bytes, where: str) -> Json:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadSnapshot(f"{where}: not JSON: {str(error)[:200]}") from error


def write_case_files(files: CaseFiles, folder: Path, *, to_diff: bool = True) -> None:
    """Write a folder that must be new or empty. The same content gives the same bytes.

    `to_diff=False` writes JSON in one line, several times faster, for a folder nobody keeps.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder.name}: not empty; a case is never written over another")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.content.items():
        text = (render(name, content) if to_diff or not name.endswith(".json") else json.dumps(content)).encode()
        if name in files.packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(text, mtime=0))
        else:
            (folder / name).write_bytes(text)


def render(name: str, content: Json) -> str:
    """A file's text: YAML in block style, one line a series, stream or change, indented JSON for the rest."""
    if name.endswith(".yaml"):
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    if name.endswith(".jsonl"):
        return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in content)
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


FREE = frozenset({"labels", "attributes", "facts", "annotations", "groupLabels", "commonLabels", "commonAnnotations"})
"""Objects whose keys are the user's own, so that no key in them is a code of the format."""


def map_text(value: Json, edit: Callable[[str], str], *, keep: frozenset[str] = frozenset(),
             keys: frozenset[str] = frozenset()) -> Json:
    """Every text inside edited, except under a key in `keep`. Keys are edited only directly under one in `keys`."""
    if isinstance(value, str):
        return edit(value)
    if isinstance(value, list):
        return [map_text(item, edit, keep=keep, keys=keys) for item in value]
    if not isinstance(value, dict):
        return value
    out: dict[str, Json] = {}
    for key, item in value.items():
        if key not in keep:
            item = map_text(item, edit, keep=frozenset() if key in FREE else keep, keys=keys)
            if key in keys and isinstance(item, dict):
                item = {edit(name): inner for name, inner in item.items()}
        out[key] = item
    return out

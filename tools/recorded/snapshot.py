"""snapshot.yaml: what a case folder holds, and the folder as a thing to open. Format: docs/case-format.md.

A snapshot is opened by `tools/recorded/world.py`; this file only knows which files there are and what they promise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from config.errors import BadSnapshot
from tools.recorded.fields import Count, Identifier, Moment, Name, Part, Text
from tools.recorded.files import locate, parse_json, read_document
from tools.recorded.yaml_text import parse_yaml

FORMAT = 1
NAME = "snapshot.yaml"
INVENTORY = "inventory.yaml"

Modality = Literal["metrics", "logs", "containers", "routing", "alerts", "queues", "peers", "changes"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)
FILES: dict[Modality, str] = {
    "metrics": "metrics.jsonl", "logs": "logs.jsonl", "containers": "containers.json", "routing": "routing.json",
    "alerts": "alerts.json", "queues": "queues.json", "peers": "peers.json", "changes": "changes.jsonl",
}


class Window(Part):
    start: Moment
    end: Moment


class Server(Part):
    """The Prometheus that was recorded: its version and flags decide what a query means."""

    prometheus: Annotated[str, StringConstraints(pattern=r"^[23]\.\d{1,4}(\.\d{1,4})?([-+.][A-Za-z0-9.-]{1,40})?$")]
    scrape_interval_s: Annotated[float, Field(gt=0, le=86_400)]
    lookback_s: Annotated[float, Field(gt=0, le=86_400)] = 300
    default_subquery_step_s: Annotated[float, Field(gt=0, le=86_400)] = 60

    @property
    def version(self) -> tuple[int, int]:
        """(major, minor)."""
        major, minor, *_ = self.prometheus.split(".")
        return int(major), int("".join(c for c in minor if c.isdigit()))


class CapturedScope(Part):
    """Selectors that bound what was captured; empty means all there was."""

    metrics: tuple[Text, ...] = ()
    logs: tuple[Text, ...] = ()


class Missing(Part):
    """Something that was not captured: a modality by name, or a part of one in words, and why."""

    what: Name
    why: Text


class Manifest(Part):
    """snapshot.yaml, validated. Times are Unix milliseconds."""

    format: Literal[1]
    id: Identifier
    cluster: Text = ""
    window: Window
    now: Moment
    server: Server
    captured: tuple[Modality, ...]
    scope: CapturedScope = CapturedScope()
    missing: tuple[Missing, ...] = ()
    neighbours: Count = 0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.window.start < self.window.end:
            raise ValueError("window: start must lie before end")
        if not self.window.start <= self.now <= self.window.end:
            raise ValueError("now lies outside window")
        if len(set(self.captured)) != len(self.captured):
            raise ValueError("captured: a name is there twice")
        for name in MODALITIES:
            if (name in self.captured) == (name in {m.what for m in self.missing}):
                raise ValueError(f"{name} must be listed under either captured or missing")
        return self

    def why_missing(self, modality: str) -> str:
        """The reason given for a modality that was not captured."""
        return next((m.why for m in self.missing if m.what == modality), "no reason was recorded")


_MANIFEST = TypeAdapter(Manifest)


@dataclass(frozen=True)
class Snapshot:
    """A case folder whose manifest was read and whose files were found; nothing else has been read yet."""

    folder: Path
    manifest: Manifest
    files: Mapping[str, Path]

    @property
    def start_ms(self) -> int:
        return self.manifest.window.start

    @property
    def now_ms(self) -> int:
        return self.manifest.now

    def path(self, modality: Modality) -> Path | None:
        """The file of a captured modality, else None."""
        return self.files.get(FILES[modality])

    @property
    def inventory_path(self) -> Path | None:
        return self.files.get(INVENTORY)


def read_snapshot(folder: Path) -> Snapshot:
    """Read snapshot.yaml and find the files it promises. Raises BadSnapshot."""
    if not folder.is_dir():
        raise BadSnapshot(f"{folder.name or folder}: no such case folder")
    manifest = parse_manifest(_manifest_text(folder))
    files: dict[str, Path] = {}
    for modality, name in FILES.items():
        path = locate(folder, name)
        if path is None and modality in manifest.captured:
            raise BadSnapshot(f"{name}: {NAME} says {modality} were captured, but the file is not there")
        if path is not None and modality not in manifest.captured:
            raise BadSnapshot(f"{path.name}: is there, but {NAME} does not list {modality} under captured")
        if path is not None:
            files[name] = path
    inventory = locate(folder, INVENTORY)
    if inventory is not None:
        files[INVENTORY] = inventory
    elif not any(m.what == "inventory" for m in manifest.missing):
        raise BadSnapshot(f"{INVENTORY}: is not there and not listed under missing in {NAME}")
    return Snapshot(folder, manifest, files)


def _manifest_text(folder: Path) -> bytes:
    path = locate(folder, NAME)
    if path is None:
        raise BadSnapshot(f"{NAME}: not there, so {folder.resolve().name} is not a case folder")
    return read_document(path, limit=1_000_000)


def parse_manifest(text: bytes) -> Manifest:
    """Validate; the version is looked at before anything else, so that a newer file is named as such."""
    data = parse_yaml(text, NAME)
    if not isinstance(data, dict):
        raise BadSnapshot(f"{NAME}: must be a mapping that starts with format: {FORMAT}")
    check_format(data.get("format"), NAME)
    return parse_json(json.dumps(data, default=str).encode(), _MANIFEST, NAME)


def check_format(version: object, where: str) -> None:
    """Raises BadSnapshot unless the version is the one that is read here."""
    if isinstance(version, bool) or version != FORMAT:
        shown = "no format number" if version is None else f"format {str(version)[:40]!r}"
        raise BadSnapshot(f"{where}: {shown}; supported: {FORMAT} (see docs/case-format.md)")

"""A case in one row, for lists: what may be known without its label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evals.case import load_case
from tools.evidence import iso
from tools.recorded.snapshot import read_snapshot


def case_row(folder: Path) -> dict[str, Any]:
    """JSON shape. Raises BadSnapshot."""
    case, manifest = load_case(folder), read_snapshot(folder).manifest
    return {
        "id": case.id, "folder": str(folder), "title": dict(case.title),
        "signals": [f"{signal.kind.value}: {signal.title}" for signal in case.signals],
        "start": iso(manifest.window.start), "now": iso(manifest.now), "end": iso(manifest.window.end),
        "minutes": (manifest.window.end - manifest.window.start) / 60_000,
        "captured": list(manifest.captured), "missing": [m.what for m in manifest.missing],
        "recording": case.recording, "origin": case.origin.kind, "tags": list(case.tags),
    }

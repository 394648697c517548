"""The shelf: snapshots of harvested cases on disk, within a budget, and without near-identical ones.

    shelf.put("inc-…", source)     a redacted copy of a case folder, with the label beside it once there is one
    shelf.sweep(library, settings) too old, too many, or another of the same: the oldest duplicates go first
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.library import Library, StoredCase
from agent.signature import findings_of, signature, similarity
from config.errors import BadInput
from config.identifiers import new_id
from config.redact import Redactor
from config.settings import Learning
from evals.case import CASE, LABEL
from evals.case_files import CaseFiles, read_case_files, write_case_files
from tools.recorded.snapshot import NAME as SNAPSHOT

DAY_MS = 86_400_000
NEARLY = 0.97
KEEP_ALIKE = 5


@dataclass(frozen=True)
class Shelf:
    """`root` holds one folder an incident."""

    root: Path

    def folder_of(self, incident: str) -> str:
        """The snapshot's folder; "" where none was kept."""
        folder = self.root / safe_name(incident)
        return str(folder) if (folder / SNAPSHOT).exists() else ""

    def put(self, incident: str, source: Path) -> Path:
        """Copy a snapshot, every text of it redacted again. Kept as it is when it is there already."""
        target = self.root / safe_name(incident)
        if not (target / SNAPSHOT).exists():
            files = redacted(read_case_files(source)).without(LABEL)
            files = files.edited(SNAPSHOT, lambda s: {**s, "id": safe_name(incident)})
            write_case_files(files.edited(CASE, lambda c: _harvested(c, incident)), target)
        return target

    def export(self, case: StoredCase, out: Path) -> Path:
        """Snapshot, signals and label as a case folder for a team's Git. Raises BadInput without snapshot or label."""
        if not case.folder or not case.label:
            raise BadInput(f"{case.id}: has no {'label' if case.folder else 'snapshot'} to export")
        files = redacted(read_case_files(Path(case.folder)))
        folder = out / safe_name(case.incident_id)
        write_case_files(files.replaced(LABEL, Redactor().redact_mapping(case.label)), folder)
        return folder

    def sweep(self, library: Library, settings: Learning, *, now_ms: int | None = None) -> tuple[str, ...]:
        """Delete cases past their age, near-identical ones beyond KEEP_ALIKE, and the oldest over budget.

        Snapshots of incidents that nobody judged go before: by their age, then the oldest of those over budget.
        """
        cases = library.cases()
        newest = max((c.at_ms for c in cases), default=0)
        old = [c for c in cases if c.at_ms < newest - settings.cases_days * DAY_MS]
        gone = {c.id: c for c in (*old, *duplicates([c for c in cases if c not in old]))}
        room = settings.cases_mb * 2**20
        for case in sorted(cases, key=lambda c: -c.at_ms):
            if case.id in gone:
                continue
            room -= _bytes(case)
            if room < 0:
                gone[case.id] = case
        for case in gone.values():
            self.remove(case)
        library.delete_cases(gone)
        self._sweep_unjudged({safe_name(c.incident_id) for c in cases}, settings, max(room, 0.0), now_ms)
        return tuple(gone)

    def _sweep_unjudged(self, judged: set[str], settings: Learning, room: float, now_ms: int | None) -> None:
        """`room`: bytes that judged cases leave of the budget."""
        if not self.root.is_dir():
            return
        now = time.time() if now_ms is None else now_ms / 1000
        unjudged = [p for p in self.root.iterdir() if p.is_dir() and p.name not in judged]
        for folder in sorted(unjudged, key=lambda p: -p.stat().st_mtime):
            room -= sum(f.stat().st_size for f in folder.iterdir() if f.is_file())
            if room < 0 or now - folder.stat().st_mtime > settings.snapshot_days * DAY_MS / 1000:
                shutil.rmtree(folder, ignore_errors=True)

    def remove(self, case: StoredCase) -> None:
        """The snapshot's folder, if it is one of ours."""
        folder = Path(case.folder) if case.folder else None
        if folder is not None and folder.parent.resolve() == self.root.resolve():
            shutil.rmtree(folder, ignore_errors=True)


def duplicates(cases: list[StoredCase]) -> list[StoredCase]:
    """Verified cases nearly like KEEP_ALIKE newer ones of the same label."""
    verified = sorted((c for c in cases if c.state == "verified"), key=lambda c: -c.at_ms)
    kept: list[tuple[StoredCase, Any]] = []
    out = []
    for case in verified:
        mine = signature(findings_of(case.observations))
        causes = case.label.get("causes") and case.label["causes"][0].get("category")
        alike = sum(1 for other, theirs in kept if (other.label.get("causes") and
                    other.label["causes"][0].get("category")) == causes and similarity(mine, theirs) >= NEARLY)
        if alike >= KEEP_ALIKE:
            out.append(case)
        else:
            kept.append((case, mine))
    return out


def redacted(files: CaseFiles) -> CaseFiles:
    """Every text of every file, with one set of placeholders."""
    hide = Redactor()
    content = {name: hide.redact_mapping({"file": value})["file"] for name, value in files.content.items()
               if name != "metrics.jsonl"}
    if "metrics.jsonl" in files:
        content["metrics.jsonl"] = [
            {**row, "labels": hide.redact_mapping(row["labels"])} if "labels" in row else row  # times have no labels
            for row in files["metrics.jsonl"]]
    return CaseFiles(content, files.packed)


def safe_name(incident: str) -> str:
    """An incident's id as a folder's name: letters, digits and dashes."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in incident).strip("-").lower()
    return kept[:80] or new_id("case")


def _harvested(case: dict[str, Any], incident: str) -> dict[str, Any]:
    origin = {**(case.get("origin") or {}), "kind": "harvested", "notes": f"harvested from {incident}"[:200]}
    return {**case, "origin": origin, "recording": safe_name(incident)}


def _bytes(case: StoredCase) -> int:
    folder = Path(case.folder) if case.folder else None
    text = len(str(case.observations)) + len(case.text)
    if folder is None or not folder.is_dir():
        return text
    return text + sum(f.stat().st_size for f in folder.iterdir() if f.is_file())

"""What a long evaluation has found so far: one JSON object a line, appended as each episode ends.

A run that was broken off goes on with the same file: rows of the same code (`stamp`) are kept, others are asked again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.errors import BadInput
from evals.scorers import CaseScores, Score

ROOT = Path(__file__).parent.parent
CODE = ("agent", "tools", "config", "evals")
SUFFIXES = frozenset({".py", ".yaml", ".md"})
ASIDE = frozenset({"cases", "development", "lab", "bench", "public", "accuracy_page.md"})


@dataclass(frozen=True)
class Row:
    """One episode answered by one arm (the analyst, or a baseline)."""

    episode: str
    kind: str
    folder: str
    arm: str
    scores: CaseScores
    dropped: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What is asked once."""
        return self.episode, self.arm


def stamp() -> str:
    """A digest of the code that an answer depends on."""
    digest = hashlib.sha256()
    for room in CODE:
        for path in sorted((ROOT / room).rglob("*")):
            inside = path.relative_to(ROOT / room).parts
            if path.suffix in SUFFIXES and not (room == "evals" and inside[0] in ASIDE):
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def read_rows(path: Path, *, stamp: str | None = None) -> tuple[Row, ...]:
    """Rows of the file, the last of each key; with `stamp`, only those of that code. A torn last line is dropped."""
    found = {}
    for record in _records(path):
        if stamp is None or record["stamp"] == stamp:
            row = _row(record)
            found[row.key] = row
    return tuple(found.values())


def last_stamp(path: Path) -> str:
    """The code of the newest row; "" where there is none."""
    return next((str(record["stamp"]) for record in reversed(list(_records(path)))), "")


def _records(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            if number < len(lines):
                raise BadInput(f"{path.name}:{number}: not JSON") from error


def append(path: Path, rows: Sequence[Row], *, stamp: str) -> None:
    """Whole lines, flushed: what ended stays, whatever happens next."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
    with path.open("a", encoding="utf-8") as file:
        if torn:
            file.write("\n")
        for row in rows:
            file.write(json.dumps(_record(row, stamp), ensure_ascii=False) + "\n")


def _record(row: Row, stamp: str) -> dict[str, Any]:
    s = row.scores
    return {
        "stamp": stamp, "episode": row.episode, "kind": row.kind, "folder": row.folder, "arm": row.arm,
        "dropped": row.dropped, "case": s.case, "recording": s.recording, "family": s.family, "verdict": s.verdict,
        "said": s.said, "confidence": s.confidence, "crash": s.crash, "facts": dict(s.facts),
        "scores": {name: [score.value, score.reason] for name, score in s.scores.items()},
    }


def _row(record: dict[str, Any]) -> Row:
    scores = CaseScores(
        case=record["case"], recording=record["recording"], family=record["family"],
        scores={name: Score(value, reason) for name, (value, reason) in record["scores"].items()},
        confidence=record["confidence"], verdict=record["verdict"], said=record["said"], crash=record["crash"],
        facts=record["facts"],
    )
    return Row(record["episode"], record["kind"], record["folder"], record["arm"], scores, record["dropped"])

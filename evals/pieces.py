"""What a capture has done so far, on disk, so that one that was cut off goes on where it stopped.

A piece is one metric name or one log stream. It is written whole under another name and then renamed, so that what is
there is complete. Pieces are redacted before they are written: nothing raw ever reaches the disk.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from config.errors import BadInput

FOLDER = ".capture"


class Pieces:
    """The pieces of one capture plan inside its target folder. Raises BadInput where another plan is under way."""

    def __init__(self, folder: Path, digest: str, end_ms: int) -> None:
        self._folder = folder / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        note = self._folder / "plan.sha256"
        if note.exists() and note.read_text(encoding="utf-8") != digest:
            raise BadInput(f"{folder.name}: another capture is under way here; finish it or remove {FOLDER}/")
        note.write_text(digest, encoding="utf-8")
        (self._folder / "end_ms").write_text(str(end_ms), encoding="utf-8")

    @staticmethod
    def begun_until(folder: Path) -> int | None:
        """The end of the window of a capture under way: one that ends "now" must go on with the now it began with."""
        note = folder / FOLDER / "end_ms"
        return int(note.read_text(encoding="utf-8")) if note.exists() else None

    def has(self, kind: str, name: str) -> bool:
        """Whether that piece was finished before."""
        return self.path(kind, name).exists()

    def put(self, kind: str, name: str, write: Callable[[Path], None]) -> None:
        """Finish a piece: `write` fills the file."""
        path = self.path(kind, name)
        draft = path.with_suffix(".part")
        write(draft)
        draft.rename(path)

    def note(self, name: str, text: str) -> str:
        """Remember a sentence for the manifest; without one, what was remembered (also by an earlier run)."""
        if text and not self.has("note", name):
            self.put("note", name, lambda path: _write(path, text))
        return self.path("note", name).read_text(encoding="utf-8") if self.has("note", name) else ""

    def size(self, kind: str, name: str) -> int:
        """Bytes of a finished piece."""
        return self.path(kind, name).stat().st_size

    def texts(self) -> list[str]:
        """Everything written so far: a new redactor reads it to go on numbering after the old one."""
        return [path.read_text(encoding="utf-8") for path in sorted(self._folder.glob("*.jsonl"))]

    def remove(self) -> None:
        """The capture is complete."""
        shutil.rmtree(self._folder)

    def path(self, kind: str, name: str) -> Path:
        """Where a piece is, once it is finished."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        return self._folder / f"{kind}-{digest}.jsonl"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")

"""Runbooks: the team's Markdown, cut into paragraphs under their headings, recalled and cited.

A paragraph is found through its headings too: "Redis > Memory" belongs to every paragraph below it. Code blocks and
lists stay whole. Runbooks are quoted for the reader; nothing in them is executed or believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.bigrams import BigramIndex
from config.redact import redact

MAX_FILE_BYTES = 1_000_000
MAX_FILES = 500
MAX_PASSAGE = 1_200
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t#]*$")
_LIST = re.compile(r"^[ \t]*(?:[-*+]|[0-9]{1,3}[.)])[ \t]")


@dataclass(frozen=True)
class Passage:
    """One paragraph with where it stands: `source` is the file's name, `heading` the path of headings above it."""

    source: str
    heading: str
    text: str
    line: int

    @property
    def cite(self) -> str:
        """redis.md:12 (Redis > Memory)."""
        return f"{self.source}:{self.line}" + (f" ({self.heading})" if self.heading else "")


def passages(text: str, source: str) -> list[Passage]:
    """The paragraphs of one Markdown file. A list belongs to the paragraph that leads up to it."""
    out: list[Passage] = []
    headings: list[tuple[int, str]] = []
    for line, block in _blocks(text):
        match = _HEADING.match(block)
        if match and "\n" not in block:
            level = len(match[1])
            headings = [h for h in headings if h[0] < level] + [(level, match[2].strip())]
            continue
        heading = " > ".join(title for _, title in headings)
        last = out[-1] if out else None
        leads_up = last is not None and last.heading == heading and last.text.rstrip().endswith((":", "："))
        if last is not None and leads_up and _LIST.match(block):
            out[-1] = Passage(source, heading, f"{last.text}\n{block}"[:MAX_PASSAGE], last.line)
        else:
            out.append(Passage(source, heading, block[:MAX_PASSAGE], line))
    return out


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """(first line, block): headings alone, fenced code whole, the rest by blank lines."""
    block: list[str] = []
    start, fenced = 1, False
    for number, line in enumerate([*text.splitlines(), ""], 1):
        fence = line.lstrip().startswith(("```", "~~~"))
        ends = not fenced and (not line.strip() or _HEADING.match(line) is not None)
        if ends and block:
            yield start, "\n".join(block)
            block = []
        if not fenced and _HEADING.match(line):
            yield number, line
        elif line.strip() or fenced:
            start = start if block else number
            block.append(line)
        fenced = fenced != fence
    if block:
        yield start, "\n".join(block)


class Runbooks:
    """All passages of a folder, searched with their headings."""

    def __init__(self, found: Sequence[Passage] = ()) -> None:
        self._passages = tuple(found)
        self._index = BigramIndex([f"{p.heading}\n{p.text}" for p in found])

    def __len__(self) -> int:
        return len(self._passages)

    def search(self, query: str, *, most: int = 2) -> tuple[Passage, ...]:
        """The best passages for words in any language."""
        return tuple(self._passages[i] for i, _ in self._index.search(query, most=most))


def load_runbooks(folder: Path | None) -> Runbooks:
    """Every `*.md` below the folder, redacted. A file that cannot be read as UTF-8 or is too large is left out."""
    found: list[Passage] = []
    files = sorted(folder.rglob("*.md"))[:MAX_FILES] if folder is not None and folder.is_dir() else []
    for path in files:
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                continue
            found += passages(redact(path.read_text(encoding="utf-8")), path.name)
        except (OSError, UnicodeDecodeError):
            continue  # one bad file must not take the others away; `culprit doctor` names it
    return Runbooks(found)

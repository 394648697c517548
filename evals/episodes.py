"""The fixed list of episodes: a recording and the edits made to it, seeds included, one a line of a file.

    development/f03-b
    development/f03-b rename:2197
    cases/f05-b drop:logs

The list is planned once (`culprit eval plan`) and committed, so that every run of it asks the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.errors import BadInput
from evals.case import find_cases
from evals.case_files import CaseFiles
from evals.families import FAMILY_EDITS
from evals.mutate import DROPPABLE, mutate, named
from tools.recorded.snapshot import NAME as SNAPSHOT
from tools.recorded.snapshot import read_snapshot

DAY_S = 86_400


@dataclass(frozen=True)
class Episode:
    """`case` is a folder relative to the root of the run, `edits` are names of mutations, applied in order."""

    case: str
    edits: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Unique in a list."""
        return " ".join((self.case, *self.edits))

    @property
    def kind(self) -> str:
        """What was done, without seeds and sizes: `rename`, `drop:logs`; `as recorded` where nothing was."""
        names = [e if e.startswith("drop:") else e.partition(":")[0] for e in self.edits]
        return " + ".join(names) or "as recorded"

    @property
    def dropped(self) -> str:
        """The modality that was taken away, if one was."""
        return next((e.partition(":")[2] for e in self.edits if e.startswith("drop:")), "")

    def edited(self, files: CaseFiles) -> CaseFiles:
        """The recording with the edits applied; data files are left unpacked, for nobody keeps them."""
        name = f"{files[SNAPSHOT]['id']}-{zlib.crc32(self.id.encode()):08x}"
        out = mutate(files, [named(edit) for edit in self.edits], id=name)
        return CaseFiles(out.content)


def read_episodes(path: Path) -> tuple[Episode, ...]:
    """The list of a file; `#` begins a comment. Raises BadInput for an unknown edit or a line that stands twice."""
    found: dict[str, Episode] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        episode = Episode(words[0], tuple(words[1:]))
        for edit in episode.edits:
            named(edit)
        if episode.id in found:
            raise BadInput(f"{path.name}:{number}: {episode.id} stands twice")
        found[episode.id] = episode
    return tuple(found.values())


def plan(root: Path, folders: Sequence[str]) -> tuple[Episode, ...]:
    """Every recording of the folders under `root`, as it is and with every edit; seeds follow from the names."""
    out: list[Episode] = []
    for folder in folders:
        for path in find_cases(root / folder):
            case = f"{folder}/{path.name}"
            out += [Episode(case), *(Episode(case, edits) for edits in _edits(case, _captured(path)))]
            out += [Episode(case, (edit,)) for edit in FAMILY_EDITS.get(path.name, ())]
    return tuple(out)


def _captured(path: Path) -> tuple[str, ...]:
    captured = read_snapshot(path).manifest.captured
    return tuple(name for name in DROPPABLE if name in captured)


def _edits(case: str, captured: Iterable[str]) -> list[tuple[str, ...]]:
    """Renames, swaps, wording, a deploy, noise and another day keep the truth; each drop takes one modality away."""
    seed = zlib.crc32(case.encode())
    return [
        (f"rename:{seed % 10_000}",),
        ("swap-colours",),
        ("wording:ko",),
        (f"innocent-deploy:{30 + seed % 200}",),
        ("noise:2",),
        (f"shift:{-DAY_S * (1 + seed % 300) + seed % 7_200}",),
        *((f"drop:{name}",) for name in captured),
    ]


def render(episodes: Iterable[Episode]) -> str:
    """The file's text."""
    head = "# For `culprit eval run evals --episodes evals/episodes.txt`: a recording and its edits, with seeds.\n"
    return head + "".join(f"{episode.id}\n" for episode in episodes)

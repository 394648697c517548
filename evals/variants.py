"""Episodes for learning streams: each recording at another time, or under other names, colours, load or language."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.errors import BadInput
from evals.case_files import read_case_files, write_case_files
from evals.label import load_label
from evals.mutate import mutate, named

DAY_S = 86_400
ASPECTS = ("time", "names", "colour", "load", "language")


@dataclass(frozen=True)
class Variant:
    """One episode to be. `aspect` is what was changed; `family` and `recording` are the source's."""

    id: str
    source: Path
    edits: tuple[str, ...]
    aspect: str
    family: str
    recording: str

    def write(self, root: Path) -> Path:
        """The episode's case folder below `root`, made once. Raises BadInput where an edit cannot apply."""
        folder = root / self.id
        if not (folder / "snapshot.yaml").exists():
            files = mutate(read_case_files(self.source), [named(edit) for edit in self.edits], id=self.id)
            write_case_files(files, folder)
        return folder


def variants(sources: Sequence[Path], *, each: int, seed: int) -> list[Variant]:
    """`each` variants of every source, aspects in turn, shuffled. A greater `each` keeps the ones there were."""
    out = []
    for source in sources:
        family = load_label(source).family
        for number in range(each):
            aspect = ASPECTS[number % len(ASPECTS)]
            edits = _edits(aspect, random.Random(f"{seed}/{source.name}/{number}"))
            out.append(Variant(f"{source.name}-{aspect}-{number}", source, edits, aspect, family, source.name))
    random.Random(seed).shuffle(out)
    return out


def _edits(aspect: str, rng: random.Random) -> tuple[str, ...]:
    """Colour and language come with new names every other time, as another deployment would have."""
    renamed = (f"rename:{rng.randrange(1, 1_000_000)}",) if rng.random() < 0.5 else ()
    match aspect:
        case "names":
            return (f"rename:{rng.randrange(1, 1_000_000)}",)
        case "colour":
            return ("swap-colours", *renamed)
        case "load":
            return (f"load:{rng.choice((0.7, 0.8, 0.9))}", f"noise:{rng.choice((1.5, 2))}")
        case "language":
            return (f"language:{rng.choice(('en', 'ko'))}", f"wording:{rng.choice(('de', 'ko'))}", *renamed)
        case _:
            return (f"shift:{-DAY_S * rng.randrange(1, 300) - rng.randrange(0, 6) * 3_600}",)


def writable(found: Sequence[Variant], root: Path) -> list[tuple[Variant, Path]]:
    """Those whose edits apply, with their folders; a recording without two colours has no colour variant."""
    out = []
    for variant in found:
        try:
            out.append((variant, variant.write(root)))
        except BadInput:
            if (root / variant.id / "snapshot.yaml").exists():  # another process made it meanwhile
                out.append((variant, root / variant.id))
    return out

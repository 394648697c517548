"""The truth of a public case. Only scorers import this."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from config.errors import BadSnapshot


@dataclass(frozen=True)
class Truth:
    """`commit`: the culprit's, "none" where no commit is to blame, "" where the set is scored by component."""

    service: str
    kind: str = ""
    commit: str = ""


def read_truth(folder: Path) -> Truth:
    """case.json's ground truth. Raises BadSnapshot."""
    try:
        told = json.loads((folder / "case.json").read_text(encoding="utf-8"))["ground_truth"]
        return Truth(str(told["service"]), str(told.get("kind") or ""), str(told.get("commit") or ""))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BadSnapshot(f"{folder.name}: case.json: {str(error)[:200]}") from error

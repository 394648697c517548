"""Where answers recorded from real servers lie: the folder `shared` beside the checkout, or SHARED_FOLDER."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

_DEFAULT = Path(__file__).resolve().parents[5] / "shared"


def contract_file(name: str) -> Path:
    """A file of the shared contracts; the test is skipped where the folder is not there."""
    path = Path(os.environ.get("SHARED_FOLDER", _DEFAULT)) / "contracts" / name
    if not path.exists():
        pytest.skip(f"the shared contract {name} is not beside this checkout (set SHARED_FOLDER)")
    return path


def contract_lines(name: str) -> list[dict[str, Any]]:
    """The objects of a gzipped JSON-lines contract."""
    with gzip.open(contract_file(name), "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]

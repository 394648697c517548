"""Another load: the same incident with fewer users. Requests are left out whole, in every log, and counts shrink alike.

A request is known by the identifier its lines share; lines without one stay. Engine and host metrics stay: they hold
more than the requests' share.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from config.errors import BadInput
from evals.case_files import CaseFiles

_ID = re.compile(r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,32}\b")
_COUNTS = ("_total", "_bucket", "_count", "_sum")
_NOT_USERS = ("container_", "node_", "process_", "machine_", "prometheus_", "go_")


def lighter_load(files: CaseFiles, share: float) -> CaseFiles:
    """Keep `share` (0..1] of the requests. Raises BadInput for another share."""
    if not 0 < share <= 1:
        raise BadInput(f"load: {share:g} is not a share of (0, 1]")
    if "logs.jsonl" in files:
        files = files.replaced("logs.jsonl", [s for s in (_thinned(s, share) for s in files["logs.jsonl"])
                                              if s["entries"]])
    if "metrics.jsonl" in files:
        files = files.replaced("metrics.jsonl", [_scaled(row, share) for row in files["metrics.jsonl"]])
    return files


def _thinned(stream: dict[str, Any], share: float) -> dict[str, Any]:
    return {**stream, "entries": [e for e in stream["entries"] if _kept(str(e[1]), share)]}


def _kept(line: str, share: float) -> bool:
    """The same for every line of one request, wherever it was written."""
    found = _ID.search(line)
    if found is None:
        return True
    return int.from_bytes(hashlib.sha256(found.group().encode()).digest()[:4], "big") < share * 2**32


def _scaled(row: dict[str, Any], share: float) -> dict[str, Any]:
    name = str(row.get("labels", {}).get("__name__", ""))
    if "values" not in row or not name.endswith(_COUNTS) or name.startswith(_NOT_USERS):
        return row
    return {**row, "values": [_times(v, share) for v in row["values"]]}


def _times(value: Any, share: float) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return round(value * share) if isinstance(value, int) else value * share

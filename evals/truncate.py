"""Cutting a case's window: what lies outside is gone from every file, and the manifest says the new window."""

from __future__ import annotations

from typing import Any

from config.errors import BadInput
from evals.case import CASE
from evals.case_files import CaseFiles
from tools.evidence import iso, parse_iso
from tools.recorded.snapshot import NAME as SNAPSHOT


def truncate(files: CaseFiles, start_ms: int, end_ms: int) -> CaseFiles:
    """Keep [start, end] of the window. Raises BadInput where that would cut off `now` or a payload that is a signal."""
    manifest = files[SNAPSHOT]
    start = max(start_ms, parse_iso(manifest["window"]["start"]))
    end = min(end_ms, parse_iso(manifest["window"]["end"]))
    if not start < end or not start <= parse_iso(manifest["now"]) <= end:
        raise BadInput("truncate: now would lie outside the window")
    kept = _Kept(start, end)
    files = files.replaced(SNAPSHOT, {**manifest, "window": {"start": iso(start), "end": iso(end)}})
    files = files.edited("metrics.jsonl", kept.metrics).edited("logs.jsonl", kept.logs)
    files = files.edited("changes.jsonl", kept.dated)
    for name in ("containers.json", "routing.json", "peers.json", "queues.json"):
        files = files.edited(name, kept.lists)
    return kept.alerts(files)


class _Kept:
    def __init__(self, start_ms: int, end_ms: int) -> None:
        self._start, self._end = start_ms, end_ms

    def _inside(self, ms: int) -> bool:
        return self._start <= ms <= self._end

    def dated(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if self._inside(parse_iso(row["at"]))]

    def lists(self, document: dict[str, Any]) -> dict[str, Any]:
        """Every list of a document holds things dated by `at`."""
        return {key: self.dated(rows) for key, rows in document.items()}

    def metrics(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        vectors = {row["times"]: row["ms"] for row in rows if "labels" not in row}
        out = []
        for row in rows:
            ms = row["ms"] if "ms" in row else vectors[row["times"]]
            keep = [i for i, t in enumerate(ms) if self._inside(t)]
            cut = dict(row)
            if "ms" in row:
                cut["ms"] = [ms[i] for i in keep]
            if "values" in row:
                cut["values"] = [row["values"][i] for i in keep]
            if keep or "labels" not in row:
                out.append(cut)
        return out

    def logs(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        low, high = self._start * 1_000_000, self._end * 1_000_000
        cut = [{**row, "entries": [e for e in row["entries"] if low <= e[0] <= high]} for row in rows]
        return [row for row in cut if row["entries"]]

    def alerts(self, files: CaseFiles) -> CaseFiles:
        """Payloads move up when earlier ones go: case.yaml's indices follow."""
        if "alerts.json" not in files:
            return files
        alerts = files["alerts.json"]
        stay = [i for i, p in enumerate(alerts["payloads"]) if self._inside(parse_iso(p["received"]))]
        place = {old: new for new, old in enumerate(stay)}

        def signal(one: dict[str, Any]) -> dict[str, Any]:
            if one["kind"] != "alertmanager":
                return one
            if one["payload"] not in place:
                raise BadInput(f"truncate: payload {one['payload']} starts the case and would be cut off")
            return {**one, "payload": place[one["payload"]]}

        cut = {"payloads": [alerts["payloads"][i] for i in stay], "states": self.dated(alerts["states"])}
        files = files.edited(CASE, lambda case: {**case, "signals": [signal(s) for s in case["signals"]]})
        return files.replaced("alerts.json", cut)

"""Moving a case in time: every moment of every file by the same offset, those inside texts and payloads too."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from evals.case_files import CaseFiles, map_text
from tools.evidence import parse_iso
from tools.recorded.snapshot import NAME as SNAPSHOT

NEAR_MS = 400 * 86_400_000  # a date this near to the window belongs to the story (a container created last spring)
EPOCH_NEAR_MS = 7 * 86_400_000  # a bare number must be nearer to be taken for a moment: it may be anything

_ISO = re.compile(r"(?<!\d)(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)([.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)?(?!\d)")
_SLASHED = re.compile(r"(?<!\d)\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?!\d)")  # nginx' error log
_ACCESS = re.compile(r"(?<!\d)(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)( [+-]\d{4})?(?!\d)")  # nginx' access log
_EPOCH = re.compile(r"(?<![\w.-])[1-9]\d{9}(?:\d{3}|\d{6}|\d{9})?(?=\D|$)(?![\w-])")
_TIME_METRIC = re.compile(r"(?:_time_seconds|_timestamp_seconds|_last_seen|_timestamp|_start_time|_boot_time)$")
_UNITS_PER_MS = {10: 0.001, 13: 1, 16: 1_000, 19: 1_000_000}


def shift_time(files: CaseFiles, offset_ms: int) -> CaseFiles:
    """The same case, `offset_ms` later (or earlier)."""
    window = files[SNAPSHOT]["window"]
    mover = _Mover(parse_iso(window["start"]), parse_iso(window["end"]), offset_ms)
    content: dict[str, Any] = {}
    for name, value in files.content.items():
        if name == "metrics.jsonl":
            content[name] = [mover.series(row) for row in value]
        elif name == "logs.jsonl":
            content[name] = [mover.stream(row) for row in value]
        else:
            moved = map_text(value, mover.text)
            content[name] = mover.numbers(moved) if name == "alerts.json" else moved
    return CaseFiles(content, files.packed)


class _Mover:
    """Moves what lies near the window and leaves the rest: Go's year 1, a certificate of 2036, a phone number."""

    def __init__(self, start_ms: int, end_ms: int, offset_ms: int) -> None:
        self._start, self._end, self._offset = start_ms, end_ms, offset_ms

    def text(self, text: str) -> str:
        if not any(c.isdigit() for c in text):
            return text
        text = _ISO.sub(self._iso, text)
        text = _SLASHED.sub(lambda m: self._dated(m.group(), "%Y/%m/%d %H:%M:%S"), text)
        text = _ACCESS.sub(lambda m: self._dated(m.group(1), "%d/%b/%Y:%H:%M:%S") + (m.group(2) or ""), text)
        return _EPOCH.sub(lambda m: str(self._epoch(int(m.group()))), text)

    def series(self, row: dict[str, Any]) -> dict[str, Any]:
        out = dict(row)
        if "ms" in row:
            out["ms"] = [ms + self._offset for ms in row["ms"]]
        if _TIME_METRIC.search(row.get("labels", {}).get("__name__", "")):
            out["values"] = [self._seconds(v) for v in row["values"]]
        if "labels" in row:
            out["labels"] = map_text(row["labels"], self.text)
        return out

    def stream(self, row: dict[str, Any]) -> dict[str, Any]:
        offset_ns = self._offset * 1_000_000
        entries = [[entry[0] + offset_ns, *map_text(entry[1:], self.text)] for entry in row["entries"]]
        return {**row, "entries": entries}

    def numbers(self, value: Any) -> Any:
        """Numbers that can only be moments: of 10, 13, 16 or 19 digits, within days of the window."""
        if isinstance(value, list):
            return [self.numbers(item) for item in value]
        if isinstance(value, dict):
            return {key: self.numbers(item) for key, item in value.items()}
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        return self._epoch(value) if isinstance(value, int) else self._seconds(value, EPOCH_NEAR_MS)

    def _near(self, ms: float, margin: int) -> bool:
        return self._start - margin <= ms <= self._end + margin

    def _iso(self, match: re.Match[str]) -> str:
        date, between, clock, fraction, zone = match.groups()
        moved = self._dated(f"{date} {clock}", "%Y-%m-%d %H:%M:%S", fraction or "")
        return moved.replace(" ", between) + (zone or "")

    def _dated(self, text: str, form: str, fraction: str = "") -> str:
        """A wall-clock text moved; the zone it is in does not matter to the distance."""
        try:
            moment = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            return text + fraction
        digits = fraction[1:]
        ns = int(digits.ljust(9, "0")) if digits else 0
        ms = moment.timestamp() * 1000
        if not self._near(ms, NEAR_MS):
            return text + fraction
        total = ns + self._offset * 1_000_000
        moved = moment + timedelta(seconds=total // 1_000_000_000)
        rest = f"{total % 1_000_000_000:09d}"[:len(digits)]
        return moved.strftime(form) + (fraction[0] + rest if digits else "")

    def _epoch(self, number: int) -> int:
        per_ms = _UNITS_PER_MS.get(len(str(number)))
        if per_ms is None or number < 0 or not self._near(number / per_ms, EPOCH_NEAR_MS):
            return number
        return number + round(self._offset * per_ms)

    def _seconds(self, value: Any, margin: int = NEAR_MS) -> Any:
        if isinstance(value, int | float) and self._near(value * 1000, margin):
            return round(value + self._offset / 1000, 6)
        return value

"""Line filters and field conditions as predicates, with what makes them fast: the texts a line must hold to pass."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tools.sources.logs import FieldCondition, LineFilter, label_pattern, line_pattern

Positions = Sequence[int]
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
# What Go's strconv.ParseFloat takes of the texts found in logs; Python's float would also take "1_000" and " 1".
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|infinity)|nan", re.IGNORECASE)
_BLOCK = 128
# Anchors to the ends of the text, and flags switched off, could hide a match when lines are searched together.
_NEEDS_WHOLE_LINE = re.compile(r"\\[AzZ]|\(\?[a-zA-Z]*-")


def keep_lines(lines: Sequence[str], low: int, high: int, filters: Iterable[LineFilter]) -> Positions:
    """Positions in [low, high) whose line passes every filter, ascending. Substrings go first: they are cheap."""
    kept: Positions = range(low, high)
    for line_filter in sorted(filters, key=lambda each: each.op in ("regex", "not_regex")):
        kept = _kept(lines, kept, line_filter)
    return kept


def _kept(lines: Sequence[str], positions: Positions, line_filter: LineFilter) -> Positions:
    text = line_filter.text
    if line_filter.op == "contains":
        return [at for at in positions if text in lines[at]]
    if line_filter.op == "not_contains":
        return [at for at in positions if text not in lines[at]]
    found = _matching(lines, positions, text)
    if line_filter.op == "regex":
        return found
    matched = set(found)
    return [at for at in positions if at not in matched]


def _matching(lines: Sequence[str], positions: Positions, text: str) -> list[int]:
    """Positions whose line the pattern is found in. Blocks of lines are searched as one text first, because most
    patterns are rare; only a block with a match has its lines searched one by one.
    """
    search = line_pattern(text).search
    together = None if _NEEDS_WHOLE_LINE.search(text) else line_pattern(f"(?m:{text})").search
    found: list[int] = []
    for start in range(0, len(positions), _BLOCK):
        block = positions[start : start + _BLOCK]
        if together is None or together("\n".join([lines[at] for at in block]).encode()):
            found += [at for at in block if search(lines[at].encode())]
    return found


def needed_texts(conditions: Iterable[FieldCondition], known: Callable[[str], bool]) -> list[str]:
    """Texts one of which must stand in a line, for its parsed field to equal a condition's value.

    `known(field)` says that the field may come from somewhere other than the line, which proves nothing about it.
    """
    return [
        str(condition.value)
        for condition in conditions
        if condition.op == "=" and condition.value and not condition.numeric and not known(condition.field)
    ]


def may_hold(line: str, texts: Iterable[str]) -> bool:
    """Whether parsed values may equal all the texts: a line that escapes characters, or replaced one, may spell them
    otherwise.
    """
    return all(text in line for text in texts) or "\\" in line or "�" in line


def condition_test(condition: FieldCondition) -> Callable[[Mapping[str, str]], bool]:
    """A predicate over a line's labels and fields."""
    field, value = condition.field, condition.value
    if isinstance(value, str):
        return _string_test(field, condition.op, value)
    compare = _COMPARE[condition.op]
    number = float(value)

    def numeric_test(fields: Mapping[str, str]) -> bool:
        text = fields.get(field)
        return text is not None and _NUMBER.fullmatch(text) is not None and compare(float(text), number)

    return numeric_test


def _string_test(field: str, op: str, value: str) -> Callable[[Mapping[str, str]], bool]:
    if op == "=":
        return lambda fields: fields.get(field, "") == value
    if op == "!=":
        return lambda fields: fields.get(field, "") != value
    seen: dict[str, bool] = {}
    match: Callable[[str], Any] = label_pattern(value).match
    wanted = op == "=~"

    def regex_test(fields: Mapping[str, str]) -> bool:
        text = fields.get(field, "")
        if text not in seen:
            if len(seen) > 10_000:
                seen.clear()
            seen[text] = (match(text) is not None) == wanted
        return seen[text]

    return regex_test

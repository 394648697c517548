"""The `json` parser of LogQL: an object flattened with `_`, arrays and nulls left out, numbers as they are spelled.

Loki's reader is more forgiving than JSON: it ignores what follows the closing brace and never looks inside an array.
Most lines are plain JSON and take the quick way; the rest go through `_scan_object`, which makes the same allowances.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tools.recorded.logs.field_names import sanitized

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)
_TOKEN = re.compile(r"[^ \t\n\r,}\]]+(?=[ \t\n\r,}\]])")
_BLOCK_PART = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_DEPTH = 100


class NotJson(ValueError):
    """The line is not a JSON object Loki could read; such a line gets `__error__` and our queries drop it."""


class _Pairs(tuple[tuple[str, Any], ...]):
    """An object's pairs in order; a type of its own tells objects from arrays."""


def _no_constant(_: str) -> Any:
    raise ValueError("NaN and Infinity are not JSON")


_QUICK = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_float=str, parse_int=str, parse_constant=_no_constant, strict=False
)


def json_fields(line: str) -> Iterator[tuple[str, str]]:
    """(name, value) pairs of a line. Raises NotJson, before the first pair, where Loki would set `__error__`."""
    start = _skip_space(line, 0)
    if line[start : start + 1] != "{":
        raise NotJson("not an object")
    try:
        pairs, _ = _QUICK.raw_decode(line, start)
    except (ValueError, RecursionError):
        pairs, _ = _scan_object(line, start, 0)
    return _flattened(pairs, "")


def _flattened(pairs: _Pairs, prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in pairs:
        if isinstance(value, str):
            yield sanitized(key, prefix=prefix), _label_text(value)
        elif isinstance(value, bool):
            yield sanitized(key, prefix=prefix), "true" if value else "false"
        elif isinstance(value, _Pairs):
            yield from _flattened(value, sanitized(key, prefix=prefix))


def _label_text(value: str) -> str:
    """Half a surrogate pair cannot be unescaped, which empties the value; U+FFFD becomes a space."""
    if value.isascii():
        return value
    return "" if _SURROGATE.search(value) else value.replace("�", " ")


def _skip_space(line: str, position: int) -> int:
    match = _SPACE.match(line, position)
    return match.end() if match else position


def _scan_object(line: str, position: int, depth: int) -> tuple[_Pairs, int]:
    """The object opening at `position`: its pairs and the position after it."""
    if depth > _MAX_DEPTH:
        raise NotJson("nested too deeply")
    pairs: list[tuple[str, Any]] = []
    position = _skip_space(line, position + 1)
    while True:
        if line[position : position + 1] == "}":
            return _Pairs(pairs), position + 1
        key = _STRING.match(line, position)
        if key is None:
            raise NotJson("expected a key")
        position = _skip_space(line, key.end())
        if line[position : position + 1] != ":":
            raise NotJson("expected a colon")
        value, position = _scan_value(line, _skip_space(line, position + 1), depth)
        name = _unescaped(key.group(1))
        if name is None:
            raise NotJson("a key with an escape that JSON does not have")
        pairs.append((name, value))
        position = _skip_space(line, position)
        if line[position : position + 1] == ",":
            position = _skip_space(line, position + 1)
        elif line[position : position + 1] != "}":
            raise NotJson("expected a comma or the closing brace")


def _scan_value(line: str, position: int, depth: int) -> tuple[Any, int]:
    """A string, a bare token as text, True/False, an object's pairs, or None for null and arrays."""
    first = line[position : position + 1]
    if first == "{":
        return _scan_object(line, position, depth + 1)
    if first == "[":
        return None, _block_end(line, position)
    if first == '"':
        string = _STRING.match(line, position)
        if string is None:
            raise NotJson("a string without an end")
        return _unescaped(string.group(1)) or "", string.end()
    token = _TOKEN.match(line, position)
    if token is None:
        raise NotJson("expected a value")
    return _bare_value(token.group()), token.end()


def _bare_value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if text == "null":
        return None
    if text[0] in "-0123456789":
        return text
    raise NotJson(f"unknown value {text[:20]!r}")


def _block_end(line: str, position: int) -> int:
    """The position after the bracket that closes the array at `position`; only brackets of its own kind are counted."""
    level = 0
    for part in _BLOCK_PART.finditer(line, position):
        level += {"[": 1, "]": -1}.get(part.group(), 0)
        if level == 0:
            return part.end()
    raise NotJson("an array without an end")


def _unescaped(raw: str) -> str | None:
    """A string's text, or None where an escape is not one of JSON's."""
    if "\\" not in raw:
        return raw
    try:
        return str(json.loads(f'"{raw}"', strict=False))
    except ValueError:
        return None

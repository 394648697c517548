"""The `logfmt` parser of LogQL: key=value pairs; what it cannot read it skips, so no line is ever in error.

A bare key or an empty value gives no field. A token with a stray quote or a second `=` is skipped up to the next
space; a quote that never closes swallows the rest of the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tools.recorded.logs.field_names import sanitized

# Everything up to and including U+0020 separates. The quantifiers are possessive: linear on any input.
_PAIR = re.compile(
    r"""
    [\x00-\x20]*+
    (?: (?P<quoted_key>[^\x00-\x20"=]++)="(?P<quoted>[^"\\]*+(?:\\.[^"\\]*+)*+)"
      | [^\x00-\x20"=]++=".*+                                   # a quote without an end
      | (?P<key>[^\x00-\x20"=]++)=(?P<value>[^\x00-\x20"=]++)(?![^\x00-\x20])
      | [^\x00-\x20]++                                          # a bare key, an empty value or a stray sign
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_REPLACEMENT = "�"


def logfmt_fields(line: str) -> Iterator[tuple[str, str]]:
    """(name, value) pairs of a line, in order."""
    if "=" not in line:
        return
    for pair in _PAIR.finditer(line):
        key, value = pair.group("key", "value")
        if key is None:
            key, value = pair.group("quoted_key"), _unquoted(pair.group("quoted"))
        if key and value and _REPLACEMENT not in key:
            yield sanitized(key), value.replace(_REPLACEMENT, " ")


def _unquoted(raw: str | None) -> str:
    if raw is None or "\\" not in raw:
        return raw or ""
    try:
        return str(json.loads(f'"{raw}"'))
    except ValueError:
        return ""

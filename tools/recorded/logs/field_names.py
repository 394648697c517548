"""Names of parsed fields, as Loki gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

EXTRACTED = "_extracted"

_INVALID = re.compile(r"[^A-Za-z0-9_]")


def sanitized(key: str, *, prefix: str = "") -> str:
    """A key as a label name: other characters become `_`, a leading digit gets one; nested keys are joined by `_`."""
    name = key if key.isidentifier() and key.isascii() else _INVALID.sub("_", key.strip())
    if prefix:
        return f"{prefix}_{name}"
    return f"_{name}" if name[:1].isdigit() else name


def without_clashes(fields: Iterable[tuple[str, str]], taken: Mapping[str, str]) -> dict[str, str]:
    """Fields by name; one that is already a label becomes `<name>_extracted`, the last of two alike wins.

    Empty values are left out: to LogQL an empty label and an absent one are the same.
    """
    named: dict[str, str] = {}
    for name, value in fields:
        unique = name + EXTRACTED if name in taken else name
        if value and name:
            named[unique] = value
        else:
            named.pop(unique, None)
    return named

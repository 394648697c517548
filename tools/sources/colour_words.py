"""Which colour a proxy's configuration names: by the user's own container names, addresses or colour words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tools.sources.inventory import Service
from tools.sources.routing import BOTH, UNKNOWN

_COMMENT = re.compile(r"(^|\s)#.*$", re.MULTILINE)
_TARGET = re.compile(r"^\s*(?:server|proxy_pass)\s+(?P<target>[^;]+);", re.MULTILINE)
_UNUSED = re.compile(r"\s(down|backup)\b")


def colour_of_file(text: str, service: Service, targets: Mapping[str, tuple[str, ...]]) -> tuple[str, str]:
    """(colour, the lines that say so). Server lines count first, then any word; comments and `down` servers never.

    `targets` maps a colour to addresses or names the file uses beside container names. `both` where two colours serve.
    """
    bare = _COMMENT.sub("", text)
    lines = [m.group(0).strip() for m in _TARGET.finditer(bare)]
    serving = [line for line in lines if not _UNUSED.search(line.rstrip(";"))]
    colours = {c for line in serving for c in colours_in(line, service, targets)}
    if colours:
        return _one(colours), "; ".join(line.rstrip(";") for line in serving)[:200]
    colours = colours_in(bare, service, targets)
    if len(colours) == 1:
        return colours.pop(), " ".join(bare.split())[:200]
    why = "names several colours" if colours else "names no colour or container of the inventory"
    return UNKNOWN, f"the file {why}"


def colours_in(text: str, service: Service, targets: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Colours whose containers or targets stand in a text; where none does, colours that stand there as a word."""
    named = {c for c in service.colours if any(_stands(n, text) for n in (*service.colours[c], *targets.get(c, ())))}
    return named or {c for c in service.colours if _stands(c, text)}


def colour_of_answer(text: str, service: Service, targets: Mapping[str, tuple[str, ...]]) -> tuple[str, str]:
    """(colour, what was answered) of a status location."""
    shown = " ".join(text.split())[:100]
    if shown == BOTH:
        return BOTH, shown
    colours = colours_in(shown, service, targets)
    if not colours:
        return UNKNOWN, f"the status location answered {shown!r}, which is no colour"
    return _one(colours), shown


def _one(colours: set[str]) -> str:
    return next(iter(colours)) if len(colours) == 1 else BOTH


def _stands(name: str, text: str) -> bool:
    """Whether a name stands alone in a text: `api-b` is not found in `api-blue`."""
    return re.search(rf"(?<![A-Za-z0-9.-]){re.escape(name)}(?![A-Za-z0-9-])", text) is not None

"""What was announced is no anomaly: a while after a change its service is not judged, nor while a mode lasts."""

from __future__ import annotations

from collections.abc import Sequence

from tools.sources.changes import Change

EVERYTHING = "*"
ORDINARY = frozenset({"", "normal", "none", "off", "single", "active", "standby", "both"})
MODE_MS = 86_400_000  # a mode nobody ended is forgotten after a day
DISTURBING = frozenset({"deploy", "switch", "rollback", "config", "scale", "restart", "index", "model", "planned"})


def planned_services(changes: Sequence[Change], *, at_ms: int, grace_ms: int) -> frozenset[str]:
    """Services not to be judged at a moment; "*" where a change or a mode names none.

    `both` is an ordinary mode here: it changes who may work, and roles know that.
    """
    modes: dict[str, Change] = {}
    out: set[str] = set()
    for change in sorted(changes, key=lambda c: c.at_ms):
        if change.at_ms > at_ms:
            continue
        if change.kind == "mode" or change.mode:
            modes[change.service] = change
        if change.kind in DISTURBING and at_ms - change.at_ms <= grace_ms:
            out.add(change.service or EVERYTHING)
    for service, change in modes.items():
        if change.mode.lower() not in ORDINARY and at_ms - change.at_ms <= MODE_MS:
            out.add(service or EVERYTHING)
        elif change.kind == "mode" and at_ms - change.at_ms <= grace_ms:
            out.add(service or EVERYTHING)  # the way back is a change too
    return frozenset(out)

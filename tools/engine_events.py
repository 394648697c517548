"""What engine events and two readings of the list say about each container's life in the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.sources.containers import Container, ContainerEvent

STOP_GRACE_MS = 15_000  # docker stop sends TERM, waits ten seconds, then KILL


@dataclass(frozen=True)
class Lifetime:
    """`state_before` is "" when unknown or absent. `restarts` counts deaths from which the same container came back by
    itself; a deploy (stop, destroy, create) is none. `exit_code` is that of the last death in the window."""

    state_before: str = ""
    restarts: int = 0
    first_restart_ms: int | None = None
    exit_code: int | None = None
    exited_ms: int | None = None
    asked_to_stop: bool = False
    stopped_ms: int | None = None
    oom: int | None = None


def lifetimes(
    now: Sequence[Container], before: Sequence[Container], events: Sequence[ContainerEvent], start_ms: int
) -> Mapping[str, Lifetime]:
    """One Lifetime for each container of `now`; events oldest first."""
    earlier = {c.name: c for c in before}
    by_name: dict[str, list[ContainerEvent]] = {}
    for event in events:
        by_name.setdefault(event.container, []).append(event)
    return {c.name: _life(c, earlier.get(c.name), by_name.get(c.name, []), start_ms) for c in now}


def _life(container: Container, earlier: Container | None, events: list[ContainerEvent], start_ms: int) -> Lifetime:
    deaths = [e for e in events if e.action == "die"]
    revived = [d for d in deaths if _came_back(d, events)]
    counted = max(0, container.restart_count - earlier.restart_count) if earlier and earlier.id == container.id else 0
    last = deaths[-1] if deaths else None
    ended_ms = last.at_ms if last else container.finished_ms
    in_window = ended_ms is not None and ended_ms >= start_ms and (last is not None or container.state != "running")
    code = last.exit_code if last else container.exit_code
    oom = next((e.at_ms for e in events if e.action == "oom"), None)
    return Lifetime(
        state_before=earlier.state if earlier else "",
        restarts=max(len(revived), counted),
        first_restart_ms=revived[0].at_ms if revived else None,
        exit_code=code if in_window else None,
        exited_ms=ended_ms if in_window else None,
        asked_to_stop=last is not None and _asked(last, events),
        stopped_ms=ended_ms if in_window else None,
        oom=oom,
    )


def _came_back(death: ContainerEvent, events: list[ContainerEvent]) -> bool:
    """Started again without having been asked to stop and without having been replaced."""
    after = [e.action for e in events if e.at_ms >= death.at_ms and e is not death]
    until = after[: after.index("start")] if "start" in after else None
    return until is not None and not {"destroy", "create"} & set(until) and not _asked(death, events)


def _asked(death: ContainerEvent, events: list[ContainerEvent]) -> bool:
    """Whether a stop or kill by the engine's user came just before."""
    return any(e.action in ("stop", "kill") and -1_000 <= death.at_ms - e.at_ms <= STOP_GRACE_MS for e in events)

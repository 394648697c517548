"""Who calls whom."""

from __future__ import annotations

from collections.abc import Container, Iterable


class CallGraph:
    """Of (caller, callee) pairs; cycles are allowed, a component that calls itself counts once less."""

    def __init__(self, calls: Iterable[tuple[str, str]]) -> None:
        self.callees: dict[str, list[str]] = {}
        self.callers: dict[str, list[str]] = {}
        for a, b in sorted({(a, b) for a, b in calls if a != b}):
            self.callees.setdefault(a, []).append(b)
            self.callers.setdefault(b, []).append(a)

    def knows(self, name: str) -> bool:
        """Whether any call to or from it is known."""
        return name in self.callees or name in self.callers

    def behind(self, name: str, suffering: Container[str]) -> frozenset[str]:
        """`name` and the components that may suffer from it: callers of callers, as long as each does."""
        found, todo = {name}, [name]
        while todo:
            for caller in self.callers.get(todo.pop(), ()):
                if caller not in found and caller in suffering:
                    found.add(caller)
                    todo.append(caller)
        return frozenset(found)

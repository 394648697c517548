"""Who began it? Components ranked by what is wrong with themselves once what others explain is taken away.

A caller that waits for a slow callee looks slow itself; a callee behind a slow path looks healthy while all of its
callers wait. So one looks at four things of each component, all 0..1, e.g. from `anomaly`: `own` (its resources),
`latency` and `errors` it answers with, and `outbound` latency and errors it sees when calling.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

EXPLAINED = 0.8  # how much of a caller's symptom a fully anomalous callee takes away
FAN_OUT = 2.0  # a caller that calls once or twice a request moves by no more than this many times its callee's move
PATH = 0.9
REACH = 0.5  # how much the share of all symptoms that lie behind a component adds to its score
FAINT = 0.05  # what is within the noise may still order what is otherwise equal
FELT = 0.1
FIRST_MS = 30_000


@dataclass(frozen=True)
class Symptoms:
    """What was seen of one component. `slower`, `failing`: the moves behind the strengths, in the metric's unit."""

    own: float = 0.0
    latency: float = 0.0
    errors: float = 0.0
    outbound: float = 0.0
    slower: float = 0.0
    failing: float = 0.0

    @property
    def served(self) -> float:
        """The strongest of what its users feel."""
        return max(self.latency, self.errors)

    @property
    def weight(self) -> float:
        """The strongest of what it shows itself."""
        return max(self.own, self.served)

    @property
    def felt(self) -> float:
        """The strongest of what may come from elsewhere."""
        return max(self.served, self.outbound)


@dataclass(frozen=True)
class Standing:
    """A component's score and its parts, for the explanation. `explained_by` is the callee that took most away."""

    name: str
    score: float
    own: float
    served: float
    path: float
    explained_by: str = ""


def anomaly(z: float, half: float = 8.0) -> float:
    """|z| as 0..1: at most FAINT up to 3, then logarithmic (scales differ by kind), near one half at `half`."""
    size = abs(z)
    if not math.isfinite(size):
        return 1.0 if math.isinf(size) else 0.0
    if size <= 3.0:
        return FAINT * size / 3.0
    x = math.log(size / 3.0) / math.log(half / 3.0)
    return FAINT + (1.0 - FAINT) * x / (1.0 + x)


class CallGraph:
    """Who calls whom, of (caller, callee) pairs; cycles and names without symptoms are allowed."""

    def __init__(self, calls: Iterable[tuple[str, str]]) -> None:
        self.callees: dict[str, list[str]] = {}
        self.callers: dict[str, list[str]] = {}
        for a, b in sorted({(a, b) for a, b in calls if a != b}):
            self.callees.setdefault(a, []).append(b)
            self.callers.setdefault(b, []).append(a)

    def behind(self, name: str, seen: Mapping[str, Symptoms]) -> frozenset[str]:
        """`name` and the components that may suffer from it: callers of callers, as long as each feels something."""
        found, todo = {name}, [name]
        while todo:
            for caller in self.callers.get(todo.pop(), ()):
                if caller not in found and seen.get(caller, _NOTHING).felt > FELT:
                    found.add(caller)
                    todo.append(caller)
        return frozenset(found)


_NOTHING = Symptoms()


def rank(
    seen: Mapping[str, Symptoms], calls: Iterable[tuple[str, str]], *, onsets: Mapping[str, int] | None = None
) -> list[Standing]:
    """Components best first. `calls` are (caller, callee); `onsets` (ms) break near ties: who moved first comes first.

    score = (own + unexplained served + path) x (1 + REACH x share of all symptoms that lie at it or behind it), where
      unexplained served = the larger of latency and errors, each x (1 - EXPLAINED x its best explanation by a callee),
      path = PATH x mean outbound anomaly of its callers - what those callers' other callees explain.
    """
    graph = CallGraph(calls)
    names = sorted({*seen, *graph.callees, *graph.callers})
    total = sum(s.felt for s in seen.values() if s.felt > FELT) or 1.0
    out = []
    for name in names:
        mine = seen.get(name, _NOTHING)
        served, by = _unexplained(name, seen, graph)
        path = _path(name, seen, graph)
        reach = sum(f for n in graph.behind(name, seen) if (f := seen.get(n, _NOTHING).felt) > FELT) / total
        score = (mine.own + served + path) * (1 + REACH * reach)
        out.append(Standing(name, score, mine.own, mine.served, path, by))
    moments = onsets or {}
    last = max(moments.values(), default=0)
    return sorted(out, key=lambda s: (-round(s.score, 3), moments.get(s.name, last) // FIRST_MS, s.name))


def _unexplained(name: str, seen: Mapping[str, Symptoms], graph: CallGraph) -> tuple[float, str]:
    """(what is left of the served symptom, the callee that took most away or "")."""
    mine = seen.get(name, _NOTHING)
    left, by, most = 0.0, "", 0.0
    for strength, move, of in ((mine.latency, mine.slower, "latency"), (mine.errors, mine.failing, "errors")):
        if strength <= 0:
            continue
        best = 0.0
        for callee in graph.callees.get(name, ()):
            taken = min(1.0, _explains(seen.get(callee, _NOTHING), of, move) / strength)
            best = max(best, taken)
            if taken > most and seen.get(callee, _NOTHING).weight >= FELT:
                most, by = taken, callee
        left = max(left, strength * (1 - EXPLAINED * best))
    return left, by if most >= 0.3 else ""


def _explains(callee: Symptoms, of: str, move: float) -> float:
    """How much the callee can do to a caller: its own trouble, or its symptom as far as its size could make `move`."""
    symptom, moved = (callee.latency, callee.slower) if of == "latency" else (callee.errors, callee.failing)
    enough = min(1.0, FAN_OUT * moved / move) if move > 0 else 1.0
    return max(callee.own, symptom * math.sqrt(enough))


def _path(name: str, seen: Mapping[str, Symptoms], graph: CallGraph) -> float:
    """How much the callers' waiting points at the way to `name`, and at nobody else they call."""
    callers = graph.callers.get(name, [])
    if not callers:
        return 0.0
    waiting = sum(seen.get(c, _NOTHING).outbound for c in callers) / len(callers)
    rivals = max(
        (seen.get(x, _NOTHING).weight for c in callers for x in graph.callees[c] if x != name), default=0.0
    )
    return PATH * waiting * (1 - rivals) * (1.0 if seen.get(name, _NOTHING).weight < 0.9 else 0.5)

"""Who began it? Components ranked by what is wrong with themselves once what others explain is taken away.

A caller that waits for a slow callee looks slow itself; a callee behind a slow path looks healthy while all of its
callers wait. So one looks at three things of each component: `own` (its resources, its restarts), `served` (latency and
errors it answers with) and `outbound` (latency and errors it sees when calling). All are 0..1, e.g. from `anomaly`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

EXPLAINED = 0.8  # how much of a caller's symptom a fully anomalous callee takes away
PATH = 0.9
FAINT = 0.05  # what is within the noise may still order what is otherwise equal
FIRST_MS = 30_000


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


def rank(
    own: Mapping[str, float],
    served: Mapping[str, float],
    outbound: Mapping[str, float],
    calls: Iterable[tuple[str, str]],
    *,
    onsets: Mapping[str, int] | None = None,
) -> list[Standing]:
    """Components best first. `calls` are (caller, callee); `onsets` (ms) break near ties: who moved first comes first.

    score = own + unexplained served + path, where
      unexplained served = served x (1 - EXPLAINED x the strongest callee's own-or-served anomaly),
      path = PATH x mean outbound anomaly of its callers - what those callers' other callees explain.
    """
    edges = {(a, b) for a, b in calls if a != b}
    names = sorted({*own, *served, *outbound, *(n for e in edges for n in e)})
    callees = {n: [b for a, b in edges if a == n] for n in names}
    callers = {n: [a for a, b in edges if b == n] for n in names}
    weight = {n: max(own.get(n, 0.0), served.get(n, 0.0)) for n in names}
    out = []
    for n in names:
        explaining = max(callees[n], key=lambda c: (weight[c], c), default="")
        taken = EXPLAINED * weight[explaining] if explaining else 0.0
        unexplained = served.get(n, 0.0) * (1 - taken)
        path = _path(n, callers, callees, weight, outbound)
        total = own.get(n, 0.0) + unexplained + path
        out.append(Standing(n, total, own.get(n, 0.0), served.get(n, 0.0), path, explaining if taken >= 0.3 else ""))
    moments = onsets or {}
    last = max(moments.values(), default=0)
    return sorted(out, key=lambda s: (-round(s.score, 3), moments.get(s.name, last) // FIRST_MS, s.name))


def _path(
    name: str,
    callers: Mapping[str, list[str]],
    callees: Mapping[str, list[str]],
    weight: Mapping[str, float],
    outbound: Mapping[str, float],
) -> float:
    """How much the callers' waiting points at the way to `name`, and at nobody else they call."""
    waiting = [outbound.get(c, 0.0) for c in callers[name]]
    if not waiting:
        return 0.0
    others = [weight[x] for c in callers[name] for x in callees[c] if x != name]
    rivals = max(others, default=0.0)
    return PATH * (sum(waiting) / len(waiting)) * (1 - rivals) * (1.0 if weight[name] < 0.9 else 0.5)

"""Who began it? Components ranked by what is wrong with themselves once what others explain is taken away.

A caller that waits for a slow callee looks slow itself; a callee behind a slow path looks healthy while all of its
callers wait; traffic that rises or falls comes from the callers. So one looks at several things of each component, all
0..1, e.g. from `anomaly`: `own` (its resources), `load` and `fall` (its traffic and work), `latency` and `errors` it
answers with, and `outbound` latency and errors it sees when calling.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tools.analysis.calls import CallGraph
from tools.analysis.robust import Floats

FAN_OUT = 2.0  # a caller that calls once or twice a request moves by no more than this many times its callee's move
PATH = 0.9
BLIND = 1.2  # of two callees that could hold up a caller, the one nobody measures has nothing to speak for it
FAINT = 0.05  # what is within the noise may still order what is otherwise equal
FELT = 0.1
TOLD = 0.3  # an explanation below this share is not worth naming


@dataclass(frozen=True)
class Weights:
    """What was chosen, not derived. `culprit eval public --thorough` says how little hangs on it."""

    explained: float = 0.8  # how much of a caller's symptom a fully anomalous callee takes away
    waits: float = 0.8  # how much of a component's slowness its own waiting for others explains
    fall: float = 0.5  # work that falls is a symptom of others more often than work that rises
    reach: float = 0.5  # how much the share of all symptoms that lie behind a component adds to its score


WEIGHTS = Weights()


@dataclass(frozen=True)
class Symptoms:
    """What was seen of one component. Moves behind the strengths of latency and errors: `slower` in the metric's
    unit, `rise` as a share of the level before, `failing` as a ratio."""

    own: float = 0.0
    load: float = 0.0
    fall: float = 0.0
    latency: float = 0.0
    errors: float = 0.0
    outbound: float = 0.0
    slower: float = 0.0
    rise: float = 0.0
    failing: float = 0.0

    @property
    def served(self) -> float:
        """The strongest of what its users feel."""
        return max(self.latency, self.errors)

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


def anomalies(z: Floats, half: float = 8.0) -> Floats:
    """|z| as 0..1: at most FAINT up to 3, then logarithmic (scales differ by kind), near one half at `half`; nan: 0."""
    size = np.nan_to_num(np.abs(z), nan=0.0, posinf=np.inf)
    with np.errstate(all="ignore"):
        x = np.log(np.maximum(size, 3.0) / 3.0) / math.log(half / 3.0)
        beyond = np.where(np.isinf(x), 1.0, x / (1.0 + x))
    return np.asarray(np.where(size <= 3.0, FAINT * size / 3.0, FAINT + (1.0 - FAINT) * beyond), dtype=np.float64)


def anomaly(z: float) -> float:
    """`anomalies` of one."""
    return float(anomalies(np.array([z]))[0])


_NOTHING = Symptoms()


def rank(
    seen: Mapping[str, Symptoms], calls: Iterable[tuple[str, str]], weights: Weights = WEIGHTS
) -> list[Standing]:
    """Components best first. `calls` are (caller, callee); cycles and names without symptoms are allowed.

    score = (own + unexplained served + path) x (1 + reach x share of all symptoms that lie at it or behind it), where
      own = the largest of own, load and weights.fall x fall,
      unexplained served = the larger of latency and errors, each x (1 - explained x its best explanation),
      path = PATH x mean over its callers of what they see outbound, less what their other callees explain.
    A symptom is explained by a callee or by waiting for callees; where no call graph knows the component, by any other
    whose symptom rose more: a callee's trouble is diluted on its way up.
    """
    view = _View(seen, CallGraph(calls), weights)
    names = sorted({*seen, *view.graph.callees, *view.graph.callers})
    felt = {n: s.felt for n, s in seen.items() if s.felt > FELT}
    total = sum(felt.values()) or 1.0
    out = []
    for name in names:
        mine = view.of(name)
        served, by = view.unexplained(name)
        path = view.path(name)
        own = max(mine.own, mine.load, weights.fall * mine.fall)
        reach = sum(felt.get(n, 0.0) for n in view.graph.behind(name, felt)) / total
        score = (own + served + path) * (1 + weights.reach * reach)
        out.append(Standing(name, score, own, mine.served, path, by))
    return sorted(out, key=lambda s: (-round(s.score, 3), s.name))


@dataclass(frozen=True)
class _View:
    """The symptoms on the call graph."""

    seen: Mapping[str, Symptoms]
    graph: CallGraph
    weights: Weights

    def of(self, name: str) -> Symptoms:
        return self.seen.get(name, _NOTHING)

    def unexplained(self, name: str) -> tuple[float, str]:
        """(what is left of the served symptom, the callee that took most away or "")."""
        mine = self.of(name)
        left, by, most = 0.0, "", 0.0
        for strength, of in ((mine.latency, "latency"), (mine.errors, "errors")):
            if strength <= 0:
                continue
            taken, who = self._explanation(name, of, strength)
            if who and taken > most:
                most, by = taken, who
            if of == "latency" and self.graph.callees.get(name):
                taken = max(taken, self.weights.waits * min(1.0, mine.outbound / strength))
            left = max(left, strength * (1 - self.weights.explained * taken))
        return left, by if most >= TOLD else ""

    def _explanation(self, name: str, of: str, strength: float) -> tuple[float, str]:
        """(the largest share of a symptom that another component explains, which)."""
        mine = self.of(name)
        if self.graph.knows(name):
            found = [(self._does(callee, of, mine), callee) for callee in self.graph.callees.get(name, ())]
        else:
            found = [(_outdoes(other, of, mine), n) for n, other in self.seen.items() if n != name]
        power, who = max(found, default=(0.0, ""))
        return min(1.0, power / strength), who if power >= FELT else ""

    def _does(self, callee: str, of: str, caller: Symptoms) -> float:
        """How much the callee can do to a caller: its own trouble, or its symptom as far as its size could."""
        it = self.of(callee)
        symptom, moved, move = (
            (it.latency, it.slower, caller.slower) if of == "latency" else (it.errors, it.failing, caller.failing)
        )
        enough = min(1.0, FAN_OUT * moved / move) if move > 0 else 1.0
        return max(it.own, symptom * math.sqrt(enough))

    def path(self, name: str) -> float:
        """How much the callers' waiting points at the way to `name`, and at nobody else they call."""
        callers = self.graph.callers.get(name, [])
        if not callers:
            return 0.0
        waiting = sum(self.of(c).outbound * (1 - self._rival(c, name)) for c in callers) / len(callers)
        return PATH * waiting * (1.0 if name in self.seen else BLIND)

    def _rival(self, caller: str, name: str) -> float:
        """The worst trouble of another callee of that caller, less what that one only waits for itself."""
        worst = 0.0
        for other in self.graph.callees[caller]:
            if other != name:
                it = self.of(other)
                waits = self.weights.waits * min(1.0, it.outbound / it.latency) if it.latency > 0 else 0.0
                worst = max(worst, it.own, it.errors, it.latency * (1 - waits))
        return worst


def _outdoes(other: Symptoms, of: str, mine: Symptoms) -> float:
    """How much of a symptom another's larger one explains where nobody knows who calls whom."""
    symptom, theirs, own = (
        (other.latency, other.rise, mine.rise) if of == "latency" else (other.errors, other.failing, mine.failing)
    )
    return symptom * (1 - own / theirs) if 0 < own < theirs else 0.0

"""A storm with known causes: thousands of alerts from faults planted in a system of services, and how well a grouping
of them fits.

Faults spread along dependencies with delays; victims alert on many instances under many names; three quarters
of a victim's alerts name the dependency they fail on. Independent means: no planted service needs another planted one.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agent.incident import Severity, Signal, SignalKind
from agent.topology import Topology
from tools.sources.inventory import Host, Inventory, Service

LAYERS = (("edge", 4), ("api", 10), ("core", 12), ("worker", 6), ("store", 8))  # 40 services
NAMES = ("HighLatency", "ErrorRate", "SaturatedPool", "QueueGrowing", "SlowRequests", "Timeouts")
HOSTS = 12
NAMED = 0.75  # request metrics carry the destination; resource alerts do not


@dataclass(frozen=True)
class Storm:
    """`truth[i]` is the number of the cause of `signals[i]`; both are in the order of delivery, with repeats."""

    inventory: Inventory
    signals: tuple[Signal, ...]
    truth: tuple[int, ...]
    onsets: tuple[int, ...]


def make_inventory(rng: random.Random) -> Inventory:
    """Forty services in layers, each needing one to three of the layers below."""
    layers = [[f"{kind}-{n}" for n in range(count)] for kind, count in LAYERS]
    services = []
    for depth, names in enumerate(layers):
        below = [n for layer in layers[depth + 1 : depth + 3] for n in layer]
        for name in names:
            needs = tuple(sorted(rng.sample(below, rng.randint(1, 3)))) if below else ()
            services.append(Service(name=name, depends_on=needs, containers=tuple(f"{name}-c{i}" for i in range(3))))
    hosts = tuple(Host(name=f"host-{n}", instance=f"10.0.0.{n}:9100") for n in range(HOSTS))
    return Inventory(services=tuple(services), hosts=hosts)


def make_storm(*, seed: int, alerts: int = 10_000, causes: int = 12, minutes: float = 30, start_ms: int) -> Storm:
    """Every third fault begins at the same second as the one before it."""
    rng = random.Random(seed)
    inventory = make_inventory(rng)
    topology = Topology(inventory)
    roots = _independent(rng, topology, [s.name for s in inventory.services], causes)
    onsets: list[int] = []
    for number in range(causes):
        together = number % 3 == 1
        onsets.append(onsets[-1] if together else start_ms + int(rng.uniform(0, minutes * 60_000)))
    drawn: list[tuple[float, Signal, int]] = []
    for number, root in enumerate(roots):
        victims = _victims(rng, topology, inventory, root)
        for index in range(alerts * 9 // 10 // causes):
            signal = _alert(rng, topology, root, rng.choice(victims), onsets[number], index, number)
            drawn.append((signal.starts_ms + rng.expovariate(1 / 20_000), signal, number))
    drawn += [(at + rng.uniform(0, 60_000), signal, number) for at, signal, number in
              rng.choices(drawn, k=alerts - len(drawn))]
    drawn.sort(key=lambda d: d[0])
    return Storm(inventory, tuple(d[1] for d in drawn), tuple(d[2] for d in drawn), tuple(onsets))


def _independent(rng: random.Random, topology: Topology, names: list[str], count: int) -> list[str]:
    chosen: list[str] = []
    while len(chosen) < count:
        chosen = []
        for name in rng.sample(names, len(names)):
            apart = all(topology.hops(name, c) is None and topology.hops(c, name) is None for c in chosen)
            if apart and len(chosen) < count:
                chosen.append(name)
    return chosen


def _victims(rng: random.Random, topology: Topology, inventory: Inventory, root: str) -> list[str]:
    hit = [s.name for s in inventory.services
           if (hops := topology.hops(s.name, root)) is not None and rng.random() < 0.7**hops]
    return [root, root, *hit]  # the fault itself is louder than its echoes


def _alert(
    rng: random.Random, topology: Topology, root: str, victim: str, onset: int, index: int, cause: int
) -> Signal:
    hops = topology.hops(victim, root) or 0
    starts = onset + int(hops * rng.uniform(5_000, 30_000) + rng.uniform(0, 90_000))
    labels = {"alertname": rng.choice(NAMES), "service": victim, "instance": f"10.0.0.{rng.randrange(HOSTS)}:8080",
              "handler": f"/v1/{cause}/{index}"}
    if hops and rng.random() < NAMED:
        labels["upstream"] = root
    severity = Severity.CRITICAL if not hops and rng.random() < 0.2 else Severity.WARNING
    return Signal(kind=SignalKind.ALERT, fingerprint=f"{cause:02d}-{index:05d}", received_ms=starts, starts_ms=starts,
                  title=labels["alertname"], severity=severity, labels=labels)


def pairwise(truth: Sequence[object], found: Sequence[object]) -> tuple[float, float]:
    """(precision, recall) of "these two belong together" over all pairs of positions.

    Precision is the share of pairs we put together that belong together; recall the share of those that do that we
    put together. 1.0 where there is no such pair.
    """
    both = _pairs(Counter(zip(truth, found, strict=True)))
    ours, theirs = _pairs(Counter(found)), _pairs(Counter(truth))
    return both / ours if ours else 1.0, both / theirs if theirs else 1.0


def _pairs(sizes: Counter[object] | Counter[tuple[object, object]]) -> int:
    return sum(n * (n - 1) // 2 for n in sizes.values())

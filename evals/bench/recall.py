"""How fast a thousand past incidents are recalled, and how many cases a minute an evaluation takes here."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence

from agent.precedents import Precedents, Seen
from agent.signature import Trait
from evals.case import BUNDLED, find_cases
from evals.run import run_cases
from tools.findings import KINDS

STORED, ASKED = 1_000, 200
DIRECTIONS, LEVELS, ROLES = ("", "up", "down"), ("container", "service", "host"), ("", "active", "standby", "both")
WORDS = ("대기열", "지연", "워커", "오류", "전환", "latency", "queue", "worker", "errors", "switch", "redis", "proxy")


def stored(count: int, *, seed: int) -> list[Seen]:
    """Past incidents of about twenty traits each with a note in two languages."""
    rng = random.Random(seed)
    kinds = sorted(KINDS)
    out = []
    for number in range(count):
        traits = {Trait(rng.choice(kinds), rng.choice(DIRECTIONS), rng.choice(LEVELS), rng.choice(ROLES)):
                  rng.uniform(0.3, 1.0) for _ in range(20)}
        text = " ".join(rng.choices(WORDS, k=30))
        out.append(Seen(f"case-{number}", f"inc-{number}", number, traits, text=text))
    return out


def recall_ms(seen: Sequence[Seen], asked: int) -> list[float]:
    """Milliseconds of each recall; the index is built before."""
    index = Precedents(seen)
    out = []
    for one in list(seen)[:asked]:
        began = time.perf_counter()
        index.search(one.signature, text=one.text, now_ms=1_795_000_000_000)
        out.append((time.perf_counter() - began) * 1000)
    return sorted(out)


def main() -> None:
    """Print both figures."""
    taken = recall_ms(stored(STORED, seed=1), ASKED)
    sys.stdout.write(f"recall among {STORED} past incidents: p50 {taken[len(taken) // 2]:.1f} ms, "
          f"p95 {taken[int(len(taken) * 0.95)]:.1f} ms (asked: 50 ms)\n")
    folders = find_cases(BUNDLED)
    began = time.perf_counter()
    run_cases(folders)
    seconds = time.perf_counter() - began
    sys.stdout.write(f"evaluation: {len(folders) / seconds * 60:.0f} cases a minute in one process\n")


if __name__ == "__main__":
    main()

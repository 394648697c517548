"""A snapshot as large as a real site's: many series, a million log lines, and one line that matters among them.

    python -m evals.bench.big_snapshot [SERIES POINTS LINES]

Prints seconds and peak memory of an investigation of it, and whether the needle was surfaced. Exit 1 where it was not.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from evals.lab.inventory_file import render_inventory
from evals.lab.names import PLAIN
from evals.lab.scenario import Tuning
from evals.run import investigate_case
from tools.evidence import iso

START_MS = 1_795_200_000_000
STEP_MS = 5_000
NEEDLE = '{"level":"error","msg":"ledger partition 7 lost its quorum"}'
CONTAINERS = tuple(n for c in PLAIN.colours for n in (PLAIN.api_of(c), PLAIN.worker_of(c)))
BEFORE_NOW_MS = 120_000


def write_big_case(folder: Path, *, series: int, points: int, lines: int, seed: int = 7) -> None:
    """A case folder of `series` x `points` samples and `lines` log lines; the needle is one, two minutes before now."""
    folder.mkdir(parents=True)
    end = START_MS + points * STEP_MS
    rng = random.Random(seed)
    _dump(folder / "snapshot.yaml", _manifest(folder.name, end))
    _dump(folder / "case.yaml", {
        "format": 1, "title": {"en": "A large snapshot"}, "origin": {"kind": "synthetic"}, "licence": "Apache-2.0",
        "signals": [{"kind": "question", "at": iso(end), "text": "Is something wrong?", "lang": "en"}],
        "recording": folder.name})
    (folder / "inventory.yaml").write_text(render_inventory(PLAIN, Tuning()), encoding="utf-8")
    with (folder / "metrics.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in _series(series, points, rng))
    with (folder / "logs.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in _streams(lines, end, rng))


def _dump(path: Path, document: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def _manifest(name: str, end_ms: int) -> dict[str, Any]:
    others = ("containers", "routing", "alerts", "peers", "queues", "changes")
    gone = [{"what": what, "why": "generated"} for what in others]
    server = {"prometheus": "2.42.0", "scrape_interval_s": 5, "lookback_s": 300, "default_subquery_step_s": 60}
    return {"format": 1, "id": name, "cluster": PLAIN.cluster, "window": {"start": iso(START_MS), "end": iso(end_ms)},
            "now": iso(end_ms), "server": server, "captured": ["metrics", "logs"],
            "scope": {"metrics": [], "logs": []}, "missing": gone, "neighbours": 0}


def _series(series: int, points: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    yield {"times": "t", "ms": [START_MS + i * STEP_MS for i in range(points)]}
    for number in range(series):
        name = CONTAINERS[number % len(CONTAINERS)]
        labels = {"__name__": "container_cpu_usage_seconds_total", "name": name, "cpu": f"{number // len(CONTAINERS)}",
                  "instance": PLAIN.host, "job": "containers"}
        total, values = 0.0, []
        for _ in range(points):
            total += rng.uniform(0.4, 0.6)
            values.append(round(total, 3))
        yield {"labels": labels, "times": "t", "values": values}


def _streams(lines: int, end_ms: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    each = lines // len(CONTAINERS)
    for name in CONTAINERS:
        step = (end_ms - START_MS) * 1_000_000 // each
        entries: list[list[Any]] = [[START_MS * 1_000_000 + i * step, _line(i, rng)] for i in range(each)]
        if name == CONTAINERS[-1]:
            entries.append([(end_ms - BEFORE_NOW_MS) * 1_000_000, NEEDLE])
            entries.sort(key=lambda entry: entry[0])
        service = "worker" if "worker" in name else "api"
        yield {"labels": {"container": name, "service": service, "host": PLAIN.host, "env": "prod"}, "entries": entries}


def _line(number: int, rng: random.Random) -> str:
    event = ("job_started", "job_finished")[number % 2]
    job, took = f"j-{rng.getrandbits(48):012x}", rng.randint(900, 1600)
    return f'{{"level":"info","event":"{event}","job":"{job}","duration_ms":{took}}}'


def main(arguments: list[str]) -> int:
    """Exit 1 when the needle is nowhere in the diagnosis' evidence."""
    from evals.case import load_case

    series, points, lines = (int(a) for a in arguments) if arguments else (500, 2_000, 1_000_000)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "big"
        write_big_case(folder, series=series, points=points, lines=lines)
        before = resource.getrusage(resource.RUSAGE_SELF)
        began = time.perf_counter()
        diagnosis = asyncio.run(investigate_case(load_case(folder)))
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    found = surfaced(diagnosis.evidence)
    cpu, peak = after.ru_utime - before.ru_utime, after.ru_maxrss / 1024
    needle = f"surfaced in {', '.join(found)}" if found else "NOT surfaced"
    size = f"{series} series x {points} points, {lines} lines"
    sys.stdout.write(f"{size}: {wall:.1f} s, {cpu:.1f} s CPU, peak {peak:.0f} MiB; needle {needle}\n")
    return 0 if found else 1


def surfaced(evidence: tuple[dict[str, Any], ...]) -> tuple[str, ...]:
    """The questions whose answer shows the needle's words."""
    return tuple(e["question"] for e in evidence if "lost its quorum" in json.dumps(e, ensure_ascii=False, default=str))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m evals.bench.tokens`: what a model is sent for each recorded case, beside the raw answers of the sources.

Tokens are UTF-8 bytes over four: tokenizer files cannot be fetched everywhere, and the ratio is what counts. A scripted
model asks what the analyst leaves to ask on that case and concludes; every turn's messages and tools are counted.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from agent.assemble import assemble
from agent.contrary import Curious, seat
from agent.wire import BYTES_PER_TOKEN
from config.logging import configure_logging
from config.settings import Log
from evals.case import find_cases, load_case
from tools.recorded.world import open_world
from tools.world import World

CASES = Path(__file__).resolve().parents[1] / "cases"
ASKED = ("metrics.onset", "changes.recent", "containers.state", "bluegreen.views", "logs.activity", "metrics.change",
         "metrics.health", "alerts.active", "logs.onset")  # triage asks these of itself
MARK_TURN, MARK_INCIDENT = 8_000, 25_000


@dataclass
class Raw:
    """Bytes that the sources answered with, as JSON."""

    size: int = 0


class Weighed:
    """A source whose answers are weighed as they pass."""

    def __init__(self, source: Any, raw: Raw) -> None:
        self._source, self._raw = source, raw

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._source, name)

        async def ask(*args: Any, **kwargs: Any) -> Any:
            answer = await method(*args, **kwargs)
            self._raw.size += len(json.dumps(_plain(answer), ensure_ascii=False, default=str).encode())
            return answer

        return ask if asyncio.iscoroutinefunction(method) else method


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


async def measure(folder: Path) -> tuple[list[int], int]:
    """(tokens of each turn, tokens of the raw answers) of one case."""
    case, raw = load_case(folder), Raw()
    world = _weighed(open_world(case.folder), raw)
    analyst = await assemble(open_world(case.folder)).investigate(
        case.incident(), run_id="analyst", asked_at_ms=case.now_ms)
    more = tuple(dict.fromkeys(e["question"] for e in analyst.evidence if e["question"] not in ASKED))
    curious = Curious(questions=more)
    one_try = replace(assemble(world), models=(seat(curious),))
    await replace(one_try, budget=replace(one_try.budget, attempts=0)).investigate(
        case.incident(), run_id="tokens", asked_at_ms=case.now_ms)
    return curious.sizes, raw.size // BYTES_PER_TOKEN


def _weighed(world: World, raw: Raw) -> World:
    sources = ("metrics", "logs", "containers", "routing", "changes", "alerts", "peers", "queues")
    weighed: dict[str, Any] = {s: Weighed(getattr(world, s), raw) for s in sources if getattr(world, s) is not None}
    return replace(world, **weighed)


def main(arguments: Sequence[str]) -> int:
    """A row a case; exit 1 when a median is past its mark."""
    configure_logging(Log(level="error", format="console"))
    rows = []
    for folder in find_cases(Path(arguments[0]) if arguments else CASES):
        turns, raw = asyncio.run(measure(folder))
        rows.append((max(turns), sum(turns), raw))
        sys.stdout.write(f"{folder.name:<8} {len(turns)} turns, largest {max(turns):>6,}, incident {sum(turns):>7,}, "
                         f"raw answers {raw:>9,}, raw / largest {raw / max(turns):>5.1f}x\n")
    largest, whole = median(r[0] for r in rows), median(r[1] for r in rows)
    ratio = median(r[2] / r[0] for r in rows)
    sys.stdout.write(f"median   largest turn {largest:,.0f} (mark {MARK_TURN:,}), incident {whole:,.0f} "
                     f"(mark {MARK_INCIDENT:,}), raw / largest turn {ratio:.1f}x\n")
    return int(largest > MARK_TURN or whole > MARK_INCIDENT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

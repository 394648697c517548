"""What to replay: generated days, a CSV, or a recorded case through the same doors as live."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from config.errors import BadInput
from config.settings import Anomalies
from evals.anomaly_csv import read_csv
from evals.anomaly_replay import DAY_MS, Recorder, Replay, replay_csv, replay_days
from evals.anomaly_scores import Stretch, score
from evals.case import LABEL, load_case
from evals.label import load_label
from tools.anomalies.watch import Watch
from tools.recorded.world import open_world
from triggers.anomalies.poll import Completion, take_sample
from triggers.anomalies.streams import Streams

WARM_UP = 20  # samples: a case has no hour to warm up
GENERATED = "generated:"


def run_backtest(source: str, *, days: int, each: int, interval_ms: int) -> Replay:
    """Raises BadInput for what is no case, no CSV and no seed."""
    if source.startswith(GENERATED):
        seed = source[len(GENERATED) :]
        if not seed.isdecimal() or len(seed) > 9:
            raise BadInput(f"{source}: generated: is followed by a whole number")
        return replay_days(int(seed), days=days, each=each)
    path = Path(source)
    if path.is_dir():
        return asyncio.run(replay_case(path, interval_ms=interval_ms))
    if not path.is_file():
        raise BadInput(f"{source}: no such case folder or CSV")
    return replay_csv(read_csv(path), name=path.stem)


async def replay_case(folder: Path, *, interval_ms: int) -> Replay:
    """Poll a recorded world from its first minute to its last moment, as a watcher would have done.

    The incident is labelled from its onset to the end; plain rules have nothing to be tuned on here.
    """
    case, world = load_case(folder), open_world(folder)
    settings = Anomalies(interval_seconds=max(interval_ms / 1000, 5), drain_seconds=60, grace_seconds=60)
    start = (world.earliest_ms or case.now_ms - 600_000) + 120_000
    moments = range(-(-start // interval_ms) * interval_ms, case.now_ms + 1, interval_ms)
    recorder = Recorder(Watch(interval_ms=interval_ms, warm_up=WARM_UP), frozenset())
    completion, streams = Completion({}), Streams()
    services = tuple(s for s in world.inventory.services if s.members())
    for position, at_ms in enumerate(moments):
        sample, _ = await take_sample(world, at_ms=at_ms, settings=settings, completion=completion,
                                      sampled=services[: settings.log_samples], streams=streams)
        recorder.look(position, sample)
    events: tuple[Stretch, ...] = ()
    if (folder / LABEL).is_file():
        label = load_label(folder)
        if label.onset is not None:
            begin = max(int(label.onset - moments.start) // interval_ms, 0)
            events = (Stretch(label.family or "incident", begin, len(moments)),)
    found = score(events, recorder.raised, days=len(moments) * interval_ms / DAY_MS)
    ms = np.array(moments, dtype=np.int64)
    return Replay((("culprit", found),), tuple(recorder.alarms), recorder.traces, events, (), ms)

"""A picture of a replay: signal, the band that was expected, labelled events, alarms."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evals.anomaly_replay import DAY_MS, Replay, Trace
from tools.anomalies.sample import Watched

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_PANELS = 8
MAX_POINTS = 6_000


def draw(replay: Replay, path: Path) -> None:
    """Write a PNG of the series that alarmed most (all of a CSV's columns first)."""
    import matplotlib as mpl  # heavy, and only needed here

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    chosen = sorted(replay.traces, key=lambda key: (-_alarms(replay, key), key))[:MAX_PANELS]
    panels = max(len(chosen), 1)
    figure, axes = plt.subplots(panels, 1, figsize=(14, 2.4 * panels), sharex=True, squeeze=False)
    for axis, key in zip(axes[:, 0], chosen, strict=False):
        _panel(axis, replay, replay.traces[key], [a.at_ms for _, a in replay.alarms if a.about == key])
    first = replay.traces[chosen[0]].ms[0] if chosen else 0
    axes[-1, 0].set_xlabel(f"days since {datetime.fromtimestamp(first / 1000, UTC):%Y-%m-%d %H:%M} UTC")
    figure.suptitle("red: alarms; grey: labelled events; green: planned; blue band: expected ± limit", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _alarms(replay: Replay, key: Watched) -> int:
    return sum(1 for _, a in replay.alarms if a.about == key)


def _panel(axis: Axes, replay: Replay, trace: Trace, alarms: list[int]) -> None:
    first = trace.ms[0]
    step = max(len(trace.ms) // MAX_POINTS, 1)
    days = (np.array(trace.ms[::step]) - first) / DAY_MS
    expected, half = np.array(trace.expected[::step]), np.array(trace.half[::step])
    axis.fill_between(days, expected - half, expected + half, color="tab:blue", alpha=0.2, linewidth=0)
    axis.plot(days, np.array(trace.value[::step]), color="black", linewidth=0.6)
    for events, colour in ((replay.events, "grey"), (replay.planned, "green")):
        for event in events:
            if replay.ms is not None and replay.ms.size:
                last = replay.ms.size - 1
                start, end = (float(replay.ms[min(at, last)] - first) / DAY_MS for at in (event.start, event.end))
                axis.axvspan(start, end, color=colour, alpha=0.2)
    for at in alarms:
        axis.axvline((at - first) / DAY_MS, color="red", linewidth=0.8)
    values = np.array(trace.value)[np.isfinite(trace.value)]
    if values.size:
        room = 0.1 * max(float(np.ptp(values)), 1e-9)
        axis.set_ylim(float(values.min()) - room, float(values.max()) + room)
    axis.set_ylabel(trace.name[-34:], fontsize=7)

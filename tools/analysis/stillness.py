"""Evidence that a stream which always speaks has stopped, for many streams at once.

Silent for k intervals in which `e` events were due, a Poisson stream is so with probability exp(-e). Log lines come in
bursts, so `e` is divided by the stream's own dispersion (variance / mean), and the run of silence must beat the longest
one it usually has.
"""

from __future__ import annotations

import numpy as np

from tools.analysis.season import Mask, Rows

EVIDENCE = 13.8  # exp(-13.8) = 1e-6
LEAST = 2  # intervals
ROOM = 2.0  # times the longest usual run of silence
FADE = 0.9995  # of that memory, per interval
HEARD = 20  # intervals with lines before a stream is known to speak
_STATE = ("run", "due", "longest", "heard", "silent")


class Stillness:
    """State of shape (n,) per column; `silent` is 1 while the silence is told."""

    def __init__(self, rows: int = 0) -> None:
        self.state: dict[str, Rows] = {name: np.zeros(rows, np.float32) for name in _STATE}

    def extend(self, more: int) -> None:
        """Add rows at the end."""
        for name, column in self.state.items():
            self.state[name] = np.concatenate([column, np.zeros(more, np.float32)])

    def clear(self, row: int) -> None:
        """Forget one stream."""
        for column in self.state.values():
            column[row] = 0

    def step(self, counts: Rows, expected: Rows, spread: Rows, *, judged: Mask, factor: Rows) -> tuple[Mask, Mask]:
        """(fell silent now, speaks again now). nan counts are unknown and neither silence nor speech."""
        state, spoke = self.state, np.nan_to_num(counts, nan=1.0) > 0
        known = np.isfinite(counts)
        again = known & spoke & (state["silent"] > 0)
        ended = known & spoke & (state["run"] > 0) & (state["silent"] == 0)
        state["longest"] = np.where(ended, np.maximum(state["longest"], state["run"]), state["longest"] * FADE)
        state["heard"] += known & spoke
        dispersion = np.maximum(1, spread**2 / np.maximum(expected, 0.1))
        quiet = known & ~spoke & judged
        state["run"] = np.where(quiet, state["run"] + 1, np.where(known, 0, state["run"])).astype(np.float32)
        state["due"] = np.where(quiet, state["due"] + np.maximum(expected, 0) / dispersion,
                                np.where(known, 0, state["due"])).astype(np.float32)
        enough = (state["due"] >= EVIDENCE * factor) & (state["run"] >= np.maximum(LEAST, ROOM * state["longest"] + 1))
        began = quiet & enough & (state["heard"] >= HEARD) & (state["silent"] == 0)
        state["silent"] = np.where(began, 1, np.where(again, 0, state["silent"])).astype(np.float32)
        return np.asarray(began, np.bool_), np.asarray(again, np.bool_)

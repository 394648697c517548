"""Windows of a question: what was captured of the baseline, and the step that keeps an answer small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.analysis.onset import Ints
from tools.analysis.robust import Floats
from tools.sources.metrics import Series
from tools.world import Scope, World

MAX_POINTS = 720
NS = 1_000_000


@dataclass(frozen=True)
class Grid:
    """Regular moments start, start + step, … <= end (ms). `split` is the first index at or after the onset guess."""

    start_ms: int
    end_ms: int
    step_ms: int
    onset_ms: int

    @property
    def ms(self) -> Ints:
        """The moments, shape (n,)."""
        return np.arange(self.start_ms, self.end_ms + 1, self.step_ms, dtype=np.int64)

    @property
    def split(self) -> int:
        """How many moments lie before the onset guess."""
        return int(np.searchsorted(self.ms, self.onset_ms))

    def place(self, series: Series) -> Floats:
        """A series' values on the grid, shape (n,), nan where it has no sample."""
        out = np.full(self.ms.size, np.nan)
        index = np.rint((series.ms - self.start_ms) / self.step_ms).astype(np.int64)
        inside = (index >= 0) & (index < out.size)
        out[index[inside]] = series.values[inside]
        return out


def first_ms(world: World, scope: Scope, range_ms: int = 0) -> int:
    """The earliest moment of the baseline that can be asked about with a look-back of `range_ms`."""
    start = scope.baseline[0]
    return start if world.earliest_ms is None else max(start, world.earliest_ms + range_ms)


def earlier_ms(world: World, scope: Scope) -> int:
    """A moment that stands for the past: a quarter into the baseline, clear of what led up to the onset."""
    start = first_ms(world, scope)
    return start + max(0, scope.baseline[1] - start) // 4


def rate_window_ms(world: World) -> int:
    """The range for rates: four scrapes, so that one lost scrape still leaves a rate."""
    return 4 * world.scrape_interval_ms


def grid(world: World, scope: Scope, range_ms: int = 0, max_points: int = MAX_POINTS) -> Grid:
    """Baseline start to asked_at in at most `max_points` points, the step a whole number of scrapes."""
    scrape = max(world.scrape_interval_ms, 1)
    start, end = first_ms(world, scope, max(range_ms, scrape)), scope.asked_at_ms
    steps = max(1, -(-max(end - start, 0) // (scrape * (max_points - 1))))
    return Grid(min(start, end), end, steps * scrape, scope.incident[0])


def log_step_ms(start_ms: int, end_ms: int, max_points: int = MAX_POINTS) -> int:
    """A step for counts: 5 s, or longer where the window would have too many points."""
    return max(5_000, -(-(end_ms - start_ms) // max_points) // 1_000 * 1_000)


def seconds(window: tuple[int, int]) -> float:
    """Length of a window in seconds, never 0."""
    return max((window[1] - window[0]) / 1000, 1e-3)

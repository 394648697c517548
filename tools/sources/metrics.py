"""The metrics seam: what a question may ask of Prometheus, live or recorded.

Times are Unix milliseconds. Values are floats; a stale marker never leaves a source: it ends a series and is no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Series:
    """One labelled series: `ms` int64 timestamps ascending, `values` float64, both of shape (n,)."""

    labels: Mapping[str, str]
    ms: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]

    def label(self, name: str) -> str:
        """The label's value, or "" where it is absent (as PromQL treats it)."""
        return self.labels.get(name, "")


@dataclass(frozen=True)
class MetricsResult:
    """What a query returned. `warnings` are the server's own (partial responses become gaps)."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()


class Metrics(Protocol):
    """Raises SourceUnavailable, SourceRefused, QueryError or NotCaptured; never returns half an answer silently."""

    async def instant(self, promql: str, *, at_ms: int) -> MetricsResult:
        """Evaluate at one moment; each series has one point."""
        ...

    async def range(self, promql: str, *, start_ms: int, end_ms: int, step_ms: int) -> MetricsResult:
        """Evaluate at start, start + step, … <= end."""
        ...

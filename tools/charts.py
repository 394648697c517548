"""Charts of telling series: thinned to what can be printed, the peaks kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tools.analysis.onset import Ints
from tools.analysis.robust import Floats
from tools.evidence import Chart

MAX_POINTS = 240


def chart(title: str, unit: str, ms: Ints, values: Floats, marks: Sequence[tuple[int | None, str]] = ()) -> Chart:
    """At most 240 points: of each group of neighbours the one farthest from the series' median, None at a gap.

    `ms` and `values` are of shape (n,); marks without a moment are left out.
    """
    width = -(-ms.size // MAX_POINTS)
    finite = values[np.isfinite(values)]
    middle = float(np.median(finite)) if finite.size else 0.0
    points = [_telling(ms[i : i + width], values[i : i + width], middle) for i in range(0, ms.size, max(width, 1))]
    kept = tuple((at, what) for at, what in marks if at is not None)
    return Chart(title, unit, tuple(t for t, _ in points), tuple(v for _, v in points), kept)


def _telling(ms: Ints, values: Floats, middle: float) -> tuple[int, float | None]:
    away = np.where(np.isfinite(values), np.abs(values - middle), -1.0)
    at = int(np.argmax(away))
    return int(ms[0]), None if away[at] < 0 else float(values[at])

"""What may alarm about each kind of series: which direction, how far, and how small a move cannot matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.analysis.robust import Floor

UP, DOWN, BOTH = 1, -1, 0


@dataclass(frozen=True)
class Sensitivity:
    """`z`: scales from expectation; `effect`: least move relative to the expectation, `least`: in the series' unit.

    `counts`: values are events of one interval, and scatter at least as a Poisson count does. `at_once`: one sample is
    enough if it is half as far again as `z` (else two in a row). `wide`: share of the whole history's spread believed
    as noise.
    """

    direction: int
    floor: Floor
    z: float = 5.0
    effect: float = 0.0
    least: float = 0.0
    counts: bool = False
    at_once: bool = False
    wide: float = 0.0


KINDS: Mapping[str, Sensitivity] = {
    "lines": Sensitivity(BOTH, Floor(1.0, 0.10), effect=0.45, least=10, counts=True),
    "requests": Sensitivity(BOTH, Floor(0.5, 0.08), effect=0.35, least=5, counts=True),
    "error_share": Sensitivity(UP, Floor(0.006, 0.15), least=0.03),
    "errors": Sensitivity(UP, Floor(0.02, 0.15), effect=0.5, least=0.1),
    "latency": Sensitivity(UP, Floor(0.005, 0.08), effect=0.45),
    "queue": Sensitivity(UP, Floor(2.0, 0.20), effect=0.5, least=8),
    "saturation": Sensitivity(UP, Floor(0.03, 0.08), effect=0.3, least=0.15),
    "completion": Sensitivity(DOWN, Floor(0.02, 0.02), least=0.1),
    "restarts": Sensitivity(UP, Floor(0.3, 0.2), z=3.0, least=0.9),
    "memory": Sensitivity(UP, Floor(2_000_000.0, 0.05), z=8.0, effect=0.5),
    "series": Sensitivity(BOTH, Floor(1e-9, 0.01), z=5.5, at_once=True, wide=0.05),
}


def sensitivity(kind: str) -> Sensitivity:
    """An unknown kind is judged as a series nothing is known about."""
    return KINDS.get(kind, KINDS["series"])

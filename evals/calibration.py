"""Does a confidence of 0.8 mean right in eight of ten? Expected calibration error, and what one fit would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 10


@dataclass(frozen=True)
class Said:
    """One published cause: how sure it was, whether it was right, and the recording it comes from."""

    confidence: float
    right: float
    recording: str


@dataclass(frozen=True)
class Bin:
    """Causes whose confidence lies in [low, high): `n`, mean confidence and share right."""

    low: float
    high: float
    n: int
    confidence: float
    right: float


def bins_of(said: Sequence[Said]) -> tuple[Bin, ...]:
    """Ten equal bins; empty ones are left out."""
    if not said:
        return ()
    confidence = np.array([s.confidence for s in said])
    right = np.array([s.right for s in said])
    index = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return tuple(
        Bin(b / BINS, (b + 1) / BINS, int(inside.sum()), float(confidence[inside].mean()), float(right[inside].mean()))
        for b in range(BINS) if (inside := index == b).any()
    )


def expected_calibration_error(said: Sequence[Said]) -> float | None:
    """Mean over causes of |share right - confidence| of their bin (Naeini et al., 2015). None without causes."""
    if not said:
        return None
    return sum(b.n * abs(b.right - b.confidence) for b in bins_of(said)) / len(said)


def left_out(said: Sequence[Said]) -> tuple[Said, ...]:
    """Each confidence refitted on the other recordings only: one shift of log-odds, by bisection on the mean.

    Nothing of this is in the product. It shows how far a single fitted number would help, told honestly.
    """
    out = []
    for recording in dict.fromkeys(s.recording for s in said):
        others = [s for s in said if s.recording != recording]
        shift = _shift(others) if others else 0.0
        out += [Said(_moved(s.confidence, shift), s.right, s.recording) for s in said if s.recording == recording]
    return tuple(out)


def _moved(confidence: float, shift: float) -> float:
    bounded = min(max(confidence, 1e-3), 1 - 1e-3)
    return float(1 / (1 + np.exp(-(np.log(bounded / (1 - bounded)) + shift))))


def _shift(said: Sequence[Said]) -> float:
    """The shift that makes the mean confidence the share right, within five units of log-odds either way."""
    wanted = sum(s.right for s in said) / len(said)
    low, high = -5.0, 5.0
    for _ in range(40):
        middle = (low + high) / 2
        mean = sum(_moved(s.confidence, middle) for s in said) / len(said)
        low, high = (middle, high) if mean < wanted else (low, middle)
    return (low + high) / 2

"""How much load N instances carry: capacity(1) = base, capacity(N) = base x N x factor for N >= 2.

The rule and its factor were measured (two instances carried 1.66 times what one did, so 0.83); a user may set both.
"""

from __future__ import annotations

import math


def capacity(instances: int, base: float, factor: float = 0.83) -> float:
    """Units per second that `instances` carry. 0 for none."""
    if instances <= 0:
        return 0.0
    return base if instances == 1 else base * instances * factor


def needed(load: float, base: float, factor: float = 0.83) -> int:
    """The smallest number of instances whose capacity is at least `load` units per second."""
    if load <= 0:
        return 0
    if load <= base:
        return 1
    return max(2, math.ceil(load / (base * factor) - 1e-9))


def strength_enough(utilisation: float) -> float:
    """1 at load / capacity <= 0.7, falling to 0 at 1."""
    return min(1.0, max(0.0, (1.0 - utilisation) / 0.3))


def strength_short(utilisation: float) -> float:
    """0 at load / capacity <= 0.85, 1 from 1 on."""
    return min(1.0, max(0.0, (utilisation - 0.85) / 0.15))

"""What one poll saw, as numbers: the doors fill it from live sources, a replay from a recording or a generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Watched(NamedTuple):
    """One thing with a number. `kind` decides how it is judged (`tools/analysis/sensitivity.py`)."""

    kind: str
    service: str
    container: str = ""
    name: str = ""
    cluster: str = ""

    @property
    def where(self) -> str:
        """The container or service a person would name."""
        return self.container or self.service or self.name or "unknown"


@dataclass(frozen=True)
class Sample:
    """Values of one interval ending at `at_ms`.

    `trials`: units a share was taken of. `limits`: what a level must not reach. `waiting`: units of work done by
    containers whose role is to wait, outside drain and declared modes. `down`: scrape targets that answer no more.
    `planned`: services in a planned event ("*" for all). `lines`: a bounded sample of lines by service. A log stream
    that is not in `values` was silent if `logs_read`, else unknown. `unread`: data too bad to judge, in words.
    """

    at_ms: int
    values: Mapping[Watched, float] = field(default_factory=dict)
    trials: Mapping[Watched, float] = field(default_factory=dict)
    limits: Mapping[Watched, float] = field(default_factory=dict)
    waiting: Mapping[Watched, float] = field(default_factory=dict)
    down: frozenset[Watched] = frozenset()
    planned: frozenset[str] = frozenset()
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)
    logs_read: bool = True
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Anomaly:
    """One finding of a detector. `urgency`: critical, warning or info. `says` is one line with the numbers."""

    detector: str
    about: Watched
    at_ms: int
    since_ms: int
    value: float
    expected: float
    score: float
    urgency: str
    says: str

    @property
    def key(self) -> str:
        """Detector and subject: what feedback, cool-down and fingerprint are about."""
        return "/".join((self.detector, *(part.replace("/", "_") for part in self.about)))

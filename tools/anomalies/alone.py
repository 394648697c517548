"""Series about which nothing is known, each judged alone from its own past (`tools/analysis/single.py`)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tools.analysis.single import Single
from tools.anomalies.sample import Anomaly, Sample, Watched
from tools.anomalies.telling import tell_single

KIND = "series"
MOST = 30  # each keeps weeks of its samples; further ones are judged with all the others
FORGET_MS = 2 * 86_400_000


class Alone:
    """The first `MOST` series of that kind, by name."""

    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self.singles: dict[Watched, Single] = {}

    def takes(self, key: Watched) -> bool:
        """Whether this series is judged here; room is made for it while there is some."""
        if key in self.singles:
            return True
        if key.kind != KIND or len(self.singles) >= MOST:
            return False
        self.singles[key] = Single(interval_ms=self._interval_ms)
        return True

    def look(
        self, sample: Sample, factors: Mapping[str, float]
    ) -> tuple[dict[str, Anomaly], dict[Watched, tuple[float, float]], set[str]]:
        """What alarms by its key, the bands that were expected, and the keys of what is calm again."""
        found, bands, calm = {}, {}, set()
        for key, single in self.singles.items():
            planned = bool({"*", key.service} & sample.planned)
            value = sample.values.get(key, math.nan)
            name = anomaly_key(key)
            judged = single.look(sample.at_ms, math.nan if planned else value, factor=factors.get(name, 1.0))
            bands[key] = (judged.expected, judged.half)
            if judged.began:
                found[name] = tell_single(key, sample.at_ms, value, judged)
            if judged.ended:
                calm.add(name)
        old = [key for key, s in self.singles.items() if key not in sample.values and s.known_ms is not None
               and sample.at_ms - s.known_ms > FORGET_MS]
        for key in old:
            calm.add(anomaly_key(key))
            del self.singles[key]
        return found, bands, calm


def anomaly_key(key: Watched) -> str:
    """Of the anomaly that the series raises."""
    return "/".join((key.kind, *(part.replace("/", "_") for part in key)))

"""Anomalies in one line each, with the numbers; urgency from the size of the effect and from who feels it."""

from __future__ import annotations

import numpy as np

from tools.analysis.bank import Verdicts
from tools.analysis.leak import Climb
from tools.analysis.novelty import Novel
from tools.analysis.single import Judged
from tools.anomalies.sample import Anomaly, Sample, Watched
from tools.wording import number

WHAT = {
    "lines": "log lines an interval", "requests": "requests an interval", "error_share": "share of errors",
    "latency": "latency", "queue": "waiting in the queue", "saturation": "use of its limit",
    "completion": "finished of dispatched", "restarts": "restarts an interval", "memory": "memory", "series": "value",
}
SEEN = {
    "step": "no step to it was ever so surprising", "place": "it was never near this value",
    "still": "it never stood still for so long", "mean": "the mean of the last {width} never moved so far",
    "spread": "the last {width} were never so restless or so calm", "shape": "no earlier stretch is like the last one",
}
USERS_FEEL = ("latency", "error_share", "requests", "completion")
HUGE = 3.0  # times the limit


def tell_level(key: Watched, sample: Sample, value: float, verdicts: Verdicts, row: int, *, vanity: bool) -> Anomaly:
    """A level away from its last hour and its season."""
    expected, score = float(verdicts.expected[row]), float(verdicts.score[row])
    limit, scale = float(verdicts.limit[row]), float(verdicts.scale[row])
    huge = abs(score) >= HUGE * limit
    urgency = "critical" if huge and key.kind in USERS_FEEL else "warning" if huge or key.kind in USERS_FEEL else "info"
    name = f" ({key.name})" if key.name else ""
    says = (f"{key.where}: {WHAT.get(key.kind, key.kind)}{name} {number(float(value))}, expected {number(expected)} "
            f"± {number(scale)} ({score:+.1f} scales, limit {limit:.1f})")
    if vanity:
        says += "; request rate and errors look normal: only users' waiting tells"
    since = int(verdicts.since_ms[row]) or sample.at_ms
    return Anomaly(key.kind, key, sample.at_ms, since, float(value), expected, score, urgency, says)


def tell_single(key: Watched, at_ms: int, value: float, judged: Judged) -> Anomaly:
    """A series about which nothing is known does what it never did."""
    view, _, width = judged.view.partition(" ")
    what = SEEN[view].format(width=width)
    urgency = "warning" if abs(judged.score) >= HUGE else "info"
    name = f" ({key.name})" if key.name else ""
    says = (f"{key.where}: value{name} {number(value)}, expected {number(judged.expected)}: {what} "
            f"({min(abs(judged.score), 99.0):.1f} times the limit that its own past sets)")
    return Anomaly("series", key, at_ms, judged.since_ms, value, judged.expected, judged.score, urgency, says)


def tell_silence(key: Watched, at_ms: int, run: int, interval_ms: int, expected: float, due: float) -> Anomaly:
    """A stream that always speaks stopped."""
    says = (f"{key.where}: no log line for {run} intervals of {interval_ms // 1000} s; {number(expected)} a time are "
            f"usual, chance {np.exp(-min(due, 60)):.0e}")
    return Anomaly("silence", key, at_ms, at_ms - run * interval_ms, 0.0, expected, -due, "warning", says)


def tell_waiting(key: Watched, at_ms: int, units: float, interval_ms: int) -> Anomaly:
    """A container works though its role is to wait."""
    says = (f"{key.where}: {number(units)} units of work in {interval_ms // 1000} s although its role is to wait; "
            "no drain and no declared mode explains it")
    since = at_ms - 2 * interval_ms
    return Anomaly("standby_works", key, at_ms, since, units, 0.0, units, "warning", says)


def tell_down(key: Watched, at_ms: int, interval_ms: int) -> Anomaly:
    """A scrape target answers no more."""
    says = f"{key.where}: the scrape target {key.name} does not answer"
    return Anomaly("target_down", key, at_ms, at_ms - interval_ms, 0.0, 1.0, -1.0, "warning", says)


def tell_novel(novel: Novel, about: Watched, at_ms: int, interval_ms: int) -> Anomaly:
    """A kind of line that is new, bursts, or no longer comes."""
    said = {"new": f"{novel.count} lines of a kind never seen before",
            "burst": f"{novel.count} lines of a rare kind ({number(novel.usual)} a time are usual)",
            "vanished": f"a kind of line no longer comes ({number(novel.usual)} a time were usual)"}[novel.what]
    key = Watched("lines", about.service, about.container, novel.template[:80], about.cluster)
    urgency = "warning" if novel.bad and novel.what != "vanished" else "info"
    return Anomaly(f"{novel.what}_lines", key, at_ms, at_ms - interval_ms, float(novel.count), novel.usual,
                   float(novel.count), urgency, f"{about.where}: {said}: {novel.template[:160]}")


def tell_climb(key: Watched, at_ms: int, climb: Climb) -> Anomaly:
    """A level climbs steadily and would reach its limit within a day."""
    name = f" ({key.name})" if key.name else ""
    says = (f"{key.where}: {key.kind}{name} climbs {number(climb.per_hour)} an hour; at {number(climb.level)} of "
            f"{number(climb.limit)} it reaches its limit in {number(climb.hours)} hours")
    return Anomaly("leak", key, at_ms, at_ms, climb.level, climb.limit, climb.per_hour, "info", says)

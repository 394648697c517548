"""The ledger over time: how often diagnoses were accepted, corrected, false alarms or recurrences, by week and family.

Pure: the rows come from `triggers/`. An incident that nobody judged is counted as such and never as accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Told:
    """One incident: when it was opened and diagnosed, what was found, and the newest word of each who judged it."""

    incident: str
    opened_ms: int
    diagnosed_ms: int | None
    verdict: str
    category: str
    judgements: Sequence[str] = ()
    no_fault_said: bool = False
    linked: bool = False


@dataclass(frozen=True)
class Period:
    """Counts of one week or one family. Rates are of those that were judged; None where nobody judged any."""

    name: str
    incidents: int
    judged: int
    accepted: int
    corrected: int
    disputed: int
    false_alarms: int
    recurring: int
    minutes: float | None

    def rate(self, count: int) -> float | None:
        """Of the judged."""
        return count / self.judged if self.judged else None

    def as_dict(self) -> dict[str, Any]:
        """For scripts."""
        return {**self.__dict__, "acceptance": self.rate(self.accepted), "correction": self.rate(self.corrected),
                "false_alarm": self.rate(self.false_alarms),
                "recurrence": self.recurring / self.incidents if self.incidents else None}


def week_of(ms: int) -> str:
    """ISO week, UTC: 2026-W47."""
    year, week, _ = datetime.fromtimestamp(ms / 1000, UTC).isocalendar()
    return f"{year}-W{week:02d}"


def by_week(rows: Iterable[Told]) -> list[Period]:
    """The oldest week first."""
    found = list(rows)
    return _grouped(found, lambda t: week_of(t.opened_ms))


def by_family(rows: Iterable[Told]) -> list[Period]:
    """By the category of the cause found; what has none stands under its verdict."""
    return _grouped(list(rows), lambda t: t.category or t.verdict or "not diagnosed")


def _grouped(rows: list[Told], key: Any) -> list[Period]:
    seen: set[str] = set()
    recurring: set[str] = set()
    for t in sorted(rows, key=lambda t: (t.opened_ms, t.incident)):
        if t.linked or (t.category and t.category in seen):
            recurring.add(t.incident)
        seen.add(t.category)
    groups: dict[str, list[Told]] = {}
    for t in rows:
        groups.setdefault(key(t), []).append(t)
    return [_period(name, groups[name], recurring) for name in sorted(groups)]


def _period(name: str, rows: Sequence[Told], recurring: set[str]) -> Period:
    judged = [t for t in rows if t.judgements]
    agreed = [t for t in judged if len(set(t.judgements)) == 1]
    waits = [(t.diagnosed_ms - t.opened_ms) / 60_000 for t in rows if t.diagnosed_ms is not None]
    return Period(
        name=name, incidents=len(rows), judged=len(judged), disputed=len(judged) - len(agreed),
        accepted=sum(t.judgements[0] == "right" for t in agreed),
        corrected=sum(t.judgements[0] in ("wrong", "partly") for t in agreed),
        false_alarms=sum(t.no_fault_said or (t.verdict == "no_fault" and t.judgements[0] == "right") for t in agreed),
        recurring=sum(t.incident in recurring for t in rows), minutes=round(median(waits), 2) if waits else None)


def as_markdown(weeks: Sequence[Period], families: Sequence[Period]) -> str:
    """Two tables."""
    return "\n".join([*_table("week", weeks), "", *_table("family", families)]) + "\n"


def _table(title: str, periods: Sequence[Period]) -> list[str]:
    def share(value: float | None) -> str:
        return "" if value is None else f"{value:.0%}"

    heads = "incidents | judged | accepted | corrected | disputed | false alarms | recurring | median minutes"
    lines = [f"| {title} | {heads} |", "|---|---|---|---|---|---|---|---|---|"]
    return lines + [
        f"| {p.name} | {p.incidents} | {p.judged} | {share(p.rate(p.accepted))} | {share(p.rate(p.corrected))} | "
        f"{p.disputed} | {share(p.rate(p.false_alarms))} | {p.recurring} | {'' if p.minutes is None else p.minutes} |"
        for p in periods]

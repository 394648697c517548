"""The ledger over time: rates of what was judged, disputes apart, unknown never counted as accepted."""

from __future__ import annotations

from evals.over_time import Told, as_markdown, by_family, by_week, week_of

MONDAY = 1_772_409_600_000  # 2026-03-02T00:00Z


def told(n: int, *judgements: str, category: str = "resource_leak", **changes: object) -> Told:
    return Told(f"inc-{n}", MONDAY + n * 60_000, MONDAY + n * 60_000 + 120_000, "diagnosed", category, judgements,
                **changes)  # type: ignore[arg-type]


def test_rates_are_of_the_judged() -> None:
    """Two of three judged were accepted, one corrected; the unjudged one counts nowhere."""
    [week] = by_week([told(1, "right"), told(2, "right"), told(3, "wrong"), told(4)])
    assert (week.name, week.incidents, week.judged) == (week_of(MONDAY), 4, 3)
    assert week.rate(week.accepted) == 2 / 3
    assert week.rate(week.corrected) == 1 / 3
    assert week.minutes == 2.0


def test_disagreement_is_neither_accepted_nor_corrected() -> None:
    """Never averaged: it stands by itself."""
    [week] = by_week([told(1, "right", "wrong")])
    assert (week.accepted, week.corrected, week.disputed) == (0, 0, 1)


def test_recurrence_is_the_same_family_again() -> None:
    """The first of a family is none; a linked one is."""
    families = {p.name: p for p in by_family([told(1), told(2), told(3, category="config_drift", linked=True)])}
    assert families["resource_leak"].recurring == 1
    assert families["config_drift"].recurring == 1


def test_nothing_judged_has_no_rate_and_no_rows_no_table() -> None:
    """None, not zero; an empty ledger is an empty table."""
    [week] = by_week([told(1)])
    assert week.rate(week.accepted) is None
    assert as_markdown([], []).count("\n") == 5

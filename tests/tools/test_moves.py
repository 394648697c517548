"""Series with how far they moved, and the components behind them."""

from __future__ import annotations

import time

import numpy as np

from tools.analysis.robust import Floats
from tools.findings import Subject
from tools.moves import Mover, ranked, scored, sees_others
from tools.series_kinds import kind_of
from tools.windows import Grid

RNG = np.random.default_rng(7)
AXIS = Grid(0, 119_000, 1000, 100_000)


def mover(component: str, metric: str, fault: float = 1.0, *, over: tuple[int, int] = (100, 120)) -> Mover:
    values = RNG.normal(1, 0.05, 120)
    values[over[0] : over[1]] *= fault
    return made(component, metric, values)


def made(component: str, metric: str, values: Floats) -> Mover:
    return Mover(metric, kind_of(metric), Subject(service=component), sees_others(metric), values)


def first(*movers: Mover, calls: tuple[tuple[str, str], ...] = (), hurts: str = "") -> str:
    return ranked(scored(movers, AXIS), calls, hurts=hurts)[0].name


def test_a_fault_that_is_over_before_anyone_looks_is_found() -> None:
    """Busy for the first half of the window only: the median of all of it would have missed it."""
    found = scored([mover("mill", "cpu", 3.0, over=(100, 109)), mover("bank", "cpu")], AXIS)
    departures = {m.component: m.departure for m in found}
    assert departures["mill"] > 8
    assert abs(departures["bank"]) < 3


def test_a_slow_path_is_seen_by_its_callers_and_blamed_on_the_callee() -> None:
    """front and mill wait longer for bank, whose own figures are as ever."""
    series = [mover("front", "client_latency", 4.0), mover("mill", "client_latency", 4.0), mover("bank", "latency"),
              mover("bank", "cpu"), mover("pump", "latency")]
    assert first(*series, calls=(("front", "bank"), ("mill", "bank"), ("mill", "pump"))) == "bank"


def test_the_symptom_the_alert_complains_of_counts_most() -> None:
    """One is slow, another fails, both plainly: the hurts decides, in the same unit or in per cent."""
    slow, fails = mover("slow", "latency", 5.0), mover("fails", "success_ratio", 0.8)
    assert first(slow, fails, hurts="latency") == "slow"
    assert first(slow, fails, hurts="errors") == "fails"


def test_names_and_units_do_not_change_the_order() -> None:
    """The same series under other component names and in milliseconds: the same order."""
    one = [mover("a", "latency_seconds", 3.0), mover("b", "latency_seconds", 1.5), mover("c", "latency_seconds")]
    two = [made({"a": "x9", "b": "k", "c": "z"}[m.component], "latency_ms", m.values * 1000) for m in one]
    order = [[s.name for s in ranked(scored(movers, AXIS), [])] for movers in (one, two)]
    assert order == [["a", "b", "c"], ["x9", "k", "z"]]


def test_five_hundred_long_series_cost_a_fraction_of_a_second() -> None:
    """500 series of 2,000 points in less than 0.3 s of processor time, scored and ranked."""
    axis = Grid(0, 1_999_000, 1000, 1_600_000)
    movers = [made(f"s{i % 50}", "cpu", RNG.normal(1, 0.1, 2_000)) for i in range(500)]
    began = time.process_time()
    ranked(scored(movers, axis), [])
    assert time.process_time() - began < 0.3


def test_nothing_to_compare_with_is_nothing() -> None:
    """No series, no baseline, no incident: an empty answer."""
    assert scored([], AXIS) == []
    assert scored([mover("a", "cpu")], Grid(0, 119_000, 1000, 0)) == []
    assert scored([mover("a", "cpu")], Grid(0, 119_000, 1000, 200_000)) == []

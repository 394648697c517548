"""Who began it: symptoms on a call graph, and without one."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tools.analysis.ranking import Symptoms, anomaly, rank


def test_a_caller_that_waits_stands_behind_the_callee_it_waits_for() -> None:
    """front waits for mill, mill waits for line, line itself is hot: line, then the others."""
    ranked = rank(
        {"front": Symptoms(latency=0.9), "mill": Symptoms(latency=0.9), "line": Symptoms(own=0.8, latency=0.6)},
        [("front", "mill"), ("mill", "line")],
    )
    assert [s.name for s in ranked] == ["line", "mill", "front"]
    assert ranked[-1].explained_by == "mill"


def test_a_slow_path_points_at_the_healthy_looking_callee() -> None:
    """All callers of `bank` wait when calling, none of their callees looks sick: the way to bank is to blame."""
    calls = [("front", "bank"), ("mill", "bank"), ("front", "mill")]
    ranked = rank({"front": Symptoms(latency=0.6, outbound=0.8), "mill": Symptoms(outbound=0.8)}, calls)
    assert ranked[0].name == "bank"
    assert ranked[0].path > 0.5


def test_a_callee_that_moved_too_little_explains_little() -> None:
    """front is a second slower, its callee ten milliseconds: the callee is no excuse; half a second would be."""
    calls = [("front", "mill")]
    slow = Symptoms(latency=0.7, slower=1.0)
    small = rank({"front": slow, "mill": Symptoms(latency=0.6, slower=0.01)}, calls)
    large = rank({"front": slow, "mill": Symptoms(latency=0.6, slower=0.5)}, calls)
    score = [next(s.score for s in found if s.name == "front") for found in (small, large)]
    assert score[0] > 2 * score[1]
    assert large[0].name == "mill"


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_anomaly_grows_with_z_and_stays_below_one(one: float, two: float) -> None:
    """Monotone, faint up to 3, never 1 for a finite z; the sign does not matter."""
    low, high = sorted((one, two))
    assert 0 <= anomaly(low) <= anomaly(high) < 1
    assert anomaly(-high) == anomaly(high)
    assert anomaly(2.9) < 0.05


def test_a_caller_that_waits_is_not_blamed_for_being_slow() -> None:
    """front is as slow as what it sees of its callees: the way to one of them leads, the unmeasured one first."""
    calls = [("front", "bank"), ("front", "mill")]
    ranked = rank({"front": Symptoms(latency=0.7, outbound=0.7), "bank": Symptoms()}, calls)
    assert [s.name for s in ranked] == ["mill", "bank", "front"]


def test_waiting_is_no_excuse_where_nobody_knows_for_whom() -> None:
    """Without a call graph a slow component that waits keeps its symptom."""
    slow, waits = (rank({"front": Symptoms(latency=0.7, outbound=o)}, [])[0].score for o in (0.0, 0.7))
    assert slow == waits


def test_a_calm_caller_speaks_for_its_callee() -> None:
    """mill alone waits: bank, which front calls too without waiting, stands behind pump, which only mill calls."""
    calls = [("front", "bank"), ("mill", "bank"), ("mill", "pump")]
    ranked = rank({"front": Symptoms(), "mill": Symptoms(outbound=0.8), "bank": Symptoms(), "pump": Symptoms()}, calls)
    assert [s.name for s in ranked[:2]] == ["pump", "bank"]


def test_without_a_call_graph_the_largest_rise_is_the_least_diluted() -> None:
    """All equally anomalous: who became ten times slower leads those who became a little slower."""
    seen = {n: Symptoms(latency=0.8, slower=1.0, rise=r) for n, r in (("front", 0.3), ("mill", 1.0), ("bank", 9.0))}
    assert [s.name for s in rank(seen, [])] == ["bank", "mill", "front"]


def test_traffic_explains_nothing_of_a_caller() -> None:
    """front fails and asks bank more often for it: the load on bank, which does not fail, is no excuse."""
    calls = [("front", "bank")]
    ranked = rank({"front": Symptoms(errors=0.5), "bank": Symptoms(load=0.3)}, calls)
    assert ranked[0].name == "front"
    assert ranked[0].explained_by == ""


def test_work_that_falls_says_less_than_work_that_rises() -> None:
    """Equal moves: the component that works more leads the one that has less to do."""
    assert [s.name for s in rank({"idle": Symptoms(fall=0.6), "busy": Symptoms(own=0.6)}, [])] == ["busy", "idle"]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=20))
def test_any_graph_ranks_every_component_once(calls: list[tuple[str, str]]) -> None:
    """Cycles, self-calls, unknown names: each name once, every score finite."""
    seen = {n: Symptoms(own=0.1, latency=0.5, outbound=0.4, errors=0.2, slower=1.0, failing=0.1) for n in "abc"}
    ranked = rank(seen, calls)
    assert len({s.name for s in ranked}) == len(ranked)
    assert all(math.isfinite(s.score) for s in ranked)

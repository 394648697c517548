"""Warnings and infos beside an answer: given where a server of that version gives them, and nowhere else."""

from __future__ import annotations

import pytest

from tests.tools.recorded.promql.small_world import V2, V3, M, engine_of
from tools.recorded.prometheus_json import query_data, success

BUCKETS = {'h_bucket{le="1"}': [4.0], 'h_bucket{le="2"}': [3.0], 'h_bucket{le="+Inf"}': [8.0]}


@pytest.mark.parametrize(
    ("query", "fragment"),
    [
        ("quantile(1.5, a)", "between 0 and 1, got 1.5"),
        ("quantile(NaN, a)", "between 0 and 1, got nan"),
        ("quantile_over_time(-0.1, a[5m])", "between 0 and 1, got -0.1"),
        ("histogram_quantile(2, h_bucket)", "between 0 and 1, got 2"),
        ("histogram_quantile(0.5, a)", 'label "le" is missing or malformed: "" in metric "a"'),
    ],
)
def test_a_doubtful_answer_comes_with_a_warning(query: str, fragment: str) -> None:
    """The warning is given once however many steps show it, and servers before 2.48 gave none."""
    engine = engine_of({"a": [1.0, 2.0], **BUCKETS}, semantics=V3)
    (warning,) = engine.range(query, 0, M, M).warnings
    assert warning.startswith("PromQL warning: ")
    assert fragment in warning
    assert engine.range(query, 0, M, M).infos == ()
    older = engine_of({"a": [1.0, 2.0], **BUCKETS}, semantics=V2).range(query, 0, M, M)
    assert (older.warnings, older.infos) == ((), ())


@pytest.mark.parametrize("query", ["quantile(0, a)", "quantile(1, a)", "quantile(2, nothing)", "rate(c_total[5m])",
                                   "delta(a[5m])", "rate(nothing[5m])", "rate(sum(a)[5m:1m])"])  # fmt: skip
def test_an_ordinary_answer_comes_with_nothing(query: str) -> None:
    """No input, no doubt; a counter by its name; a gauge's own function; a series without a name."""
    answer = engine_of({"a": [1.0, 2.0], "c_total": [1.0, 2.0]}, semantics=V3).instant(query, M)
    assert (answer.warnings, answer.infos) == ((), ())


def test_falling_buckets_are_told_but_rounding_is_not() -> None:
    """Counts that fall where they accumulate are an info; a difference of rounding is passed over in silence."""
    (info,) = engine_of(BUCKETS, semantics=V3).instant("histogram_quantile(0.5, h_bucket)", 0).infos
    assert info.startswith("PromQL info: ")
    assert '"h_bucket"' in info
    tiny = {**BUCKETS, 'h_bucket{le="2"}': [4.0 - 1e-13]}
    assert engine_of(tiny, semantics=V3).instant("histogram_quantile(0.5, h_bucket)", 0).infos == ()


def test_a_rate_of_what_is_not_named_like_a_counter_is_told() -> None:
    """By each metric's name, and only if it has a rate."""
    engine = engine_of({'temperature{of="a"}': [1, 2], 'level{of="b"}': [1], 'c_total{of="c"}': [1, 2]}, semantics=V3)
    (info,) = engine.instant('increase({of=~"a|b|c"}[5m])', M).infos
    assert info.endswith(': "temperature"')


def test_annotations_stand_beside_the_data_of_the_http_api() -> None:
    """`warnings` and `infos` are keys of the envelope, and absent where there are none."""
    engine = engine_of({"a": [1.0, 2.0]}, semantics=V3)
    body = {}
    for query in ("quantile(2, rate(a[5m]))", "a"):
        answer = engine.instant(query, M)
        body[query] = success(query_data(answer, ranged=False), answer.warnings, answer.infos)
    assert [len(body["quantile(2, rate(a[5m]))"][kind]) for kind in ("warnings", "infos")] == [1, 1]
    assert body["a"].keys() == {"status", "data"}

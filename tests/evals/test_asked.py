"""What an investigation asked becomes the plan of a capture: its series, its window, its signals."""

from __future__ import annotations

from typing import Any

import pytest

from agent.alert_payload import parse_payload
from agent.diagnosis import Diagnosis, Usage
from agent.incident import Signal
from evals.asked import LONGEST_MS, plan_of, series_asked, webhook_of
from evals.case import question_signal
from tests.tools.recorded.tiny_case import NOW_MS, ONSET_MS, alerts
from tools.evidence import iso


def evidence(*queries: str, start_ms: int = ONSET_MS) -> dict[str, Any]:
    return {"id": "E1", "question": "metrics.change", "query": {"arguments": {}, "queries": list(queries)},
            "window": [iso(start_ms), iso(NOW_MS)], "as_of": iso(NOW_MS), "status": "ok", "text": "", "findings": []}


def diagnosed(*told: dict[str, Any]) -> Diagnosis:
    return Diagnosis(incident="inc-1", run="r", asked_at=iso(NOW_MS), verdict="undetermined",  # type: ignore[arg-type]
                     evidence=told, usage=Usage(model="analyst"))


def alerted() -> tuple[Signal, ...]:
    return parse_payload(alerts()["payloads"][0]["payload"], received_ms=NOW_MS).signals


def test_only_series_that_were_read_are_kept() -> None:
    """Names out of any expression; a question to logs or containers names none, nor does one for everything."""
    found = series_asked([evidence(
        'sum by (name) (rate(a_total{name!=""}[20s])) / b_bytes', '{__name__=~"c|d"}', "containers.list now",
        "count error lines by container [5s]", 'count by (__name__) ({__name__=~".+"})', "sum(")])
    assert found == ('{__name__=~"a_total|b_bytes|c|d"}',)
    assert series_asked([evidence("containers.list")]) == ()


def test_the_window_is_what_the_answers_looked_at() -> None:
    """From the earliest look to the moment asked about; six hours at most; broken windows are passed over."""
    plan = plan_of("inc-1", diagnosed(evidence("up"), evidence("up", start_ms=ONSET_MS - 60_000)), alerted(),
                   max_bytes=10)
    assert (plan.start_ms, plan.end_ms, plan.now_ms, plan.max_bytes) == (ONSET_MS - 60_000, NOW_MS, NOW_MS, 10)
    far = plan_of("inc-1", diagnosed(evidence("up", start_ms=0), {**evidence("up"), "window": None}), (), max_bytes=1)
    assert far.start_ms == NOW_MS - LONGEST_MS


def test_the_alert_is_told_again_as_it_was_received() -> None:
    """Fingerprint, labels, times and prose survive the way through the database and back into a webhook body."""
    again = parse_payload(webhook_of(alerted()), received_ms=NOW_MS).signals
    for one, other in zip(again, alerted(), strict=True):
        assert (one.fingerprint, one.starts_ms, one.labels, one.text, one.status) == (
            other.fingerprint, other.starts_ms, other.labels, other.text, other.status)


def test_a_question_stays_a_question() -> None:
    """Where no alert began it, what was asked is kept in its language."""
    plan = plan_of("inc-1", diagnosed(), (question_signal("왜 느린가요?", at_ms=NOW_MS, lang="ko"),), max_bytes=1)
    assert (plan.question, plan.lang, plan.payloads) == ("왜 느린가요?", "ko", ())


@pytest.mark.parametrize("query", [
    '{__name__=~"x\\"} or vector(1)"}', "a" * 100_000, '{__name__=~"(a+)+$"}', "\x00", ""])
def test_no_query_breaks_the_plan(query: str) -> None:
    """Whatever a model wrote, the selector is one of names or there is none."""
    for selector in series_asked([evidence(query)]):
        assert selector.startswith('{__name__=~"')
        assert "$" not in selector

"""Topics of complaint, who alone cannot reach a dependency, statuses that are passed on, and the onset by errors."""

from __future__ import annotations

import pytest

from tests.tools.stage import END, ONSET, SCOPE, START, every, found, lines, orders, views, world
from tools import log_onset, templates
from tools.question import Answer, NoArguments
from tools.recorded.logs.store import LogStream
from tools.topics import topics_in

USUAL = (every(5, START, END), "served page {n} in 12 ms")


async def asked(*streams: LogStream) -> Answer:
    return await templates.QUESTION.ask(
        world(logs=streams, routing={START: views("jade")}), SCOPE, templates.TemplatesArguments())


@pytest.mark.parametrize(("line", "topic"), [
    ("WARN unsupported contract version 2", "contract"),
    ("주문을 읽을 수 없습니다: 계약 버전 2은(는) 지원하지 않습니다", "contract"),
    ('{"level":"warn","msg":"no relevant documents","docs":0}', "retrieval_empty"),
    ("관련 문서를 찾지 못했습니다", "retrieval_empty"),
    ("GET /stream 404 session not found", "session_lost"),
    ("세션을 찾을 수 없습니다", "session_lost"),
    ("write failed: No space left on device", "disk_full"),
    ("OOM command not allowed when used memory > 'maxmemory'.", "memory_full"),
    ("x509: certificate has expired or is not yet valid", "certificate"),
    ("provider said: invalid api key", "credential"),
    ("dial tcp: lookup oracle: no such host", "names"),
    ("QueuePool limit reached: connection pool exhausted", "pool"),
    ("token used before issued", "clock"),
    ("discarded 3 jobs", "expired_work"),
    ("작업 만료", "expired_work"),
    ("circuit breaker is open", "circuit_open"),
])
def test_a_line_is_of_the_topic_it_speaks_of(line: str, topic: str) -> None:
    """English and Korean wordings of each topic."""
    assert topic in topics_in(line)


@pytest.mark.parametrize("line", [
    "order 17 ready in 230 ms", "GET /chat HTTP/1.1 200", "작업 완료", "session opened", "12 documents indexed",
    "job accepted", "heartbeat ok", "pool of 8 workers ready", "clock synchronised",
])
def test_ordinary_lines_are_of_no_topic(line: str) -> None:
    """Words that merely belong to the same field say nothing."""
    assert topics_in(line) == ()


async def test_a_complaint_names_its_topic_and_that_a_working_peer_does_not_share_it() -> None:
    """mill-2 rejects contracts from the onset on, mill-1 works as before."""
    rejects = (every(4, ONSET, END), "주문 실패: 지원하지 않는 계약 버전 2")
    answer = await asked(lines("mill-1", "mill", USUAL), lines("mill-2", "mill", USUAL, rejects))
    complaint = found(answer.findings, "complaint", container="mill-2")
    assert complaint is not None
    assert complaint.extra["topic"] == "contract"
    assert complaint.extra["alone"] is True
    assert abs((complaint.since_ms or 0) - ONSET) <= 5_000


async def test_a_topic_as_frequent_as_before_is_no_complaint() -> None:
    """Retries that were always there."""
    answer = await asked(lines("mill-1", "mill", USUAL, (every(10, START, END), "retrying attempt=2")))
    assert found(answer.findings, "complaint") is None


async def test_one_of_two_working_peers_that_cannot_reach_the_provider_is_told() -> None:
    """The refusal is one-sided; the caller that only passes it on does not count as a second witness."""
    refused = (every(4, ONSET, END), "ERROR oracle: connection refused")
    passed = (every(4, ONSET, END), "ERROR order failed: oracle: connection refused")
    answer = await asked(lines("mill-1", "mill", USUAL), lines("mill-2", "mill", USUAL, refused),
                         lines("web-a", "front", USUAL, passed))
    refusal = found(answer.findings, "dependency_refused", service="oracle")
    assert refusal is not None
    assert refusal.extra["one_sided"] is True
    assert found(answer.findings, "refused_alone", container="mill-2") is not None


async def test_when_all_peers_cannot_reach_it_nobody_is_alone() -> None:
    """Both workers complain: the dependency's trouble."""
    refused = (every(4, ONSET, END), "ERROR oracle: connection refused")
    answer = await asked(lines("mill-1", "mill", USUAL, refused), lines("mill-2", "mill", USUAL, refused))
    refusal = found(answer.findings, "dependency_refused", service="oracle")
    assert refusal is not None
    assert "one_sided" not in refusal.extra
    assert refusal.extra["shared"] is True
    assert found(answer.findings, "refused_alone") is None


async def test_an_error_burst_that_ended_two_minutes_ago_is_healed_and_weighs_half() -> None:
    """Twenty refusals within ten seconds of the onset, silence since."""
    refused = (every(0.5, ONSET, ONSET + 10_000), "ERROR oracle: connection refused")
    answer = await asked(lines("mill-1", "mill", USUAL, refused))
    refusal = found(answer.findings, "dependency_refused", service="oracle")
    error = found(answer.findings, "error_template_new", container="mill-1")
    assert refusal is not None
    assert error is not None
    assert refusal.extra["healed"] is True
    assert error.extra["healed"] is True
    assert refusal.strength == error.strength == 0.5


async def test_lines_a_few_seconds_before_the_estimated_onset_are_new_too() -> None:
    """The last words of a consumer come before anyone notices: ten seconds early is not the past."""
    last_words = ([ONSET - 10_000 + i for i in range(12)], "ERROR consumer loop ended: connection closed by server")
    answer = await asked(lines("mill-1", "mill", USUAL, last_words))
    assert found(answer.findings, "error_template_new", container="mill-1") is not None


async def test_the_onset_is_dated_by_the_rate_of_errors_without_any_metric() -> None:
    """Failures 90 seconds before the guess: dated within ten seconds, whatever the guess."""
    began = ONSET - 90_000
    streams = [orders("mill-1", every(2, START, END), failed=every(3, began, END))]
    answer = await log_onset.QUESTION.ask(world(logs=streams), SCOPE, NoArguments())
    onset = found(answer.findings, "incident_onset")
    errors = found(answer.findings, "errors_logged_up", container="mill-1")
    assert onset is not None
    assert errors is not None
    assert abs((onset.since_ms or 0) - began) <= 10_000
    assert abs((errors.since_ms or 0) - began) <= 10_000


async def test_steady_errors_are_no_onset() -> None:
    """The same few errors all along."""
    streams = [lines("mill-1", "mill", USUAL, (every(20, START, END), "ERROR cache miss {n}"))]
    answer = await log_onset.QUESTION.ask(world(logs=streams), SCOPE, NoArguments())
    assert found(answer.findings, "incident_onset") is None
    assert found(answer.findings, "errors_logged_up") is None

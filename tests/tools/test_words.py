"""What lines say in words: a status by its phrase, a limiter, a full store, a busy host, a dependency by its kind."""

from __future__ import annotations

import pytest

from tests.tools.stage import INVENTORY
from tools.dependencies import REFUSED, dependency_of
from tools.severity import status_of
from tools.sources.inventory import Service
from tools.topics import topics_in


@pytest.mark.parametrize(("line", "status"), [
    ('reason="429 Too Many Requests: quota exceeded"', 429), ("502 Bad Gateway", 502), ("status=503", 503),
    ("handled 502 jobs", 0), ("took 429 ms", 0),
])
def test_a_status_is_a_field_or_a_phrase_never_a_bare_number(line: str, status: int) -> None:
    """A number of jobs is no status."""
    assert status_of(line) == status


@pytest.mark.parametrize(("line", "topic"), [
    ('limiting requests, excess: 17.387 by zone "perapp"', "limited"),
    ("OOM command not allowed when used memory > 'maxmemory'", "store_full"),
    ("host CPU too busy, heartbeat skipped", "host_busy"), ("호스트 CPU 과부하로 하트비트를 건너뜁니다", "host_busy"),
])
def test_a_trouble_is_heard_in_both_languages(line: str, topic: str) -> None:
    """Each sentence speaks of its topic."""
    assert topic in topics_in(line)


@pytest.mark.parametrize("line", ["request served in 20 ms", "CPU profile written", "queue has 3 items"])
def test_ordinary_lines_speak_of_no_trouble(line: str) -> None:
    """No topic in a line that complains of nothing."""
    assert topics_in(line) == ()


def test_an_expired_certificate_and_a_servers_500_are_refusals_of_the_provider() -> None:
    """A worker beside a broker and a provider that names neither means whom it waits for; who means redis says so."""
    mill = INVENTORY.service("mill")
    assert mill is not None
    for line in ("tls: failed to verify certificate: x509: certificate has expired", "500 internal_server_error",
                 "timeout after 30s"):
        assert REFUSED.search(line)
        assert dependency_of(INVENTORY, mill, line) == "oracle"
    assert dependency_of(INVENTORY, mill, "redis: timeout after 2s") == "line"


def test_an_api_that_waits_for_a_worker_means_who_follows_it() -> None:
    """`deadline exceeded waiting on worker`: the worker behind the queue, not the API's only listed dependency."""
    front: Service | None = INVENTORY.service("front")
    assert dependency_of(INVENTORY, front, "deadline exceeded waiting on worker") == "mill"

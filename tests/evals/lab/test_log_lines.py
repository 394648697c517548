"""Lines the lab's programs write and the recorder reads back."""

from __future__ import annotations

import json

from evals.lab.log_shelf import parse_lines
from evals.lab.moments import iso_of, ns_of
from evals.lab.roles.logline import render


def test_docker_times_keep_their_nanoseconds() -> None:
    """Docker trims trailing zeros of a fraction; the time is still exact."""
    assert ns_of("2026-11-21T01:16:48.061Z") == 1_795_223_808_061_000_000
    assert ns_of("2026-11-21T01:16:48.123456789Z") % 10**9 == 123_456_789
    assert ns_of("2026-11-21T10:16:48+09:00") == ns_of("2026-11-21T01:16:48Z")


def test_the_zero_time_is_no_time() -> None:
    """A container that never ran has Docker's zero time, which is nothing."""
    assert iso_of("0001-01-01T00:00:00Z") is None


def test_lines_lose_their_stamp_and_nothing_else() -> None:
    """Spaces inside a line survive; blank lines are dropped as a shipper drops them."""
    text = "2026-11-21T01:00:00.5Z  two  spaces\n2026-11-21T01:00:01Z \n2026-11-21T01:00:02Z 한국어 줄\n"
    assert [line for _, line in parse_lines(text)] == [" two  spaces", "한국어 줄"]


def test_logfmt_quotes_what_needs_it() -> None:
    """A value with a space or a quote is quoted, a plain one is not."""
    assert render("logfmt", {"level": "info", "msg": 'say "hi"', "n": 3}) == 'level=info msg="say \\"hi\\"" n=3'


def test_json_keeps_korean() -> None:
    """JSON lines are one object a line with Korean as it is."""
    line = render("json", {"msg": "작업 완료", "event": "job_finished"})
    assert "작업 완료" in line
    assert json.loads(line)["event"] == "job_finished"


def test_an_exception_is_a_line_not_a_crash() -> None:
    """What JSON has no form for is written as its text: a log line must never take the request down."""
    assert '"error":"refused"' in render("json", {"error": ConnectionRefusedError("refused")})

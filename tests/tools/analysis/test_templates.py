"""Templates say what kinds of lines there are; comparing two windows finds what is new, gone and shifted."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from tools.analysis.log_words import LineReader
from tools.analysis.templates import Template, compare, mine, rate_score, template_id

NEEDLE = "ERROR ledger: checksum of segment 88 does not match, refusing to open"


def access_lines(count: int, seed: int = 1) -> Iterator[str]:
    draw = random.Random(seed)
    for _ in range(count):
        yield (
            f"10.0.{draw.randrange(99)}.{draw.randrange(256)} - - [21/Nov/2026:02:10:{draw.randrange(60):02d} +0000]"
            f' "GET /api/v1/orders/{draw.randrange(10**6)} HTTP/1.1" 200 {draw.randrange(9999)} "-" "client/0.49"'
        )


def job_lines(count: int, seed: int = 1) -> Iterator[str]:
    draw = random.Random(seed)
    for _ in range(count):
        row = {
            "level": "info",
            "msg": "job done",
            "job_id": f"j{draw.randrange(10**6)}",
            "took_ms": draw.randrange(500),
        }
        yield json.dumps(row)


def texts(templates: list[Template]) -> list[str]:
    return [template.text for template in templates]


def test_lines_that_differ_in_what_varies_are_one_template() -> None:
    """Ids, numbers, times and addresses do not make a template of their own."""
    [template] = mine(access_lines(500))
    assert template.count == 500
    assert template.text == (
        '<addr> - - [<time> <num>] "GET /api/v1/orders/<num> HTTP/<num>" 2xx <num> "-" "client/<num>"'
    )
    assert template.example == next(access_lines(1))
    assert template.id == template_id(template.text)


def test_the_class_of_an_answer_is_kept() -> None:
    """Errors of an access log, or of structured lines with a status, are not folded into the successes."""
    lines = [line.replace('" 200', f'" {status}') for status in (200, 502, 404) for line in access_lines(5)]
    assert len(mine(lines)) == 3
    rows = [json.dumps({"msg": "request", "status": status, "ms": status * 3}) for status in (200, 201, 503)]
    assert texts(mine(rows)) == ["status=2xx request {ms}", "status=5xx request {ms}"]


def test_structured_lines_are_known_by_level_and_message() -> None:
    """JSON and logfmt lines are read alike: level and message in words, other keys by name only."""
    rows = [
        {"level": "warn", "msg": f"retry {n} of job-{n}", "job_id": f"x{n}", "http": {"path": "/a"}} for n in range(9)
    ]
    logfmt = [f'level=warn msg="retry {n} of job-{n}" http=/a job_id=x{n}' for n in range(9)]
    expected = "level=warn retry <num> of job-<num> {http,job_id}"
    assert texts(mine(json.dumps(row) for row in rows)) == [expected]
    assert texts(mine(logfmt)) == [expected]
    assert texts(mine(['{"type": "order_created", "id": "7"}'])) == ["type=order_created {id,type}"]


def test_korean_lines_are_one_template_whatever_the_particle() -> None:
    """Particles and counters on masked numbers do not split a template; other words do."""
    lines = [f"작업 job-{n}{'이' if n % 2 else '가'} {n}초 동안 대기했습니다" for n in range(40)]
    assert texts(mine(lines)) == ["작업 job-<num>이(가) <num>초 동안 대기했습니다"]
    assert len(mine([*lines, "작업 job-3이 3초 동안 실패했습니다"])) == 2


def test_a_name_that_varies_becomes_a_wildcard_and_a_kind_does_not() -> None:
    """A word with many values is a name; a word with a few, each seen often, tells kinds apart."""
    names = [f"user {name} logged in" for name in ("anna", "bo", "cem", "dora", "emil", "finn")]
    assert texts(mine(names)) == ["user <*> logged in"]
    many = [f"user {chr(97 + n % 26) * 4} logged in" for n in range(1000)]
    assert texts(mine(many)) == ["user <*> logged in"]
    states = [f"breaker of cart is {state} now" for state in ("open", "closed", "half") * 50]
    assert len(mine(states)) == 3


def test_a_traceback_is_known_by_its_first_and_last_line() -> None:
    """A line of several lines is what it is and why, not where."""
    trace = "Traceback (most recent call last):\n  File \"/app/worker.py\", line {n}, in handle\nKeyError: 'session'"
    assert texts(mine(trace.format(n=n) for n in range(5))) == [
        "Traceback (most recent call last): ⏎ KeyError: 'session'"
    ]


def test_times_of_first_and_last_line_are_kept() -> None:
    """Given (ns, line) pairs in any order, a template knows when it was first and last seen."""
    [template] = mine([(30, "tick 1"), (10, "tick 2"), (20, "tick 3")])
    assert (template.first_ns, template.last_ns, template.example) == (10, 30, "tick 1")


def test_one_new_line_among_a_hundred_thousand_is_found() -> None:
    """A line of a new kind, once, is the first of the new templates, and nothing else is new."""
    before = [*access_lines(25_000), *job_lines(25_000)]
    after = [*access_lines(25_000, seed=2), NEEDLE, *job_lines(25_000, seed=3)]
    found = compare(before, after, seconds_before=600, seconds_after=600)
    assert [change.template.example for change in found.new] == [NEEDLE]
    assert (found.new[0].before, found.new[0].after, found.new[0].alike) == (0, 1, 0)
    assert found.vanished == found.shifted == ()
    assert (found.lines_before, found.lines_after) == (50_000, 50_001)


def test_a_line_like_the_known_ones_but_for_a_word_is_new() -> None:
    """`connection refused` is not folded into `connection established`."""
    before = [f"connection to db-{n} established in {n} ms" for n in range(1000)]
    after = [*before, "connection to db-3 refused in 2 ms"]
    found = compare(before, after, seconds_before=60, seconds_after=60)
    assert [change.template.text for change in found.new] == ["connection to db-<num> refused in <num> ms"]
    assert found.new[0].alike == 1


def test_vanished_and_shifted_templates_are_weighed_by_rate() -> None:
    """Windows of different lengths compare by lines a second; chance is not a change."""
    before = [*["heartbeat sent"] * 600, *["cache hit"] * 600, *["cache miss"] * 60, *["rare thing"] * 2]
    after = [*["cache hit"] * 310, *["cache miss"] * 300]
    found = compare(before, after, seconds_before=600, seconds_after=300)
    assert [change.template.text for change in found.vanished] == ["heartbeat sent"]
    [shifted] = found.shifted
    assert (shifted.template.text, shifted.before, shifted.after) == ("cache miss", 60, 300)
    assert (shifted.rate_before, shifted.rate_after) == (0.1, 1.0)
    assert shifted.score > 10
    assert found.new == ()


def test_the_score_is_near_zero_for_equal_rates_and_grows_with_evidence() -> None:
    """Poisson counts of one rate differ by about one standard deviation; ten times the lines weigh more."""
    assert abs(rate_score(100, 50, 600, 300)) < 0.2
    draw = random.Random(5)
    scores = [
        rate_score(
            sum(draw.random() < 0.1 for _ in range(1000)), sum(draw.random() < 0.1 for _ in range(500)), 1000, 500
        )
        for _ in range(300)
    ]
    assert sum(abs(score) > 2 for score in scores) < 30
    assert rate_score(20, 40, 60, 60) < rate_score(200, 400, 60, 60)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60), max_size=60), st.integers(1, 5)
)
def test_any_lines_are_mined_alike_every_time(lines: list[str], split: int) -> None:
    """Whatever the text: no failure, no line lost, the same templates again, and both windows add up."""
    templates = mine(lines)
    assert templates == mine(lines)
    assert sum(template.count for template in templates) == len(lines)
    assert len({template.id for template in templates}) <= len(templates)
    cut = len(lines) // split
    found = compare(lines[:cut], lines[cut:], seconds_before=60, seconds_after=60)
    assert (found.lines_before, found.lines_after) == (cut, len(lines) - cut)
    assert all(change.before == 0 for change in found.new)


def test_lines_without_any_pattern_stay_within_bounds() -> None:
    """Random words by the thousand end in a bounded number of templates and of memory."""
    draw = random.Random(9)

    def noise() -> Iterator[str]:
        for _ in range(3_000):
            yield " ".join("".join(draw.choices("abcdefghij", k=6)) for _ in range(draw.randrange(1, 5)))

    tracemalloc.start()
    templates = mine(noise(), most=100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(template.count for template in templates) == 3_000
    assert len(templates) < 850
    assert peak < 64 * 2**20


def test_a_line_is_read_in_a_bounded_number_of_words() -> None:
    """Ten megabytes in one line, plain, JSON or logfmt, are read in at most sixty-one words."""
    read = LineReader().words
    for line in (
        "word 7 " * 1_500_000,
        '{"msg":"' + "word 7 " * 1_500_000 + '"}',
        'level=info msg="' + "w 7 " * 2_500_000,
    ):
        assert 1 <= len(read(line)) <= 65

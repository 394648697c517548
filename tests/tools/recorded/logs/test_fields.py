"""The json and logfmt parsers read what Loki reads of a line, well-formed or not, in bounded time."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.recorded.logs.field_names import without_clashes
from tools.recorded.logs.json_fields import NotJson, json_fields
from tools.recorded.logs.logfmt_fields import logfmt_fields


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ('{"a": "b", "n": 1.50, "t": true, "f": false, "z": null}', {"a": "b", "n": "1.50", "t": "true", "f": "false"}),
        ('{"http": {"method": "GET", "req": {"id": 7}}}', {"http_method": "GET", "http_req_id": "7"}),
        ('{"tags": ["a", {"b": 1}], "x": "y"}', {"x": "y"}),
        (
            '{"trace-id": "1", "0day": "2", "응답": "3", " pad ": "4"}',
            {"trace_id": "1", "_0day": "2", "__": "3", "pad": "4"},
        ),
        ('  {"a":"1"} and more', {"a": "1"}),
        ('{"a":"1",}', {"a": "1"}),
        ('{"a":"1","a":"2"}', {"a": "2"}),
        ('{"o":{"x":1},"o":{"y":2}}', {"o_x": "1", "o_y": "2"}),
        ('{"a":[1,2,oops],"b":"1"}', {"b": "1"}),
        ('{"a":007,"b":1}', {"a": "007", "b": "1"}),
        ('{"a":"\\x","b":"1"}', {"b": "1"}),
        ('{"a":"\\ud800","b":"\\ud83d\\ude00"}', {"b": "😀"}),
        ('{"a":"x\ty"}', {"a": "x\ty"}),
        ('{"a":"x�y"}', {"a": "x y"}),
        ("{}", {}),
    ],
)
def test_json_lines_are_flattened(line: str, fields: dict[str, str]) -> None:
    """Nested keys joined, arrays and nulls left out, numbers as spelled, odd characters replaced, Loki's allowances."""
    assert without_clashes(json_fields(line), {}) == fields


@pytest.mark.parametrize(
    "line",
    ["", "plain", "[1]", '"a"', "{", '{"a"', '{"a":', '{"a":"b', '{"a":1', '{"a" 1}', '{"a":1 "b":2}',
     '{"a":NaN}', '{"a":yes}', '{"a":[1}', '{a:1}', '{"\\x":1}', '{"a":{"b":1}', "{" * 5_000, '{"a":' * 5_000],
)  # fmt: skip
def test_lines_that_are_not_json_are_in_error(line: str) -> None:
    """What Loki marks with JSONParserErr is refused, before a field is given."""
    with pytest.raises(NotJson):
        list(json_fields(line))


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5),
        st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=9),
        max_size=4,
    )
)
def test_the_quick_way_and_the_forgiving_way_agree(row: dict[str, str]) -> None:
    """A trailing comma sends a line the forgiving way; the fields are those of the same line without it."""
    line = json.dumps(row, ensure_ascii=False)
    forgiven = line[:-1] + ',"last":"1",}'
    plain = line[:-1] + (", " if row else "") + '"last":"1"}'
    if not row:
        forgiven = '{"last":"1",}'
    assert without_clashes(json_fields(forgiven), {}) == without_clashes(json_fields(plain), {})


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ('level=info msg="added item" status=200', {"level": "info", "msg": "added item", "status": "200"}),
        ('msg="say \\"hi\\"\\n" n=1', {"msg": 'say "hi"\n', "n": "1"}),
        ("flag empty= user=0", {"user": "0"}),
        ('a="x"b=1', {"a": "x", "b": "1"}),
        ("a=b=c d=1", {"d": "1"}),
        ('a=b"c" d=1', {"d": "1"}),
        ('"quoted" =x d=1', {"d": "1"}),
        ('a="never ends b=1', {}),
        ('a="bad \\x escape" b=1', {"b": "1"}),
        ("http.path=/a trace-id=7 응답=x", {"http_path": "/a", "trace_id": "7", "__": "x"}),
        ("a\u00a0b=1\tc=2", {"a_b": "1", "c": "2"}),
        ("a=1 a=2", {"a": "2"}),
        ("no pairs here", {}),
        ("", {}),
    ],
)
def test_logfmt_lines_are_read_and_what_is_unreadable_skipped(line: str, fields: dict[str, str]) -> None:
    """Quotes and escapes are undone; bare keys, empty values, stray quotes and second signs give no field."""
    assert without_clashes(logfmt_fields(line), {}) == fields


def test_a_field_that_is_already_a_label_is_renamed() -> None:
    """`service` of the line becomes `service_extracted` beside the stream's own."""
    parsed = without_clashes([("service", "inner"), ("level", "info")], {"service": "outer"})
    assert parsed == {"service_extracted": "inner", "level": "info"}


@pytest.mark.parametrize(
    "line",
    ['{"a":"' + "\\" * 200_001, '{"a":[' + '"x",' * 100_000,
     'a="' + "\\" * 200_001, "a=" * 200_000, '"' * 200_000,
     "{" + " " * 300_000],
)  # fmt: skip
def test_hostile_lines_take_bounded_time(line: str) -> None:
    """Lines made to send a pattern back and forth are read in well under a second."""
    began = time.process_time()
    for parser in (json_fields, logfmt_fields):
        try:
            list(parser(line))
        except NotJson:
            continue
    assert time.process_time() - began < 1

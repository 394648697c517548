"""Series survive the metrics file bit by bit, and a hostile file is refused with its name and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import BadInput, BadSnapshot
from tools.recorded.metrics_file import read_metrics, write_metrics
from tools.recorded.promql.arrays import STALE, STALE_BITS
from tools.recorded.promql.store import SeriesStore

label_sets = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), min_size=1, max_size=4)
numbers = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.just(float(STALE)), st.integers(0, 9).map(float))
stamps = st.lists(st.integers(-(2**62), 2**62), unique=True, max_size=6).map(sorted)


@st.composite
def series_lists(draw: st.DrawFn) -> list[tuple[dict[str, str], np.ndarray, np.ndarray]]:
    vectors = [np.array(ms, np.int64) for ms in draw(st.lists(stamps, min_size=1, max_size=3))]
    labels = draw(st.lists(label_sets, unique_by=lambda one: frozenset(one.items()), max_size=6))
    made = []
    for one in labels:
        ms = draw(st.sampled_from(vectors))
        values = draw(st.lists(numbers, min_size=len(ms), max_size=len(ms)))
        made.append((one, ms, np.array(values, np.float64)))
    return made


def bits(values: np.ndarray) -> list[int]:
    """Bit patterns, every NaN but the stale marker taken as one."""
    raw = values.view(np.uint64).tolist()
    return [0 if np.isnan(v) and r != STALE_BITS else r for v, r in zip(values.tolist(), raw, strict=True)]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(series=series_lists(), packed=st.booleans())
def test_what_is_written_is_read_back_bit_by_bit(
    tmp_path: Path, series: list[tuple[dict[str, str], np.ndarray, np.ndarray]], packed: bool
) -> None:
    """Labels, times and the bits of values, stale markers and -0 included, survive a round trip, packed or not."""
    path = tmp_path / ("metrics.jsonl.gz" if packed else "metrics.jsonl")
    write_metrics(path, series)
    have = {frozenset(labels.items()): (ms.tolist(), bits(values)) for labels, ms, values in read_metrics(path)}
    assert have == {frozenset(labels.items()): (ms.tolist(), bits(values)) for labels, ms, values in series}


def test_the_same_series_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    """Writing is deterministic, so that snapshots diff."""
    ms = np.array([1, 2, 3])
    series = [({"__name__": name}, ms, np.array([1.0, 2.5, np.inf])) for name in "cab"]
    write_metrics(tmp_path / "one.jsonl.gz", series)
    write_metrics(tmp_path / "two.jsonl.gz", series[::-1])
    assert (tmp_path / "one.jsonl.gz").read_bytes() == (tmp_path / "two.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "one.jsonl.gz").read_bytes()).decode().count('"ms"') == 1


def test_series_on_one_vector_share_one_array(tmp_path: Path) -> None:
    """Timestamps that were written once are held once."""
    ms = np.array([1, 2])
    write_metrics(tmp_path / "m.jsonl", [({"a": str(n)}, ms, np.zeros(2)) for n in range(3)])
    assert len({id(times) for _, times, _ in read_metrics(tmp_path / "m.jsonl")}) == 1


def test_numbers_as_text_are_accepted(tmp_path: Path) -> None:
    """A line with its own times and values as text is a series too."""
    line = '{"labels": {"__name__": "x"}, "ms": [1, 2, 3], "values": ["4e+08", "NaN", "stale"]}\n'
    (tmp_path / "m.jsonl").write_text(line)
    ((labels, ms, values),) = read_metrics(tmp_path / "m.jsonl")
    assert (labels, ms.tolist(), values[0]) == ({"__name__": "x"}, [1, 2, 3], 4e8)
    assert bits(values)[1:] == [0, STALE_BITS]


GOOD = '{"labels": {"a": "b"}, "ms": [1, 2], "values": [1, 2]}'


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"labels": {"a": "b"}, "ms": [1', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"labels": {"a": "b"}, "ms": [2, 1], "values": [1, 2]}', "times do not ascend"),
        ('{"labels": {"a": "b"}, "ms": [1, 1], "values": [1, 2]}', "times do not ascend"),
        ('{"labels": {"a": "b"}, "ms": [1, 2], "values": [1]}', "1 values for 2 times"),
        ('{"labels": {"a": "b"}, "ms": [1], "values": ["many"]}', "'many' is not a number"),
        ('{"labels": {"a": "b"}, "ms": [1], "values": ["1_0"]}', "'1_0' is not a number"),
        ('{"labels": {"a": "b"}, "ms": [1], "values": [NaN]}', "NaN is not JSON"),
        ('{"labels": {"a": "b"}, "ms": [1], "values": [1e999]}', "beyond a double"),
        ('{"labels": {"a": "b"}, "ms": [1], "values": [null]}', "neither a number nor text"),
        ('{"labels": {"a": "b"}, "ms": [1], "values": [true]}', "neither a number nor text"),
        ('{"labels": {"a": "b"}, "ms": [1.5], "values": [1]}', "not a list of whole numbers"),
        ('{"labels": {"a": "b"}, "ms": [99999999999999999999], "values": [1]}', "beyond 64 bits"),
        ('{"labels": {"a": 1}, "ms": [1], "values": [1]}', "not text"),
        ('{"labels": {"a": "\\ud800"}, "ms": [1], "values": [1]}', "surrogate"),
        ('{"labels": {}, "ms": [1], "values": [1]}', "without labels"),
        ('{"ms": [1], "values": [1]}', "without labels"),
        ('{"labels": {"a": "b"}, "times": "t9", "values": [1]}', "not defined on an earlier line"),
        ('{"labels": {"a": "b"}, "values": [1]}', 'either "times" or "ms"'),
        ('{"ms": [1]}', "neither a series"),
    ],
)
def test_a_malformed_line_is_refused_with_file_and_line(tmp_path: Path, line: str, complaint: str) -> None:
    """Whatever is wrong with a line, the message names the file, the line and the fault."""
    (tmp_path / "m.jsonl").write_text(GOOD.replace('"b"', '"first"') + "\n" + line + "\n")
    with pytest.raises(BadSnapshot, match=rf"^m\.jsonl:2: .*{complaint}"):
        list(read_metrics(tmp_path / "m.jsonl"))


def test_a_series_or_vector_that_comes_twice_is_refused(tmp_path: Path) -> None:
    """Two series of the same labels cannot both be true."""
    (tmp_path / "m.jsonl").write_text(GOOD + "\n" + GOOD + "\n")
    with pytest.raises(BadSnapshot, match=r"m\.jsonl:2: .*second time"):
        list(read_metrics(tmp_path / "m.jsonl"))
    (tmp_path / "m.jsonl").write_text('{"times": "t", "ms": [1]}\n' * 2)
    with pytest.raises(BadSnapshot, match=r"m\.jsonl:2: .*second time"):
        list(read_metrics(tmp_path / "m.jsonl"))


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    """Half a file is an error, not half the series."""
    whole = gzip.compress("".join(GOOD.replace('"b"', f'"{n}"') + "\n" for n in range(5_000)).encode())
    (tmp_path / "m.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadSnapshot, match=r"m\.jsonl\.gz.*truncated"):
        list(read_metrics(tmp_path / "m.jsonl.gz"))


def test_a_decompression_bomb_is_stopped(tmp_path: Path) -> None:
    """A small file that unpacks to more than the limit is refused, whether in one line or many."""
    (tmp_path / "m.jsonl.gz").write_bytes(gzip.compress(b" " * 30_000_000))
    with pytest.raises(BadSnapshot, match="more than 1000000 bytes"):
        list(read_metrics(tmp_path / "m.jsonl.gz", line_limit=1_000_000))
    vector = json.dumps({"times": "t", "ms": list(range(1_000))}).encode() + b"\n"
    (tmp_path / "m.jsonl.gz").write_bytes(gzip.compress(vector + b"\n" * 300_000))
    with pytest.raises(BadSnapshot, match="unpacks to more than 200000 bytes"):
        list(read_metrics(tmp_path / "m.jsonl.gz", limit=200_000))


def test_writing_refuses_what_reading_would(tmp_path: Path) -> None:
    """A series without labels, twice the same, or with times that do not ascend is not written."""
    ms, values = np.array([1, 2]), np.array([1.0, 2.0])
    for series in ([({}, ms, values)], [({"a": "b"}, ms, values)] * 2, [({"a": "b"}, ms[::-1], values)]):
        with pytest.raises(BadInput):
            write_metrics(tmp_path / "m.jsonl", series)


def test_a_store_is_built_from_a_file(tmp_path: Path) -> None:
    """What was written can be selected."""
    write_metrics(tmp_path / "m.jsonl", [({"__name__": "up", "job": "결제"}, np.array([5]), np.array([1.0]))])
    store = SeriesStore(read_metrics(tmp_path / "m.jsonl"))
    assert (len(store), store.samples) == (1, 1)
    assert store.label_values("job") == ["결제"]

"""logs.jsonl[.gz]: what is written is read again; hostile files are refused with file and line, in bounded memory."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import BadInput, BadSnapshot
from tools.recorded.logs.store import LogStream, stream_of
from tools.recorded.logs_file import LogFileLimits, read_logs, write_logs

GOOD = b'{"labels":{"service":"a"},"entries":[[1,"x"],[1,"y"],[2,"z",{"trace_id":"t"}]]}\n'

names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
label_sets = st.dictionaries(names, texts, max_size=4)
entries = st.lists(st.tuples(st.integers(0, 2**63 - 1), texts, st.dictionaries(names, texts, max_size=2)), max_size=20)


def plain(stream: LogStream) -> tuple[object, ...]:
    metadata = [sorted(stream.metadata_at(at).items()) for at in range(len(stream.lines))]
    return sorted(stream.labels.items()), stream.ns.tolist(), list(stream.lines), metadata


def write(folder: Path, content: bytes, name: str = "logs.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(label_sets, entries), max_size=4, unique_by=lambda one: json.dumps(one[0], sort_keys=True)))
def test_what_is_written_is_read_again_and_written_alike(streams: list[tuple[dict[str, str], list[object]]]) -> None:
    """Any streams survive the file, plain and gzipped, and writing them twice gives the same bytes."""
    built = [stream_of(labels, rows) for labels, rows in streams]  # type: ignore[arg-type]
    with TemporaryDirectory() as folder:
        for name in ("logs.jsonl", "logs.jsonl.gz"):
            path, again = Path(folder, name), Path(folder, "again-" + name)
            write_logs(path, reversed(built))
            read = read_logs(path)
            write_logs(again, read)
            assert sorted(map(repr, map(plain, read))) == sorted(map(repr, map(plain, built)))
            assert path.read_bytes() == again.read_bytes()


def test_a_stream_may_go_on_in_a_later_line(tmp_path: Path) -> None:
    """Two lines of the same labels are one stream, if the second does not start before the first ended."""
    first, second = ({"labels": {"a": "b"}, "entries": [[ns, str(ns)]]} for ns in (5, 7))
    path = write(tmp_path, f"{json.dumps(first)}\n{json.dumps(second)}\n".encode())
    assert plain(read_logs(path)[0])[1:3] == ([5, 7], ["5", "7"])
    path = write(tmp_path, f"{json.dumps(second)}\n{json.dumps(first)}\n".encode())
    with pytest.raises(BadSnapshot, match=r"logs\.jsonl:2: the stream goes on before"):
        read_logs(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (GOOD + b"{nonsense\n", r"logs\.jsonl:2: not JSON"),
        (GOOD + b'{"labels":{},"entries":[[1,"\xff"]]}\n', r":2: not UTF-8"),
        (b"[1,2]\n", r':1: not an object of "labels" and "entries"'),
        (b'{"labels":{},"entries":{}}\n', r':1: "entries" is not a list'),
        (b'{"labels":[],"entries":[]}\n', r":1: labels is not an object"),
        (b'{"labels":{"a":1},"entries":[]}\n', r":1: labels: 'a' is not a label name with a text value"),
        (b'{"labels":{"a-b":"x"},"entries":[]}\n', r":1: labels: 'a-b' is not a label name"),
        (b'{"labels":{},"entries":[[2,"a"],[1,"b"]]}\n', r":1: entry 2 goes back in time, from 2 to 1"),
        (b'{"labels":{},"entries":[["1","a"]]}\n', r":1: entry 1 has the time 1, which is not Unix nanoseconds"),
        (b'{"labels":{},"entries":[[NaN,"a"]]}\n', r":1: entry 1 has the time nan"),
        (b'{"labels":{},"entries":[["NaN","a"]]}\n', r":1: entry 1 has the time NaN"),
        (b'{"labels":{},"entries":[[true,"a"]]}\n', r":1: entry 1 has the time True"),
        (b'{"labels":{},"entries":[[1.5,"a"]]}\n', r":1: entry 1 has the time 1\.5"),
        (b'{"labels":{},"entries":[[-1,"a"]]}\n', r":1: entry 1 has the time -1"),
        (b'{"labels":{},"entries":[[99999999999999999999,"a"]]}\n', r":1: entry 1 has the time 9999"),
        (b'{"labels":{},"entries":[[1,2]]}\n', r":1: entry 1 has a line that is not text"),
        (b'{"labels":{},"entries":[[1]]}\n', r":1: entry 1 is not \[ns"),
        (b'{"labels":{},"entries":[[1,"a",{"b":2}]]}\n', r":1: metadata of entry 1"),
        (b'{"labels":{},"entries":[[1,"\\ud800"]]}\n', r":1: half a surrogate pair"),
        (b'{"labels":' + b"[" * 100_000 + b"\n", r":1: not JSON"),
        (b'{"labels":{},"entries":[[' + b"9" * 10_000 + b',"a"]]}\n', r":1: not JSON"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    """Bad JSON, wrong types, unsorted or impossible times and broken text each name the file, the line and the flaw."""
    with pytest.raises(BadSnapshot, match=complaint):
        read_logs(write(tmp_path, content))


@pytest.mark.parametrize("cut", [5, 20, -9, -1])
def test_a_truncated_gzip_is_refused(tmp_path: Path, cut: int) -> None:
    """Wherever a compressed file was cut off, reading it is an error and not a shorter answer."""
    rows = [[ns, f"line {ns * 7919 % 1009}"] for ns in range(2000)]
    whole = gzip.compress(json.dumps({"labels": {"a": "b"}, "entries": rows}).encode())
    with pytest.raises(BadSnapshot, match=r"logs\.jsonl\.gz:\d+: broken or truncated gzip"):
        read_logs(write(tmp_path, whole[:cut], "logs.jsonl.gz"))


def test_a_file_that_is_not_gzip_is_refused(tmp_path: Path) -> None:
    """A `.gz` that is none, or whose checksum is wrong, is an error."""
    with pytest.raises(BadSnapshot, match="truncated gzip"):
        read_logs(write(tmp_path, GOOD, "logs.jsonl.gz"))
    damaged = bytearray(gzip.compress(GOOD))
    damaged[-6] ^= 0xFF
    with pytest.raises(BadSnapshot, match="truncated gzip"):
        read_logs(write(tmp_path, bytes(damaged), "logs.jsonl.gz"))


def test_a_missing_file_is_a_bad_snapshot(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(BadSnapshot, match=r"logs\.jsonl: cannot be read"):
        read_logs(tmp_path / "logs.jsonl")


@pytest.mark.parametrize("filling", [b"\n", b" ", b'{"labels":{},"entries":[]}\n'])
def test_a_decompression_bomb_stops_at_the_limit(tmp_path: Path, filling: bytes) -> None:
    """A small gzip that unfolds to more than the limit is refused, using memory near the limit."""
    megabytes = 32
    bomb = gzip.compress(filling * (megabytes * 2**20 // len(filling)))
    limits = LogFileLimits(file_bytes=2**16, stream_bytes=2**15)
    path = write(tmp_path, bomb, "logs.jsonl.gz")
    tracemalloc.start()
    with pytest.raises(BadSnapshot, match="bytes"):
        read_logs(path, limits)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 2**20


def test_a_log_line_of_ten_megabytes_is_read_and_a_longer_one_refused(tmp_path: Path) -> None:
    """10 MB in one log line are no problem; past the limit the entry is named."""
    path = tmp_path / "logs.jsonl"
    write_logs(path, [stream_of({"a": "b"}, [(1, "x" * 10_000_000)])])
    assert len(read_logs(path)[0].lines[0]) == 10_000_000
    with pytest.raises(BadSnapshot, match=r":1: entry 1 has a line of more than 1000 bytes"):
        read_logs(path, LogFileLimits(line_bytes=1000))


def test_text_that_is_not_unicode_is_not_written(tmp_path: Path) -> None:
    """Half a surrogate pair cannot be written as UTF-8, and the stream is named."""
    with pytest.raises(BadInput, match="'service': 'x'"):
        write_logs(tmp_path / "logs.jsonl", [stream_of({"service": "x"}, [(1, "\ud800")])])

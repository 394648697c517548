"""Files of a case are read within bounds: bombs, truncation and endless lines are errors that say where."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from config.errors import BadSnapshot
from tests.tools.recorded.tiny_case import write_tiny_case
from tools.recorded.alerts import read_alerts
from tools.recorded.changes import read_changes
from tools.recorded.containers import read_containers
from tools.recorded.files import parse_json, read_document, read_lines
from tools.recorded.peers import read_peers
from tools.recorded.queues import read_queues
from tools.recorded.routing import read_routing

READERS = {
    "containers.json": read_containers,
    "routing.json": read_routing,
    "alerts.json": read_alerts,
    "queues.json": read_queues,
    "peers.json": read_peers,
    "changes.jsonl": read_changes,
}


def bomb(path: Path, size: int) -> Path:
    """A gzip of `size` zero bytes, a thousandth of it on disk."""
    with gzip.open(path, "wb") as file:
        for _ in range(size // 2**20):
            file.write(b"\0" * 2**20)
    return path


def test_zip_bomb_stops_at_the_limit_in_bounded_memory(tmp_path: Path) -> None:
    """A gzip that unpacks to 120 MB is refused at 8 MB, with memory of that order."""
    path = bomb(tmp_path / "containers.json.gz", 120 * 2**20)
    tracemalloc.start()
    with pytest.raises(BadSnapshot, match=r"containers\.json\.gz: unpacks to more than 8388608 bytes"):
        read_document(path, limit=8 * 2**20)
    assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    tracemalloc.stop()


def test_endless_line_stops_at_the_limit(tmp_path: Path) -> None:
    """A line without an end is refused by its number, not read into memory whole."""
    path = bomb(tmp_path / "changes.jsonl.gz", 20 * 2**20)
    with pytest.raises(BadSnapshot, match=r"changes\.jsonl\.gz:1: a line of more than 1000000 bytes"):
        read_changes(path)


def test_many_lines_stop_at_the_limit(tmp_path: Path) -> None:
    """Short lines without an end are bounded in all."""
    path = tmp_path / "changes.jsonl"
    path.write_text("{}\n" * 1000)
    with pytest.raises(BadSnapshot, match=r"changes\.jsonl:34: unpacks to more than 100 bytes"):
        list(read_lines(path, limit=100))


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("damage", ["truncated gz", "no gz", "not JSON", "not UTF-8", "wrong shape", "nan", "empty"])
def test_damaged_files_are_named(tmp_path: Path, name: str, damage: str) -> None:
    """Every reader answers damage with a BadSnapshot that starts with the file's name."""
    folder = write_tiny_case(tmp_path / "c").folder
    good = (folder / name).read_bytes()
    path = tmp_path / (name + ".gz" if damage.endswith("gz") else name)
    path.write_bytes(
        {
            "truncated gz": gzip.compress(good)[:-20],
            "no gz": good,
            "not JSON": good[:-30],
            "not UTF-8": b"\xff" + good,
            "wrong shape": b"[1]",
            "nan": good.replace(b'": ', b'": NaN, "x": ', 1),
            "empty": b" \n" * 3,
        }[damage]
    )
    if name == "changes.jsonl" and damage == "empty":
        assert read_changes(path) == ()
        return
    with pytest.raises(BadSnapshot, match=rf"^{name}"):
        READERS[name](path)


def test_doubly_long_numbers_and_deep_nesting_are_refused(tmp_path: Path) -> None:
    """Integers beyond 64 bits and nesting beyond reason are errors, not crashes."""
    path = tmp_path / "queues.json"
    path.write_text('{"states": [{"at": "2026-11-21T02:00:00Z", "name": "q", "length": %s}]}' % ("9" * 400))
    with pytest.raises(BadSnapshot, match=r"queues\.json: states\.0\.length"):
        read_queues(path)
    path.write_text('{"states": ' + "[" * 100_000)
    with pytest.raises(BadSnapshot, match=r"queues\.json: "):
        read_queues(path)


def test_error_names_field_but_not_value() -> None:
    """A message quotes no content: it may be long, and it may be a secret."""
    with pytest.raises(BadSnapshot) as caught:
        parse_json(b'{"a": "hunter2"}', TypeAdapter(dict[str, int]), "x.json")
    assert str(caught.value).startswith("x.json: a: ")
    assert "hunter2" not in str(caught.value)


def test_observations_out_of_order_are_refused(tmp_path: Path) -> None:
    """`The last one at or before a moment` needs ascending observations; the offending one is named."""
    path = tmp_path / "routing.json"
    path.write_text(
        '{"observations": [{"at": "2026-11-21T02:01:00Z", "views": []}, {"at": "2026-11-21T02:00:00Z", "views": []}]}'
    )
    with pytest.raises(BadSnapshot, match=r"observations\[1\]: earlier"):
        read_routing(path)

"""snapshot.yaml is read strictly: whatever is wrong with a case folder is said, with file and place, never guessed."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.errors import BadSnapshot
from tests.tools.recorded.tiny_case import NOW_MS, START_MS, tiny_manifest, write_tiny_case
from tools.recorded.snapshot import MODALITIES, parse_manifest, read_snapshot


def manifest_text(**changes: Any) -> bytes:
    """The tiny case's snapshot.yaml with keys replaced; None removes a key."""
    merged = {k: v for k, v in (tiny_manifest() | changes).items() if v is not None}
    return yaml.safe_dump(merged).encode()


def test_manifest_is_read() -> None:
    """Times become Unix milliseconds and the server's version two numbers."""
    manifest = parse_manifest(manifest_text())
    assert (manifest.id, manifest.now, manifest.window.start) == ("tiny", NOW_MS, START_MS)
    assert manifest.server.version == (2, 42)
    assert set(manifest.captured) == set(MODALITIES)


@pytest.mark.parametrize("when", ["2026-11-21T02:16:00.000Z", "2026-11-21T11:16:00+09:00", "2026-11-21T02:16:00Z"])
def test_times_may_be_quoted_or_bare_and_in_any_zone(when: str) -> None:
    """A bare time, which YAML would turn into an object of its own, means the same as a quoted one."""
    text = manifest_text().decode()
    bare = re.sub(r"^now: .*$", f"now: {when}", text, flags=re.M)
    assert parse_manifest(bare.encode()).now == NOW_MS


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        (2, "format '2'"),
        ("1.5", "format '1.5'"),
        (None, "no format number"),
        (True, "format 'True'"),
        ([1], r"format '\[1\]'"),
        ("x" * 10_000, "format 'x{40}'"),
    ],
)
def test_unknown_version_is_named_with_what_is_supported(version: Any, shown: str) -> None:
    """Another format number is refused before anything else is looked at, even when all the rest is unknown too."""
    text = yaml.safe_dump({} if version is None else {"format": version, "future": {"everything": "differs"}})
    with pytest.raises(BadSnapshot, match=rf"snapshot\.yaml: {shown}; supported: 1"):
        parse_manifest((text if version is not None else "id: a").encode())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": "../../etc"}, "id"),
        ({"id": "a/b"}, "id"),
        ({"id": ""}, "id"),
        ({"id": "a\nb"}, "id"),
        ({"id": 7}, "id"),
        ({"now": "2026-11-21T02:16:00"}, "now: .*zone"),
        ({"now": "yesterday"}, "now"),
        ({"now": None}, "now"),
        ({"now": "2026-11-21T03:16:00Z"}, "now lies outside window"),
        (
            {"window": {"start": "2026-11-21T03:00:00Z", "end": "2026-11-21T02:00:00Z"}},
            "window: start must lie before end",
        ),
        ({"server": {"prometheus": "4.0", "scrape_interval_s": 5}}, "server.prometheus"),
        ({"server": {"prometheus": "2.42.0", "scrape_interval_s": 0}}, "server.scrape_interval_s"),
        ({"server": {"prometheus": "2.42.0", "scrape_interval_s": float("nan")}}, "server.scrape_interval_s"),
        ({"captured": ["metrics", "traces"]}, "captured.1"),
        ({"captured": []}, "metrics must be listed under either"),
        ({"missing": [{"what": "logs", "why": "x"}]}, "logs must be listed under either captured or missing"),
        ({"surprise": 1}, "surprise"),
        ({"neighbours": -1}, "neighbours"),
        ({"neighbours": True}, "neighbours"),
    ],
)
def test_wrong_fields_are_named(changes: dict[str, Any], says: str) -> None:
    """Each fault is a BadSnapshot that names the field."""
    with pytest.raises(BadSnapshot, match=rf"snapshot\.yaml: {says}"):
        parse_manifest(manifest_text(**changes))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "must be a mapping"),
        (b"- 1", "must be a mapping"),
        (b"a: [", "snapshot.yaml:1"),
        (b"\x00", "not YAML"),
        (b"\xff\xfe\xff", "not YAML"),
        (b"format: 1\nformat: 1", "snapshot.yaml:2: 'format' is there twice"),
        (b"format: 1\na: &a [1]\nb: [*a, *a]", "snapshot.yaml:3: aliases are not allowed"),
        (b"[" * 3_000, "not YAML"),
        (b"format: 1\nid: " + b"x" * 2_000_000, "larger than"),
        (b"!!python/object/apply:os.system [id]", "could not determine a constructor"),
    ],
)
def test_text_that_is_no_manifest_is_refused(text: bytes, says: str) -> None:
    """Broken, hostile or oversized YAML is a clear error: no alias bomb, no object, no recursion."""
    with pytest.raises(BadSnapshot, match=says):
        parse_manifest(text)


def test_promised_file_must_be_there(tmp_path: Path) -> None:
    """A modality under captured without its file is an error, not an empty answer."""
    folder = write_tiny_case(tmp_path / "c").folder
    (folder / "routing.json").unlink()
    with pytest.raises(BadSnapshot, match=r"routing\.json: .*not there"):
        read_snapshot(folder)


def test_unlisted_file_is_refused(tmp_path: Path) -> None:
    """A file that the manifest calls missing contradicts it."""
    captured = [m for m in MODALITIES if m != "queues"]
    folder = write_tiny_case(tmp_path / "c", captured=captured, missing=[{"what": "queues", "why": "x"}]).folder
    with pytest.raises(BadSnapshot, match=r"queues\.json: .*does not list queues"):
        read_snapshot(folder)
    (folder / "queues.json").unlink()
    assert read_snapshot(folder).path("queues") is None


def test_gzipped_files_are_found_and_doubles_refused(tmp_path: Path) -> None:
    """`x.gz` stands for `x`; both at once would leave open which one counts."""
    folder = write_tiny_case(tmp_path / "c").folder
    plain = folder / "logs.jsonl"
    (folder / "logs.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    with pytest.raises(BadSnapshot, match=r"both logs\.jsonl and logs\.jsonl\.gz"):
        read_snapshot(folder)
    plain.unlink()
    assert read_snapshot(folder).path("logs") == folder / "logs.jsonl.gz"


@pytest.mark.parametrize("make", ["link out", "dangling", "loop", "folder", "pipe"])
def test_files_that_are_no_files_are_refused(tmp_path: Path, make: str) -> None:
    """Links out of the folder, dangling links, loops, folders and pipes are named and never opened."""
    folder = write_tiny_case(tmp_path / "c").folder
    path = folder / "peers.json"
    outside = tmp_path / "outside.json"
    outside.write_text(path.read_text())
    path.unlink()
    if make == "folder":
        path.mkdir()
    elif make == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to({"link out": outside, "dangling": folder / "gone", "loop": path}[make])
    with pytest.raises(BadSnapshot, match=r"peers\.json: "):
        read_snapshot(folder)


def test_no_folder_and_no_manifest_are_told_apart(tmp_path: Path) -> None:
    """A wrong path and a folder that is no case get their own sentence."""
    with pytest.raises(BadSnapshot, match="no such case folder"):
        read_snapshot(tmp_path / "absent")
    with pytest.raises(BadSnapshot, match="is not a case folder"):
        read_snapshot(tmp_path)


def test_manifest_as_json_is_fine(tmp_path: Path) -> None:
    """JSON is YAML: a program may write the manifest with what it has."""
    assert parse_manifest(json.dumps(tiny_manifest()).encode()).id == "tiny"

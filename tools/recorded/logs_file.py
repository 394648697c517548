"""`logs.jsonl[.gz]`: one line a stream, `{"labels": {…}, "entries": [[ns, "line"], [ns, "line", {metadata}], …]}`.

Times ascend (equal allowed). A long stream may go on in a later line with the same labels. Reading is bounded: neither
a decompression bomb nor a single endless line takes more memory than the limits say.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from config.errors import BadInput, BadSnapshot
from tools.recorded.files import read_lines
from tools.recorded.logs.store import LogStream, Metadata, sorted_streams

MIB = 1024 * 1024
_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MAYBE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class LogFileLimits:
    """Bytes after decompression: of the whole file, of one of its lines (a stream), of one log line (UTF-8)."""

    file_bytes: int = 1024 * MIB
    stream_bytes: int = 512 * MIB
    line_bytes: int = 16 * MIB


DEFAULT_LIMITS = LogFileLimits()


def read_logs(path: Path, limits: LogFileLimits = DEFAULT_LIMITS) -> tuple[LogStream, ...]:
    """All streams of a file. Raises BadSnapshot naming the file and the line for anything that is not the format."""
    parts: dict[tuple[tuple[str, str], ...], list[LogStream]] = {}
    for number, part in iter_logs(path, limits):
        earlier = parts.setdefault(tuple(sorted(part.labels.items())), [])
        if earlier and not part.lines:
            continue
        if earlier and earlier[-1].lines and part.ns[0] < earlier[-1].ns[-1]:
            raise BadSnapshot(f"{path.name}:{number}: the stream goes on before its earlier part ended")
        earlier.append(part)
    return sorted_streams(_joined(streams) for streams in parts.values())


def iter_logs(path: Path, limits: LogFileLimits = DEFAULT_LIMITS) -> Iterator[tuple[int, LogStream]]:
    """(line number, stream or part of one), one at a time, as they stand in the file."""
    for number, raw in read_lines(path, limit=limits.file_bytes, line_limit=limits.stream_bytes):
        yield number, _parsed(raw, f"{path.name}:{number}", limits)


def write_logs(path: Path, streams: Iterable[LogStream]) -> None:
    """Write streams, sorted by labels; the same streams give the same bytes. `.gz` compresses. Raises BadInput for text
    that is not Unicode.
    """
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as compressed:
                _write(compressed, streams)
        else:
            _write(file, streams)


def _write(file: IO[bytes] | gzip.GzipFile, streams: Iterable[LogStream]) -> None:
    for stream in sorted_streams(streams):
        try:
            file.write(_line_of(stream).encode())
        except UnicodeEncodeError as error:
            raise BadInput(f"stream {dict(stream.labels)} holds text that is not Unicode: {error}") from error


def _line_of(stream: LogStream) -> str:
    entries: list[list[Any]] = []
    for at, (ns, line) in enumerate(zip(stream.ns.tolist(), stream.lines, strict=True)):
        metadata = stream.metadata_at(at)
        entries.append([ns, line, dict(sorted(metadata.items()))] if metadata else [ns, line])
    labels = dict(sorted(stream.labels.items()))
    return json.dumps({"labels": labels, "entries": entries}, ensure_ascii=False, separators=(",", ":")) + "\n"


def _parsed(raw: bytes, where: str, limits: LogFileLimits) -> LogStream:
    try:
        row = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadSnapshot(f"{where}: not UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise BadSnapshot(f"{where}: not JSON: {error}") from error
    if not isinstance(row, dict) or set(row) != {"labels", "entries"}:
        raise BadSnapshot(f'{where}: not an object of "labels" and "entries"')
    if not isinstance(row["entries"], list):
        raise BadSnapshot(f'{where}: "entries" is not a list')
    labels = _text_map(row["labels"], where, "labels")
    stream = _stream(labels, row["entries"], where, limits)
    if _MAYBE_SURROGATE.search(raw):
        _check_unicode(stream, where)
    return stream


def _stream(labels: Metadata, entries: list[Any], where: str, limits: LogFileLimits) -> LogStream:
    times: list[int] = []
    lines: list[str] = []
    metadata: list[Metadata] = []
    last = 0
    for at, entry in enumerate(entries):
        if not isinstance(entry, list) or len(entry) not in (2, 3):
            _bad_entry(where, at, 'is not [ns, "line"] or [ns, "line", {metadata}]')
        ns, line = entry[0], entry[1]
        if type(ns) is not int or not 0 <= ns < 2**63:
            _bad_entry(where, at, f"has the time {str(ns)[:40]}, which is not Unix nanoseconds")
        if ns < last:
            _bad_entry(where, at, f"goes back in time, from {last} to {ns}")
        if type(line) is not str:
            _bad_entry(where, at, "has a line that is not text")
        if len(line) * 4 > limits.line_bytes and len(line.encode("utf-8", "replace")) > limits.line_bytes:
            _bad_entry(where, at, f"has a line of more than {limits.line_bytes} bytes")
        last = ns
        times.append(ns)
        lines.append(line)
        metadata.append(_text_map(entry[2], where, f"metadata of entry {at + 1}") if len(entry) == 3 else {})
    return LogStream(labels, np.array(times, dtype=np.int64), lines, metadata if any(metadata) else None)


def _bad_entry(where: str, at: int, what: str) -> NoReturn:
    raise BadSnapshot(f"{where}: entry {at + 1} {what}")


def _text_map(value: Any, where: str, what: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise BadSnapshot(f"{where}: {what} is not an object")
    for name, text in value.items():
        if not _LABEL_NAME.match(name) or not isinstance(text, str):
            raise BadSnapshot(f"{where}: {what}: {name[:80]!r} is not a label name with a text value")
    return value


def _check_unicode(stream: LogStream, where: str) -> None:
    texts = [*stream.labels.values(), *stream.lines]
    texts += [value for metadata in stream.metadata or () for value in metadata.values()]
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadSnapshot(f"{where}: half a surrogate pair: {error.reason}") from error


def _joined(parts: list[LogStream]) -> LogStream:
    if len(parts) == 1:
        return parts[0]
    metadata: list[Metadata] = []
    for part in parts:
        metadata += part.metadata or [{}] * len(part.lines)
    return LogStream(
        labels=parts[0].labels,
        ns=np.concatenate([part.ns for part in parts]),
        lines=[line for part in parts for line in part.lines],
        metadata=metadata if any(metadata) else None,
    )

"""Reading a case folder's files: plain or gzipped, inside the folder only, bounded in memory whatever they hold.

Everything wrong with a file is a BadSnapshot that names the file and, where there is one, the line.
"""

from __future__ import annotations

import gzip
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeVar

from pydantic import TypeAdapter, ValidationError

from config.errors import BadSnapshot

MAX_DOCUMENT = 64 * 2**20  # a JSON or YAML file, unpacked
MAX_STREAM = 1024 * 2**20  # a file read line by line, unpacked
MAX_LINE = 64 * 2**20  # one series or one log stream
CHUNK = 2**20

Model = TypeVar("Model")


def locate(folder: Path, name: str) -> Path | None:
    """The file of that name, or the gzipped one, or None. Links that leave the folder and odd files are refused."""
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_symlink() or path.exists()]
    if len(found) > 1:
        raise BadSnapshot(f"{name}: both {name} and {name}.gz are there; keep one")
    if not found:
        return None
    path = found[0]
    try:
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
    except (OSError, RuntimeError) as error:
        raise BadSnapshot(f"{path.name}: cannot be read: {error}") from error
    if not real.is_relative_to(folder.resolve()):
        raise BadSnapshot(f"{path.name}: points outside the case folder")
    if not stat.S_ISREG(mode):
        raise BadSnapshot(f"{path.name}: is not a regular file")
    return path


def read_document(path: Path, *, limit: int = MAX_DOCUMENT) -> bytes:
    """The whole file, unpacked, `limit` bytes at most."""
    with _guarded(path) as stream:
        return _take(stream, limit, path.name)


def read_lines(path: Path, *, limit: int = MAX_STREAM, line_limit: int = MAX_LINE) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, line without its newline), blank lines left out; bounded a line and in all."""
    read = 0
    with _guarded(path) as stream:
        number = 0
        while line := _line(stream, line_limit, path.name, number + 1):
            number += 1
            read += len(line)
            if read > limit:
                raise BadSnapshot(f"{path.name}:{number}: unpacks to more than {limit} bytes")
            if stripped := line.strip():
                yield number, stripped


def _guarded(path: Path) -> IO[bytes]:
    try:
        return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise BadSnapshot(f"{path.name}: cannot be read: {error}") from error


def _read(read: Callable[[int], bytes], size: int, name: str) -> bytes:
    try:
        return read(size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadSnapshot(f"{name}: broken or truncated gzip: {error}") from error
    except OSError as error:
        raise BadSnapshot(f"{name}: cannot be read: {error}") from error


def _take(stream: IO[bytes], limit: int, name: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := _read(stream.read, CHUNK, name):
        parts.append(part)
        size += len(part)
        if size > limit:
            raise BadSnapshot(f"{name}: unpacks to more than {limit} bytes")
    return b"".join(parts)


def _line(stream: IO[bytes], limit: int, name: str, number: int) -> bytes:
    line = _read(stream.readline, limit + 1, f"{name}:{number}")
    if len(line) > limit:
        raise BadSnapshot(f"{name}:{number}: a line of more than {limit} bytes")
    return line


def parse_json(text: bytes, adapter: TypeAdapter[Model], where: str) -> Model:
    """Validated JSON. `where` is the file, with the line where there is one; the message names the field."""
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        raise BadSnapshot(f"{where}: {explain(error)}") from error


def explain(error: ValidationError) -> str:
    """The first fault in words, with its place in the document; never the value, which may be long or secret."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place + ': ' if place else ''}{first['msg'].removeprefix('Value error, ')}{more}"

"""Loki's answers -> our types. Anything that is not the answer asked for is an error with the server's own words.

Loki refuses in text/plain with status 400; proxies in front of it answer HTML, sometimes with 200.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from config.errors import CulpritError, QueryError, SourceRefused, SourceUnavailable
from tools.sources.logs import CountSeries, LogEntry

Answer = TypeVar("Answer")
_SHOWN = 500


@dataclass(frozen=True)
class StreamStats:
    """What the index knows of the streams a selector matches: how much a query would read."""

    streams: int
    chunks: int
    bytes: int
    entries: int


@dataclass(frozen=True)
class Volume:
    """Bytes of log text of one group of streams."""

    labels: Mapping[str, str]
    bytes: int


def check_status(status: int, content_type: str, body: bytes, what: str) -> None:
    """Raises what an HTTP status means; returns for 2xx."""
    if 200 <= status < 300:
        return
    raise _meaning(status)(f"Loki: {what}: HTTP {status}: {_words(content_type, body)}")


def _meaning(status: int) -> type[CulpritError]:
    if status in (400, 422):
        return QueryError
    if status in (408, 425, 429) or status >= 500:
        return SourceUnavailable
    return SourceRefused


def _words(content_type: str, body: bytes) -> str:
    """The server's message: its text, the `message` of a JSON error, or that it was a page."""
    text = body[:100_000].decode("utf-8", "replace").strip()
    if "html" in content_type.lower() or text[:1] == "<":
        return "an HTML page, not Loki's own words (a proxy or a login page answers here)"
    if text.startswith("{"):
        try:
            row = json.loads(text)
        except ValueError:
            return text[:_SHOWN]
        text = str(row.get("message") or row.get("error") or text)
    return text[:_SHOWN] or "no reason given"


def json_body(content_type: str, body: bytes, what: str) -> Any:
    """The JSON of a 2xx answer. Raises SourceUnavailable when it is HTML, cut off or not JSON."""
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        shown = "an HTML page" if "html" in content_type.lower() or body.lstrip()[:1] == b"<" else "no complete JSON"
        raise SourceUnavailable(f"Loki: {what}: answered {shown} with status 200 ({len(body)} bytes)") from error


def entries_of(answer: Any, what: str) -> list[LogEntry]:
    """Lines of a `streams` result, in no order across streams."""
    return _shaped(lambda: [entry for one in _result(answer, "streams") for entry in _stream_entries(one)], what)


def counts_of(answer: Any, what: str) -> tuple[CountSeries, ...]:
    """Series of a `matrix` result, sorted by labels."""

    def read() -> tuple[CountSeries, ...]:
        series = [_count_series(row) for row in _result(answer, "matrix")]
        return tuple(sorted(series, key=lambda one: sorted(one.labels.items())))

    return _shaped(read, what)


def names_of(answer: Any, what: str) -> tuple[str, ...]:
    """Label names or values, sorted. Loki leaves `data` out when there are none."""
    return _shaped(lambda: tuple(sorted(_text(name) for name in _success(answer).get("data") or ())), what)


def series_of(answer: Any, what: str) -> tuple[Mapping[str, str], ...]:
    """Label sets, sorted."""

    def read() -> tuple[Mapping[str, str], ...]:
        return tuple(
            sorted((_labels(row) for row in _success(answer).get("data") or ()), key=lambda row: [*row.items()])
        )

    return _shaped(read, what)


def volumes_of(answer: Any, what: str) -> tuple[Volume, ...]:
    """Groups of a volume `vector`, largest first."""

    def read() -> tuple[Volume, ...]:
        rows = [Volume(_labels(row["metric"]), int(float(row["value"][1]))) for row in _result(answer, "vector")]
        return tuple(sorted(rows, key=lambda one: (-one.bytes, sorted(one.labels.items()))))

    return _shaped(read, what)


def stats_of(answer: Any, what: str) -> StreamStats:
    """Index statistics."""
    return _shaped(
        lambda: StreamStats(*(int(answer[name]) for name in ("streams", "chunks", "bytes", "entries"))), what
    )


def warnings_of(answer: Any) -> tuple[str, ...]:
    """The server's warnings, which newer versions send beside the result."""
    warnings = answer.get("warnings") if isinstance(answer, dict) else None
    return tuple(str(one)[:_SHOWN] for one in warnings) if isinstance(warnings, list) else ()


def _shaped(read: Callable[[], Answer], what: str) -> Answer:
    try:
        return read()
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise SourceUnavailable(f"Loki: {what}: answered JSON of another shape ({error!r:.200})") from error


def _success(answer: Any) -> Mapping[str, Any]:
    if answer["status"] != "success":
        raise ValueError(f"status {answer['status']!r}")
    return answer  # type: ignore[no-any-return]


def _result(answer: Any, result_type: str) -> list[Any]:
    data = _success(answer)["data"]
    if data["resultType"] != result_type:
        raise ValueError(f"resultType {data['resultType']!r}, not {result_type!r}")
    return data["result"] or []


def _stream_entries(row: Any) -> list[LogEntry]:
    labels = _labels(row["stream"])
    return [
        LogEntry(ns=int(value[0]), line=_text(value[1]), labels=_with_extras(labels, value)) for value in row["values"]
    ]


def _with_extras(labels: Mapping[str, str], value: list[Any]) -> Mapping[str, str]:
    """Labels of one line: a third element holds structured metadata and parsed fields where these are kept apart."""
    if len(value) < 3 or not value[2]:
        return labels
    extras = {**value[2].get("structuredMetadata", {}), **value[2].get("parsed", {})}
    return {**labels, **_labels(extras)}


def _count_series(row: Any) -> CountSeries:
    points = [(round(float(at) * 1000), int(float(count))) for at, count in row["values"]]
    return CountSeries(_labels(row["metric"]), tuple(ms for ms, _ in points), tuple(count for _, count in points))


def _labels(row: Any) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in sorted(row.items()) if value != ""}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not text")
    return value

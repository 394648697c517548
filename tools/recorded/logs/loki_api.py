"""Recorded logs over the Loki endpoints our client uses, as an ASGI application: for `case serve`, Grafana and curl.

It answers LogQL of our own subset (`logql_parser.py`); anything else is refused the way Loki refuses: text/plain, 400.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qs

from config.errors import NotCaptured, QueryError
from tools.recorded.logs.logql_parser import ParsedCount, ParsedPipeline, parse_duration_ms, parse_logql, parse_selector
from tools.recorded.logs.recorded_logs import RecordedLogs
from tools.sources.logs import MAX_STEPS, CountResult, LogQuery, LogResult

NS = 1_000_000_000
_HOUR_NS = 3600 * NS
_VALUES_PATH = re.compile(r"/loki/api/v1/label/([^/]+)/values\Z")
_JSON, _TEXT = "application/json; charset=UTF-8", "text/plain; charset=utf-8"

Params = Mapping[str, str]
Answer = tuple[int, str, bytes]
Route = Callable[[Params], Awaitable[Any]]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class LokiApi:
    """An ASGI application. `now_ns` stands for the present where a request names no end; `max_lines` is Loki's limit of
    entries a query.
    """

    def __init__(self, *, logs: RecordedLogs, now_ns: int, max_lines: int = 5000) -> None:
        self._logs = logs
        self._now_ns = now_ns
        self._max_lines = max_lines
        self._routes: Mapping[str, Route] = {
            "/loki/api/v1/labels": self._labels,
            "/loki/api/v1/label": self._labels,
            "/loki/api/v1/series": self._series,
            "/loki/api/v1/query_range": self._query_range,
            "/loki/api/v1/index/stats": self._stats,
            "/loki/api/v1/index/volume": self._volume,
            "/loki/api/v1/status/buildinfo": self._buildinfo,
        }

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        status, content_type, body = await self.answer(
            scope["path"], {name: values[-1] for name, values in query.items()}
        )
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, path: str, params: Params) -> Answer:
        """Status, content type and body for a GET of this path."""
        if path == "/ready":
            return 200, _TEXT, b"ready\n"
        values = _VALUES_PATH.match(path)
        route = self._routes.get(path)
        try:
            if values is not None:
                body = await self._label_values(values.group(1), params)
            elif route is not None:
                body = await route(params)
            else:
                return 404, _TEXT, b"404 page not found\n"
        except (QueryError, NotCaptured) as error:
            return 400, _TEXT, str(error).encode()
        return 200, _JSON, json.dumps(body, ensure_ascii=False).encode()

    async def _labels(self, params: Params) -> Any:
        start, end = self._window(params)
        return _success(list(await self._logs.labels(start_ns=start, end_ns=end)))

    async def _label_values(self, name: str, params: Params) -> Any:
        start, end = self._window(params)
        return _success(list(await self._logs.label_values(name, start_ns=start, end_ns=end)))

    async def _series(self, params: Params) -> Any:
        start, end = self._window(params)
        text = params.get("match[]") or params.get("match") or ""
        matchers = parse_selector(text) if text not in ("", "{}") else ()
        return _success([dict(labels) for labels in await self._logs.series(matchers, start_ns=start, end_ns=end)])

    async def _stats(self, params: Params) -> Any:
        start, end = self._window(params)
        stats = await self._logs.stats(parse_selector(params.get("query", "")), start_ns=start, end_ns=end)
        return {"streams": stats.streams, "chunks": stats.chunks, "bytes": stats.bytes, "entries": stats.entries}

    async def _volume(self, params: Params) -> Any:
        start, end = self._window(params)
        by = tuple(name for name in params.get("targetLabels", "").split(",") if name)
        limit = _whole(params.get("limit", "100"), "limit")
        volumes = await self._logs.volume(parse_selector(params.get("query", "")), start_ns=start, end_ns=end, by=by,
                                          limit=limit)
        rows = [{"metric": dict(one.labels), "value": [end // NS, str(one.bytes)]} for one in volumes]
        return _success({"resultType": "vector", "result": rows})

    async def _buildinfo(self, _: Params) -> Any:
        return {"version": "recorded", "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}

    async def _query_range(self, params: Params) -> Any:
        start, end = self._window(params)
        parsed = parse_logql(params.get("query", ""))
        if isinstance(parsed, ParsedCount):
            step_ms = _step_ms(params.get("step", ""), start, end)
            if (end - start) // (step_ms * 1_000_000) >= MAX_STEPS:
                raise QueryError(
                    "exceeded maximum resolution of 11,000 points per time series."
                    " Try increasing the value of the step parameter"
                )
            query = _query(parsed.pipeline, start, end, 1, "backward")
            return _matrix(await self._logs.count(query, parsed.by, step_ms, parsed.window_ms))
        limit = _whole(params.get("limit", "100"), "limit")
        if limit > self._max_lines:
            excess = f"limit > max_entries_limit_per_query ({limit} > {self._max_lines})"
            raise QueryError(f"max entries limit per query exceeded, {excess}")
        return _streams(await self._logs.search(_query(parsed, start, end, limit, params.get("direction", "backward"))))

    def _window(self, params: Params) -> tuple[int, int]:
        end = _time_ns(params["end"], "end") if params.get("end") else self._now_ns
        start = _time_ns(params["start"], "start") if params.get("start") else end - _HOUR_NS
        return start, end


def _query(parsed: ParsedPipeline, start: int, end: int, limit: int, direction: str) -> LogQuery:
    way: Literal["backward", "forward"] = "forward" if direction.lower() == "forward" else "backward"
    return LogQuery(parsed.matchers, start, end, parsed.filters, parsed.parser, parsed.conditions, limit, way)


def _streams(result: LogResult) -> Any:
    groups: dict[tuple[tuple[str, str], ...], list[list[str]]] = defaultdict(list)
    for entry in result.entries:
        groups[tuple(sorted(entry.labels.items()))].append([str(entry.ns), entry.line])
    rows = [{"stream": dict(labels), "values": values} for labels, values in groups.items()]
    return _success({"resultType": "streams", "result": rows, "stats": {}}, result.warnings)


def _matrix(result: CountResult) -> Any:
    rows = [
        {
            "metric": dict(series.labels),
            "values": [[_seconds(ms), str(count)] for ms, count in zip(series.ms, series.counts, strict=True)],
        }
        for series in result.series
    ]
    return _success({"resultType": "matrix", "result": rows, "stats": {}}, result.warnings)


def _success(data: Any, warnings: tuple[str, ...] = ()) -> Any:
    return {"status": "success", "data": data, **({"warnings": list(warnings)} if warnings else {})}


def _seconds(ms: int) -> int | float:
    return ms // 1000 if ms % 1000 == 0 else ms / 1000


def _whole(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise QueryError(f"could not parse '{name}' parameter: {text[:40]!r} is not a whole number")
    return int(text)


def _time_ns(text: str, name: str) -> int:
    """Unix seconds (up to ten digits, or with a point), Unix nanoseconds, or RFC 3339."""
    if text.isascii() and text.isdigit() and len(text) <= 19:
        return int(text) * (NS if len(text) <= 10 else 1)
    try:
        seconds = float(text) if "-" not in text else datetime.fromisoformat(text).timestamp()
        return round(seconds * 1000) * 1_000_000
    except (ValueError, OverflowError) as error:
        raise QueryError(f"could not parse '{name}' parameter: {text[:40]!r} is not a time") from error


def _step_ms(text: str, start_ns: int, end_ns: int) -> int:
    """A step in seconds or as a duration; by default a 250th of the window, one second at least (Loki's default)."""
    if not text:
        return max((end_ns - start_ns) // NS // 250, 1) * 1000
    try:
        step = float(text) * 1000
    except ValueError:
        return parse_duration_ms(text)
    if not 1 <= step < 1e12:
        raise QueryError(f"step {text[:40]!r} is not at least a millisecond")
    return round(step)

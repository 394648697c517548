"""A recorded case over Prometheus' HTTP API, as an ASGI application: for live clients, Grafana and curl.

`now` is the case's: a query without a time is asked at it, and nothing after it is answered. Steps of a range that were
not captured are left out with a warning; an instant that was not captured is an error (422), never an empty vector.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from config.errors import BadInput, BadSnapshot, NotCaptured, QueryBudget, QueryError, UnsupportedQuery
from tools.evidence import parse_iso
from tools.recorded.metrics import RecordedMetrics
from tools.recorded.prometheus_json import failure, metadata, query_data, success
from tools.recorded.promql.grammar import parse
from tools.recorded.snapshot import Server

MAX_BODY = 1_000_000
_VALUES_PATH = re.compile(r"/api/v1/label/([^/]+)/values\Z")
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?\Z")
_UNITS_MS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1)

Params = Mapping[str, Sequence[str]]
Reply = tuple[int, dict[str, Any]]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]




class PrometheusApi:
    """An ASGI application. `server` is what is known of the recorded one."""

    def __init__(self, *, metrics: RecordedMetrics, server: Server) -> None:
        self._metrics = metrics
        self._span = metrics.span
        self._server = server
        self._routes: Mapping[str, Callable[[Params], Awaitable[Reply]]] = {
            "/api/v1/query": self._query, "/api/v1/query_range": self._query_range, "/api/v1/series": self._series,
            "/api/v1/labels": self._labels, "/api/v1/metadata": self._metadata,
            "/api/v1/status/buildinfo": self._buildinfo, "/api/v1/status/flags": self._flags,
            "/api/v1/status/config": self._config,
        }

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        params = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        status, body = 200, {}
        if scope["method"] == "POST":
            text = await _body(receive)
            if text is None:
                status, body = 413, failure("bad_data", f"a body of more than {MAX_BODY} bytes")
            else:
                for name, values in parse_qs(text, keep_blank_values=True).items():
                    params.setdefault(name, []).extend(values)
        if status == 200:
            status, body = await self.answer(scope["method"], scope["path"], params)
        payload = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": payload if scope["method"] != "HEAD" else b""})

    async def answer(self, method: str, path: str, params: Params) -> Reply:
        """Status and JSON body."""
        values = _VALUES_PATH.match(path)
        route = self._routes.get(path)
        if values is None and route is None:
            return 404, failure("not_found", f"no such endpoint in a recorded world: {path[:200]}")
        if method not in ("GET", "POST", "HEAD"):
            return 405, failure("bad_data", f"method {method[:20]} is not allowed")
        try:
            if route is not None:
                return await route(params)
            return await self._label_values(values.group(1) if values else "", params)
        except BadInput as error:
            return 400, failure("bad_data", str(error))
        except NotCaptured as error:
            return 422, failure("execution", f"not captured: {error}")
        except (QueryError, QueryBudget, BadSnapshot) as error:
            return 422, failure("execution", str(error))

    async def _query(self, params: Params) -> Reply:
        query = self._parsed(params)
        answer = await self._metrics.ask(query, at_ms=self._time(params, "time", self._span.now_ms))
        return 200, success(query_data(answer, ranged=False), answer.warnings, answer.infos)

    async def _query_range(self, params: Params) -> Reply:
        start, end = self._time(params, "start", None), self._time(params, "end", None)
        step = _step_ms(_one(params, "step"))
        if end < start:
            raise BadInput('invalid parameter "end": end timestamp must not be before start time')
        if step <= 0:
            raise BadInput('invalid parameter "step": zero or negative query resolution step widths are not '
                               "accepted. Try a positive integer")
        if (end - start) / step > 11_000:
            raise BadInput("exceeded maximum resolution of 11,000 points per timeseries. "
                               "Try decreasing the query resolution (?step=XX)")
        query = self._parsed(params)
        answer = await self._metrics.ask_range(query, start_ms=start, end_ms=end, step_ms=step, partial=True)
        return 200, success(query_data(answer, ranged=True), answer.warnings, answer.infos)

    async def _series(self, params: Params) -> Reply:
        if not params.get("match[]"):
            raise BadInput("no match[] parameter provided")
        return 200, success([dict(labels) for labels in await self._matching(params)])

    async def _labels(self, params: Params) -> Reply:
        return 200, success(sorted({name for labels in await self._matching(params) for name in labels}))

    async def _label_values(self, name: str, params: Params) -> Reply:
        found = {labels[name] for labels in await self._matching(params) if name in labels}
        return 200, success(sorted(found))

    async def _metadata(self, params: Params) -> Reply:
        names = sorted({labels.get("__name__", "") for labels in await self._matching({})})
        wanted = _one(params, "metric")
        return 200, success(metadata([n for n in names if n and wanted in ("", n)]))

    async def _buildinfo(self, _: Params) -> Reply:
        return 200, success({"version": self._server.prometheus, "revision": "recorded", "branch": "", "buildUser": "",
                             "buildDate": "", "goVersion": ""})

    async def _flags(self, _: Params) -> Reply:
        return 200, success({"query.lookback-delta": _duration(self._server.lookback_s)})

    async def _config(self, _: Params) -> Reply:
        scrape, evaluation = self._server.scrape_interval_s, self._server.default_subquery_step_s
        text = f"global:\n  scrape_interval: {_duration(scrape)}\n  evaluation_interval: {_duration(evaluation)}\n"
        return 200, success({"yaml": text})

    async def _matching(self, params: Params) -> Sequence[Mapping[str, str]]:
        """Series of the match[] selectors (all without any) with a sample in the window asked for."""
        start = self._time(params, "start", self._span.start_ms)
        end = min(self._time(params, "end", self._span.now_ms), self._span.now_ms)
        try:
            selectors = [self._metrics.matchers(text) for text in params.get("match[]", ())] or [()]
        except (QueryError, UnsupportedQuery) as error:
            raise BadInput(f'invalid parameter "match[]": {error}') from error
        return await self._metrics.series(selectors, start_ms=start, end_ms=end)

    def _parsed(self, params: Params) -> str:
        """The query, after a parse of its own: a syntax error is 400, what evaluation refuses is 422."""
        query = _one(params, "query")
        try:
            parse(query, self._metrics.semantics)
        except UnsupportedQuery:
            raise
        except QueryError as error:
            raise BadInput(f'invalid parameter "query": {error}') from error
        return query

    def _time(self, params: Params, name: str, default: int | None) -> int:
        text = _one(params, name)
        if not text and default is not None:
            return default
        ms = read_time_ms(text)
        if ms is None:
            raise BadInput(f'invalid parameter "{name}": cannot parse {json.dumps(text[:60])} to a valid timestamp')
        return ms


async def _body(receive: Receive) -> str | None:
    """The request body, or None where it is too long."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts).decode("utf-8", "replace")


def _duration(value_s: float) -> str:
    return f"{round(value_s)}s" if value_s == round(value_s) else f"{round(value_s * 1000)}ms"


def _one(params: Params, name: str) -> str:
    values = params.get(name)
    return values[0] if values else ""


def read_time_ms(text: str) -> int | None:
    """Unix seconds (with decimals) or RFC 3339; None for anything else."""
    try:
        value = float(text)
        return round(value * 1000) if math.isfinite(value) and abs(value) < 1e12 else None
    except ValueError:
        pass
    try:
        return parse_iso(text) if datetime.fromisoformat(text).tzinfo else None
    except (ValueError, OverflowError):
        return None


def _step_ms(text: str) -> int:
    """Seconds, or a duration such as 1m30s."""
    try:
        value = float(text)
        if math.isfinite(value) and abs(value) < 1e10:
            return round(value * 1000)
    except ValueError:
        match = _DURATION.match(text)
        if text and match:
            return sum(int(n) * unit for n, unit in zip(match.groups("0"), _UNITS_MS, strict=True))
    raise BadInput(f'invalid parameter "step": cannot parse {json.dumps(text[:60])} to a valid duration')

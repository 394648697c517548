"""The live metrics client: prometheus-api-client behind the Metrics seam. Prometheus, Mimir, Thanos, VictoriaMetrics.

Their common query API is asked with GET. Partial responses (a `warnings` list beside the result) are told as
shortfalls; an error keeps the server's own words, never its headers.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from config.errors import ConfigError, QueryBudget, QueryError, SourceRefused, SourceUnavailable
from tools.sources.clock_skew import tell_skew
from tools.sources.http_json import Endpoint, meaning, words
from tools.sources.metrics import MetricsResult, Series
from tools.sources.prometheus_session import BoundedSession, Exchange
from tools.sources.rate_cap import RateCap
from tools.sources.shortfall import tell_shortfall

MAX_STEPS = 11_000  # what Prometheus refuses to exceed, for each series
_TOO_MUCH = ("too many samples", "maximum resolution", "exceeded the limit", "max-fetched", "query is too long")

Read = TypeVar("Read")


class PrometheusMetrics:
    """Fits the Metrics seam. `endpoint.url` may carry a path prefix; tenants and tokens go into `endpoint.headers`.

    One retry, for a connection that broke and for 502, 503 and 504; a `Retry-After` is not waited for.
    """

    def __init__(
        self, endpoint: Endpoint, *, cap: RateCap | None = None, name: str = "Prometheus", parallel: int = 8
    ) -> None:
        if not endpoint.url.startswith(("http://", "https://")):
            raise ConfigError(f"the address of {name} is not an http URL: {endpoint.url!r}")
        self._name, self._endpoint, self._cap = name, endpoint, cap
        self._session = BoundedSession(timeout_s=endpoint.timeout_s)
        retry = Retry(total=1, backoff_factor=0.2, status_forcelist=(502, 503, 504), allowed_methods=None,
                      raise_on_status=False, respect_retry_after_header=False, redirect=0)
        self._connect = PrometheusConnect(
            url=endpoint.url.rstrip("/"), headers=dict(endpoint.headers), retry=retry, auth=endpoint.auth,
            session=self._session, timeout=endpoint.timeout_s,
        )
        if endpoint.tls is not None:
            self._session.mount(endpoint.url.rstrip("/"), _TlsAdapter(endpoint.tls, retry, parallel))
        self._gate = asyncio.Semaphore(parallel)

    async def instant(self, promql: str, *, at_ms: int) -> MetricsResult:
        """Evaluate at one moment; each series has one point."""
        params = {"time": f"{at_ms / 1000:.3f}"}
        return await self._ask(lambda: self._connect.custom_query(promql, params=params))

    async def range(self, promql: str, *, start_ms: int, end_ms: int, step_ms: int) -> MetricsResult:
        """Evaluate at start, start + step, … <= end; milliseconds count (the library alone rounds to seconds)."""
        if step_ms <= 0 or end_ms < start_ms:
            raise QueryError("a range needs a positive step and an end that is not before its start")
        if (end_ms - start_ms) // step_ms >= MAX_STEPS:
            raise QueryBudget(f"{(end_ms - start_ms) // step_ms + 1} steps a series; at most {MAX_STEPS} are answered")
        exact = {"start": f"{start_ms / 1000:.3f}", "end": f"{end_ms / 1000:.3f}"}
        start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (start_ms, end_ms))
        step = f"{step_ms / 1000:.3f}"
        return await self._ask(lambda: self._connect.custom_query_range(promql, start, end, step, params=exact))

    def close(self) -> None:
        """Close the connections."""
        self._connect.close()

    async def _ask(self, call: Callable[[], Any]) -> MetricsResult:
        if self._cap is not None:
            await self._cap.take()
        limit = self._endpoint.timeout_s * 2 + 1  # the retry has its own time; the thread ends by itself
        async with self._gate:
            try:
                async with asyncio.timeout(limit):
                    return await asyncio.to_thread(self._told, call)
            except TimeoutError as error:
                raise SourceUnavailable(f"{self._name}: no answer within {limit:g} s") from error

    def _told(self, call: Callable[[], Any]) -> MetricsResult:
        """In a thread: the library's answer together with what it leaves out of it."""
        try:
            rows = call()
        except PrometheusApiClientException as error:
            raise _refusal(self._name, self._session.last()) from error
        except requests.Timeout as error:
            raise SourceUnavailable(f"{self._name}: no answer within {self._endpoint.timeout_s:g} s") from error
        except (requests.exceptions.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise _unreadable(self._name, self._session.last()) from error
        except requests.RequestException as error:
            raise SourceUnavailable(f"{self._name}: cannot be reached ({type(error).__name__})") from error
        except (SourceUnavailable, QueryBudget) as error:
            raise type(error)(f"{self._name}: {error}") from error
        exchange = self._session.last()
        tell_skew(self._name, exchange.date if exchange is not None else None)
        try:
            return self._result(rows, exchange)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise _unreadable(self._name, exchange) from error

    def _result(self, rows: Any, exchange: Exchange | None) -> MetricsResult:
        body = json.loads(exchange.body) if exchange is not None else {}
        kind, warnings = body["data"]["resultType"], tuple(str(w)[:300] for w in body.get("warnings") or ())
        for warning in warnings:
            tell_shortfall(f"{self._name} warns: {warning}")
        if kind == "string":
            raise QueryError("the query's answer is a text, not numbers")
        if kind == "scalar":
            return MetricsResult((_series({}, [rows]),), warnings)
        points = "value" if kind == "vector" else "values"
        series = []
        for row in rows:
            if "histogram" in row or "histograms" in row:
                tell_shortfall(f"{self._name}: native histograms are not read")
            if points not in row:
                continue
            series.append(_series(row["metric"], [row[points]] if kind == "vector" else row[points]))
        return MetricsResult(tuple(series), warnings)


class _TlsAdapter(HTTPAdapter):
    """Uses our TLS context: own certificate authority, client certificate."""

    def __init__(self, context: ssl.SSLContext, retry: Retry, parallel: int) -> None:
        self._context = context
        super().__init__(max_retries=retry, pool_maxsize=parallel)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """With the context."""
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context verifies; requests would load its own bundle over it."""


def _series(labels: Mapping[str, str], points: list[Any]) -> Series:
    return Series(
        {str(k): str(v) for k, v in labels.items()},
        np.array([round(float(at) * 1000) for at, _ in points], dtype=np.int64),
        np.array([float(value) for _, value in points], dtype=np.float64),
    )


def _refusal(name: str, exchange: Exchange | None) -> QueryError | SourceUnavailable | SourceRefused:
    """What a status other than 200 means, in the server's words."""
    if exchange is None:
        return SourceUnavailable(f"{name}: gave no complete answer")
    reason = words(exchange.content_type, exchange.body)
    kind = meaning(exchange.status)
    if kind is QueryError:
        too_much = any(piece in reason for piece in _TOO_MUCH)
        return (QueryBudget if too_much else QueryError)(f"{name}: {reason}")
    told = f"{name}: HTTP {exchange.status}: {reason}"
    return SourceUnavailable(told) if kind is SourceUnavailable else SourceRefused(told)


def _unreadable(name: str, exchange: Exchange | None) -> SourceUnavailable:
    if exchange is None:
        return SourceUnavailable(f"{name}: the connection broke in the middle of the answer")
    page = "html" in exchange.content_type.lower() or exchange.body.lstrip()[:1] == b"<"
    shown = "an HTML page" if page else "no complete answer of the query API"
    return SourceUnavailable(f"{name}: answered {shown} with status {exchange.status} ({len(exchange.body)} bytes)")

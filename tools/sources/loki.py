"""The live logs client: Loki's HTTP API, read only. Answers are parsed in `loki_answers.py`.

Loki gives a limited number of lines a request. A longer search is read in pages cut between two timestamps, so that no
line is lost or read twice however many share a nanosecond.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx

from config.errors import ConfigError, QueryBudget, QueryError, SourceUnavailable
from tools.sources.logql import compile_count, compile_search, compile_selector
from tools.sources.logs import (
    CountResult,
    LabelMatcher,
    LogEntry,
    LogQuery,
    LogResult,
    check_count,
    check_matchers,
    check_window,
)
from tools.sources.loki_answers import (
    StreamStats,
    Volume,
    check_status,
    counts_of,
    entries_of,
    json_body,
    names_of,
    series_of,
    stats_of,
    volumes_of,
    warnings_of,
)

PAGE_LINES = 5000  # Loki's default max_entries_limit_per_query
MAX_BODY_BYTES = 256 * 1024 * 1024

_ALLOWED_LIMIT = re.compile(r"max entries limit per query exceeded.*\(\d+ > (\d+)\)")


class LokiLogs:
    """Fits the Logs seam. Raises SourceUnavailable (down, slow, 429, 5xx, not JSON), SourceRefused (401, 403, 404…),
    QueryError (400, with Loki's words) and QueryBudget (an answer larger than `max_body_bytes`).

    `headers` carry authorization and the like; `tenant` is sent as X-Scope-OrgID; `prefix` is the path Loki is served
    under; `timeout_s` bounds a whole request. Messages never hold headers. Close it with `aclose()`.
    """

    def __init__(
        self,
        *,
        base_url: str,
        tenant: str = "",
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout_s: float = 10.0,
        prefix: str = "",
        page_lines: int = PAGE_LINES,
        max_body_bytes: int = MAX_BODY_BYTES,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        sent = {"Accept": "application/json", **(headers or {}), **({"X-Scope-OrgID": tenant} if tenant else {})}
        stripped = prefix.strip("/")
        self._prefix = f"/{stripped}" if stripped else ""
        self._timeout_s = timeout_s
        try:
            self._client = httpx.AsyncClient(
                base_url=base_url.rstrip("/"),
                headers=sent,
                auth=auth,
                timeout=timeout_s,
                verify=tls or True,
                trust_env=False,
                transport=transport,
            )
        except httpx.InvalidURL as error:
            raise ConfigError(f"the address of Loki is not a URL: {error}") from error
        self._page_lines = page_lines
        self._max_body_bytes = max_body_bytes

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def search(self, query: LogQuery) -> LogResult:
        """The lines a query selects, read in as many pages as `limit` takes."""
        found: list[LogEntry] = []
        warnings: list[str] = []
        rest: LogQuery | None = query
        while rest is not None and len(found) <= query.limit:
            page, rest, notes = await self._page(rest, query.limit + 1 - len(found))
            found += page
            warnings += [note for note in notes if note not in warnings]
        truncated = len(found) > query.limit or any(note.startswith(_TOO_MANY_AT_ONCE) for note in warnings)
        return LogResult(tuple(found[: query.limit]), truncated, tuple(warnings))

    async def count(
        self, query: LogQuery, by: tuple[str, ...], step_ms: int, window_ms: int | None = None
    ) -> CountResult:
        """Counts by label; Loki itself aligns start and end to the step."""
        check_count(query, by, step_ms, window_ms)
        params = {
            "query": compile_count(query, by, window_ms or step_ms),
            "start": str(query.start_ns),
            "end": str(query.end_ns),
            "step": f"{step_ms / 1000:.3f}",
        }
        answer = await self._get("/loki/api/v1/query_range", params, "count")
        return CountResult(counts_of(answer, "count"), warnings_of(answer))

    async def labels(self, *, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Names of stream labels."""
        return names_of(await self._get("/loki/api/v1/labels", _window(start_ns, end_ns), "labels"), "labels")

    async def label_values(self, name: str, *, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Values of one stream label."""
        LabelMatcher(name, "=", "")  # refuses what is not a name, which would change the path
        path = f"/loki/api/v1/label/{name}/values"
        return names_of(await self._get(path, _window(start_ns, end_ns), "label values"), "label values")

    async def series(
        self, matchers: tuple[LabelMatcher, ...], *, start_ns: int, end_ns: int
    ) -> tuple[Mapping[str, str], ...]:
        """Label sets of the selected streams; no matchers select all."""
        if matchers:
            check_matchers(matchers)
        params = {**_window(start_ns, end_ns), "match[]": compile_selector(matchers)} if matchers else None
        answer = await self._get("/loki/api/v1/series", params or _window(start_ns, end_ns), "series")
        return series_of(answer, "series")

    async def stats(self, matchers: tuple[LabelMatcher, ...], *, start_ns: int, end_ns: int) -> StreamStats:
        """How much the selected streams hold, from the index alone. Loki counts chunks already flushed only."""
        params = {**_window(start_ns, end_ns), "query": compile_selector(matchers)}
        return stats_of(await self._get("/loki/api/v1/index/stats", params, "stats"), "stats")

    async def volume(
        self, matchers: tuple[LabelMatcher, ...], *, start_ns: int, end_ns: int, by: tuple[str, ...] = (),
        limit: int = 100,
    ) -> tuple[Volume, ...]:
        """Bytes by label (default: the matchers' labels), the `limit` largest, largest first, from the index alone."""
        params = {**_window(start_ns, end_ns), "query": compile_selector(matchers), "limit": str(limit)}
        if by:
            params["targetLabels"] = ",".join(by)
        return volumes_of(await self._get("/loki/api/v1/index/volume", params, "volume"), "volume")

    async def ready(self) -> bool:
        """Whether Loki says that it is ready. Raises SourceUnavailable while it is not."""
        return (await self._body("/ready", {}, "ready"))[1].strip() == b"ready"

    async def version(self) -> str:
        """The server's version, "" where it does not say."""
        answer = await self._get("/loki/api/v1/status/buildinfo", {}, "build info")
        return str(answer.get("version", "")) if isinstance(answer, dict) else ""

    async def _page(self, query: LogQuery, wanted: int) -> tuple[list[LogEntry], LogQuery | None, list[str]]:
        """At most a page of lines in order, the query for what is left (None: nothing), and notes.

        A full page may have been cut within a timestamp. Its last timestamp is left to the next page, except when the
        whole page is of one timestamp: then that nanosecond is read stream by stream.
        """
        entries, lines, notes = await self._read(query, wanted)
        if len(entries) < lines or lines >= wanted:
            return entries, None, notes
        edge = entries[-1].ns
        whole = [entry for entry in entries if entry.ns != edge]
        if whole:
            return whole, _beyond(query, edge, inclusive=True), notes
        moment, more = await self._moment(query, edge)
        return moment, _beyond(query, edge, inclusive=False), notes + more

    async def _moment(self, query: LogQuery, ns: int) -> tuple[list[LogEntry], list[str]]:
        """All lines of one nanosecond, one stream after another; a note where even one stream has too many."""
        at = replace(query, start_ns=ns, end_ns=ns + 1)
        found: list[LogEntry] = []
        notes: list[str] = []
        streams = await self.series(query.matchers, start_ns=ns, end_ns=ns + 1)
        names = sorted({name for labels in streams for name in labels})
        for labels in streams:
            exact = tuple(LabelMatcher(name, "=", labels.get(name, "")) for name in names)
            entries, lines, _ = await self._read(replace(at, matchers=exact), self._page_lines)
            found += entries
            if len(entries) >= lines:
                notes.append(f"{_TOO_MANY_AT_ONCE} {compile_selector(exact)} at {ns}: read {lines}, there may be more")
        return found, notes

    async def _read(self, query: LogQuery, wanted: int) -> tuple[list[LogEntry], int, list[str]]:
        """One request of at most a page: its lines in order, the limit it had, the server's warnings."""
        while True:
            lines = min(wanted, self._page_lines)
            params = {
                "query": compile_search(query),
                "start": str(query.start_ns),
                "end": str(query.end_ns),
                "limit": str(lines),
                "direction": query.direction,
            }
            try:
                answer = await self._get("/loki/api/v1/query_range", params, "search")
            except QueryError as error:
                self._page_lines = _allowed_lines(error, lines)
                continue
            entries = entries_of(answer, "search")
            entries.sort(key=lambda entry: entry.ns, reverse=query.direction == "backward")
            return entries, lines, list(warnings_of(answer))

    async def _get(self, path: str, params: Mapping[str, str], what: str) -> Any:
        content_type, body = await self._body(path, params, what)
        return json_body(content_type, body, what)

    async def _body(self, path: str, params: Mapping[str, str], what: str) -> tuple[str, bytes]:
        """A 2xx answer's content type and body, at most `max_body_bytes` of it after decompression."""
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream("GET", self._prefix + path, params=dict(params)) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > self._max_body_bytes:
                        raise QueryBudget(f"Loki: {what}: the answer is larger than {self._max_body_bytes} bytes")
        except (TimeoutError, httpx.TimeoutException) as error:
            raise SourceUnavailable(f"Loki: {what}: no answer within {self._timeout_s:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceUnavailable(f"Loki: {what}: {type(error).__name__}: {error}") from error
        content_type = response.headers.get("content-type", "")
        check_status(response.status_code, content_type, bytes(body), what)
        return content_type, bytes(body)


_TOO_MANY_AT_ONCE = "more lines of one timestamp than Loki gives at once:"


def _beyond(query: LogQuery, edge_ns: int, *, inclusive: bool) -> LogQuery | None:
    """The query for what lies past an edge in its direction, with or without the edge itself."""
    if query.direction == "backward":
        end = edge_ns + 1 if inclusive else edge_ns
        return replace(query, end_ns=end) if query.start_ns < end else None
    start = edge_ns if inclusive else edge_ns + 1
    return replace(query, start_ns=start) if start < query.end_ns else None


def _allowed_lines(error: QueryError, asked: int) -> int:
    """The page size a server that found ours too big allows; any other error is raised again."""
    allowed = _ALLOWED_LIMIT.search(str(error))
    if allowed is None or not 0 < int(allowed.group(1)) < asked:
        raise error
    return int(allowed.group(1))


def _window(start_ns: int, end_ns: int) -> dict[str, str]:
    check_window(start_ns, end_ns)
    return {"start": str(start_ns), "end": str(end_ns)}

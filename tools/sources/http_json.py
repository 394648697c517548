"""Reading JSON or text over HTTP with GET, bounded in time and size: for the small status interfaces of backends."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from config.errors import ConfigError, CulpritError, QueryBudget, QueryError, SourceRefused, SourceUnavailable

MAX_BODY_BYTES = 32 * 1024 * 1024
_SHOWN = 300


@dataclass(frozen=True)
class Endpoint:
    """Where and how a backend is asked. `headers` carry tenants and tokens and never appear in a message."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    timeout_s: float = 8.0
    tls: ssl.SSLContext | None = None


def meaning(status: int) -> type[CulpritError]:
    """What an HTTP status says about trying again."""
    if status in (400, 422):
        return QueryError
    if status in (408, 425, 429) or status >= 500:
        return SourceUnavailable
    return SourceRefused


def words(content_type: str, body: bytes) -> str:
    """The server's reason: its text, the message of a JSON error, or that it was a page."""
    text = body[:100_000].decode("utf-8", "replace").strip()
    if "html" in content_type.lower() or text[:1] == "<":
        return "an HTML page (a proxy or a login page answers here)"
    if text.startswith("{"):
        try:
            row = json.loads(text)
        except ValueError:
            return text[:_SHOWN]
        text = str(row.get("error") or row.get("message") or text)
    return text[:_SHOWN] or "no reason given"


def parsed(backend: str, what: str, content_type: str, body: bytes) -> Any:
    """The JSON of a 2xx answer. Raises SourceUnavailable when it is HTML, cut off or not JSON."""
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        page = "html" in content_type.lower() or body.lstrip()[:1] == b"<"
        shown = "an HTML page" if page else "no complete JSON"
        raise SourceUnavailable(f"{backend}: {what}: answered {shown} with status 200 ({len(body)} bytes)") from error


class HttpReader:
    """GETs below one endpoint. Raises SourceUnavailable, SourceRefused, QueryError or QueryBudget."""

    def __init__(
        self, backend: str, endpoint: Endpoint, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.backend = backend
        self._endpoint = endpoint
        try:
            self._client = httpx.AsyncClient(
                base_url=endpoint.url.rstrip("/"),
                headers={"Accept": "application/json, text/plain", **endpoint.headers},
                auth=endpoint.auth,
                timeout=endpoint.timeout_s,
                verify=endpoint.tls or True,
                trust_env=False,
                transport=transport,
            )
        except httpx.InvalidURL as error:
            raise ConfigError(f"the address of {backend} is not a URL: {error}") from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def json(self, path: str, what: str, params: Mapping[str, str] | None = None) -> Any:
        """A JSON answer."""
        content_type, body, _ = await self.read(path, what, params)
        return parsed(self.backend, what, content_type, body)

    async def text(self, path: str, what: str) -> str:
        """A short text."""
        return (await self.read(path, what))[1].decode("utf-8", "replace")

    async def read(
        self, path: str, what: str, params: Mapping[str, str] | None = None
    ) -> tuple[str, bytes, Mapping[str, str]]:
        """Content type, body and headers of a 2xx answer."""
        limit = self._endpoint.timeout_s
        try:
            async with asyncio.timeout(limit), self._client.stream("GET", path, params=dict(params or {})) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_BODY_BYTES:
                        raise QueryBudget(f"{self.backend}: {what}: the answer is larger than {MAX_BODY_BYTES} bytes")
        except (TimeoutError, httpx.TimeoutException) as error:
            raise SourceUnavailable(f"{self.backend}: {what}: no answer within {limit:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceUnavailable(f"{self.backend}: {what}: {type(error).__name__}: {error}") from error
        content_type = response.headers.get("content-type", "")
        if not 200 <= response.status_code < 300:
            reason = words(content_type, bytes(body))
            raise meaning(response.status_code)(f"{self.backend}: {what}: HTTP {response.status_code}: {reason}")
        return content_type, bytes(body), response.headers

"""One Docker engine, read only: unix socket, tcp with or without TLS, or a GET-only socket proxy."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException
from docker.tls import TLSConfig

from config.errors import ConfigError, NotCaptured, SourceRefused, SourceUnavailable
from tools.sources.clock_skew import skew_s
from tools.sources.http_json import words
from tools.sources.rate_cap import RateCap

Answer = TypeVar("Answer")
ONE_SHOT = "1.41"  # from this API version on, statistics need not wait for a second reading


class DockerHost:
    """Connects at the first call, negotiates the API version, connects again after a failure.

    `labels` narrow everything to containers that carry them (`key` or `key=value`), where others share the machine.
    """

    def __init__(
        self, name: str, url: str, *, timeout_s: float = 8.0, tls: TLSConfig | None = None, cap: RateCap | None = None,
        labels: tuple[str, ...] = (), parallel: int = 8,
    ) -> None:
        self.name, self.labels = name, labels
        self._url, self._timeout_s, self._tls, self._cap = url, timeout_s, tls, cap
        self._lock = threading.Lock()
        self._client: docker.APIClient | None = None
        self.skew_ms = 0
        self._gate = asyncio.Semaphore(parallel)

    async def read(self, what: str, call: Callable[[docker.APIClient], Answer]) -> Answer:
        """One call in a thread. Raises SourceUnavailable, SourceRefused, or NotCaptured where the thing is gone."""
        if self._cap is not None:
            await self._cap.take()
        limit = self._timeout_s * 2
        async with self._gate:
            try:
                async with asyncio.timeout(limit):
                    return await asyncio.to_thread(self._told, what, call)
            except TimeoutError as error:
                raise SourceUnavailable(f"Docker on {self.name}: {what}: no answer within {limit:g} s") from error

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _told(self, what: str, call: Callable[[docker.APIClient], Answer]) -> Answer:
        told = f"Docker on {self.name}: {what}"
        try:
            return call(self._connected())
        except APIError as error:
            raise _refused(told, error) from error
        except requests.Timeout as error:
            raise SourceUnavailable(f"{told}: no answer within {self._timeout_s:g} s") from error
        except (requests.RequestException, DockerException, OSError) as error:
            behind = _no_docker(told, error)
            if isinstance(behind, SourceRefused):
                raise behind from error
            raise SourceUnavailable(f"{told}: cannot be reached ({_reason(error)})") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _no_docker(told, error) from error

    def _connected(self) -> docker.APIClient:
        with self._lock:
            if self._client is None:
                client = docker.APIClient(
                    base_url=self._url, version="auto", timeout=self._timeout_s,  # type: ignore[arg-type]
                    tls=self._tls or False, max_pool_size=16,
                )
                self._client, self.skew_ms = client, _skew_ms(client)
            return self._client

    async def inspected(self) -> tuple[Mapping[str, Any], ...]:
        """Inspect of every container, stopped ones too; one that goes meanwhile is left out."""
        filters = {"label": list(self.labels)} if self.labels else None
        ids = await self.read("list", lambda c: [str(r["Id"]) for r in c.containers(all=True, filters=filters)])

        async def one(identity: str) -> Mapping[str, Any] | None:
            try:
                return await self.read("inspect", lambda c: c.inspect_container(identity))
            except NotCaptured:
                return None

        found = await asyncio.gather(*(one(i) for i in ids))
        return tuple(f for f in found if f is not None)

    async def stats(self, identity: str) -> Mapping[str, Any]:
        """One reading."""
        def call(client: docker.APIClient) -> Mapping[str, Any]:
            quick = tuple(int(x) for x in str(client.api_version).split(".")) >= (1, 41)
            read = client.stats(identity, stream=False, one_shot=True) if quick else client.stats(
                identity, stream=False)
            return dict(read)

        return await self.read("stats", call)

    async def top(self, identity: str, columns: str) -> Mapping[str, Any]:
        """Processes with the given `ps` columns."""
        return await self.read("top", lambda c: dict(c.top(identity, ps_args=f"-eo {columns}")))

    async def events(self, start_ms: int, end_ms: int) -> tuple[Mapping[str, Any], ...]:
        """Container events the engine still remembers, by its own clock; never waits for the future."""
        window: dict[str, Any] = {"since": f"{start_ms / 1000:.3f}", "until": f"{end_ms / 1000:.3f}"}

        def call(client: docker.APIClient) -> tuple[Mapping[str, Any], ...]:
            filters: dict[str, list[str]] = {"type": ["container"]}
            if self.labels:
                filters["label"] = list(self.labels)
            return tuple(client.events(**window, decode=True, filters=filters))

        return await self.read("events", call)

    async def archive(self, identity: str, path: str, *, most_bytes: int = 1_000_000) -> bytes:
        """The tar stream of one path, at most `most_bytes` of it. The engine remounts bind sources to make it."""
        def call(client: docker.APIClient) -> bytes:
            stream, _ = client.get_archive(identity, path)
            return b"".join(_bounded(stream, most_bytes))

        return await self.read(f"file {path}", call)

    async def logs(self, identity: str, *, start_ms: int, end_ms: int, tail: int = 2_000) -> str:
        """The newest lines with time stamps, standard error too."""
        window: dict[str, Any] = {"since": start_ms / 1000, "until": end_ms / 1000}

        def call(client: docker.APIClient) -> bytes:
            return bytes(client.logs(identity, timestamps=True, tail=tail, **window))

        return (await self.read("logs", call)).decode("utf-8", "replace")

    async def version(self) -> Mapping[str, Any]:
        """Version and API version."""
        return await self.read("version", lambda c: dict(c.version()))


def tls_config(*, ca: Path | None, cert: Path | None, key: Path | None) -> TLSConfig | None:
    """Docker's TLS settings; None where none is set. Raises ConfigError."""
    if ca is None and cert is None:
        return None
    try:
        pair = (str(cert), str(key)) if cert is not None and key is not None else None
        return TLSConfig(client_cert=pair, ca_cert=str(ca) if ca else None, verify=True)
    except DockerException as error:
        raise ConfigError(f"Docker TLS: {error}") from error


def _skew_ms(client: docker.APIClient) -> int:
    """How far the engine's clock is ahead of ours, in whole seconds; 0 where it does not say."""
    response = client.get(f"{client.base_url}/_ping", timeout=client.timeout)
    apart = skew_s(response.headers.get("Date"))
    return 0 if apart is None or abs(apart) < 2 else round(apart) * 1000


def _refused(told: str, error: APIError) -> SourceUnavailable | SourceRefused | NotCaptured:
    status = error.response.status_code if error.response is not None else 500
    return _meaning(told, status, str(error.explanation or "").strip()[:200])


def _no_docker(told: str, error: BaseException) -> SourceUnavailable | SourceRefused | NotCaptured:
    """docker-py stumbles over an error whose body is not Docker's; the status behind it still counts."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, requests.HTTPError) and inner.response is not None:
            return _meaning(told, inner.response.status_code, words(
                inner.response.headers.get("content-type", ""), inner.response.content))
        inner = inner.__cause__ or inner.__context__
    return SourceUnavailable(f"{told}: answered something else than Docker does")


def _meaning(told: str, status: int, reason: str) -> SourceUnavailable | SourceRefused | NotCaptured:
    if status in (404, 409):
        return NotCaptured(f"{told}: {reason}")
    if status in (408, 429) or status >= 500:
        return SourceUnavailable(f"{told}: HTTP {status}: {reason}")
    fix = " (the socket proxy does not allow it)" if status == 403 else ""
    return SourceRefused(f"{told}: HTTP {status}: {reason}{fix}")


def _reason(error: Exception) -> str:
    """The innermost reason, without addresses."""
    inner: BaseException = error
    while inner.__cause__ is not None or inner.__context__ is not None:
        inner = inner.__cause__ or inner.__context__ or inner
    return f"{type(inner).__name__}: {str(inner)[:120]}"


def _bounded(stream: Iterator[bytes], most_bytes: int) -> Iterator[bytes]:
    size = 0
    for chunk in stream:
        size += len(chunk)
        if size > most_bytes:
            raise ValueError("larger than it may be")
        yield chunk

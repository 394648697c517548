"""Settings of a backend -> how it is asked: headers, credentials, TLS. Credentials in a URL are taken out of it."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from config.errors import ConfigError
from config.settings import Redis, Source
from tools.sources.http_json import Endpoint, HttpReader
from tools.sources.rate_cap import CappedTransport, RateCap
from tools.sources.redis_wire import RedisAddress


def endpoint(source: Source, *, path: str | None = None) -> Endpoint:
    """The endpoint of a backend; `path` replaces the URL's own. Raises ConfigError for unreadable TLS files."""
    url, user, password = without_credentials(source.url)
    if path is not None:
        parts = urlsplit(url)
        url = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    headers = {name: value.get_secret_value() for name, value in source.headers.items()}
    if source.token is not None:
        headers["Authorization"] = f"Bearer {source.token.get_secret_value()}"
    if source.tenant:
        headers["X-Scope-OrgID"] = source.tenant
    if source.user:
        user, password = source.user, source.password.get_secret_value() if source.password else ""
    return Endpoint(
        url=url, headers=headers, auth=(user, password) if user else None, timeout_s=source.timeout_seconds,
        tls=tls_context(source.ca_file, source.cert_file, source.key_file),
    )


def tls_context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """A context with our own authority and client certificate; None where neither is set (the usual roots count)."""
    if ca is None and cert is None:
        return None
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
        if cert is not None:
            context.load_cert_chain(str(cert), str(key) if key else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"TLS: {ca or ''} {cert or ''} cannot be used: {error}") from error
    return context


def capped(endpoint_: Endpoint, cap: RateCap, *, backend: str) -> httpx.AsyncBaseTransport:
    """An HTTP transport of this endpoint that keeps to the cap."""
    return CappedTransport(httpx.AsyncHTTPTransport(verify=endpoint_.tls or True), cap, backend=backend)


def http_reader(backend: str, source: Source, *, path: str | None = None) -> HttpReader:
    """A reader of a backend's small status interfaces."""
    at = endpoint(source, path=path)
    cap = RateCap(backend, per_second=source.queries_per_second)
    return HttpReader(backend, at, transport=capped(at, cap, backend=backend))


def redis_address(settings: Redis) -> RedisAddress:
    """Where Redis is. Raises ConfigError for a URL that is none."""
    url, user, password = without_credentials(settings.url)
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ConfigError("the address of Redis is not redis://host:port or rediss://host:port")
    if settings.password is not None:
        user, password = settings.user, settings.password.get_secret_value()
    tls = None
    if parts.scheme == "rediss":
        tls = tls_context(settings.ca_file, None, None) or ssl.create_default_context()
    return RedisAddress(host=parts.hostname, port=parts.port or 6379, user=user, password=password,
                        timeout_s=settings.timeout_seconds, tls=tls)


def without_credentials(url: str) -> tuple[str, str, str]:
    """(URL without user info, user, password): so that no message can repeat them."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for a port that is no number
    except ValueError as error:
        raise ConfigError(f"not a URL: {error}") from error
    if "@" not in parts.netloc:
        return url, "", ""
    info, _, host = parts.netloc.rpartition("@")
    user, _, password = info.partition(":")
    return urlunsplit(parts._replace(netloc=host)), unquote(user), unquote(password)

"""The live client against servers that are down, slow, refusing or answering something else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from config.errors import ConfigError, CulpritError, QueryBudget, QueryError, SourceRefused, SourceUnavailable
from tools.sources.logs import LabelMatcher, LogQuery
from tools.sources.loki import LokiLogs

QUERY = LogQuery((LabelMatcher("service", "=", "api"),), 1_000, 2_000)
SECRET = "s3cret-token"


def loki(answer: Callable[[httpx.Request], httpx.Response], **options: object) -> LokiLogs:
    transport = httpx.MockTransport(answer)
    return LokiLogs(base_url="http://loki.test", transport=transport, **options)  # type: ignore[arg-type]


def plain(status: int, text: str, content_type: str = "text/plain") -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, headers={"content-type": content_type}, text=text)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, QueryError),
        (422, QueryError),
        (401, SourceRefused),
        (403, SourceRefused),
        (404, SourceRefused),
        (302, SourceRefused),
        (408, SourceUnavailable),
        (429, SourceUnavailable),
        (500, SourceUnavailable),
        (502, SourceUnavailable),
        (503, SourceUnavailable),
    ],
)
async def test_a_status_says_whether_trying_again_may_help(status: int, error: type[CulpritError]) -> None:
    """Each HTTP status becomes the error that tells transient from permanent, with the server's words and no header."""
    client = loki(plain(status, "too many outstanding requests"), headers={"Authorization": f"Bearer {SECRET}"})
    with pytest.raises(error, match=f"HTTP {status}: too many outstanding requests") as raised:
        await client.search(QUERY)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "content_type", "complaint"),
    [
        ("<html><body>Sign in</body></html>", "text/html", "an HTML page"),
        ('{"status":"success","data":{"resultType":"streams","resu', "application/json", "no complete JSON"),
        ("", "application/json", "no complete JSON"),
        ("[" * 100_000, "application/json", "no complete JSON"),
        ("null", "application/json", "another shape"),
        ('{"status":"error","data":{}}', "application/json", "another shape"),
        ('{"status":"success","data":{"resultType":"matrix","result":[]}}', "application/json", "another shape"),
        ('{"status":"success","data":{"resultType":"streams","result":[{}]}}', "application/json", "another shape"),
        (
            '{"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":[["x","y"]]}]}}',
            "application/json",
            "another shape",
        ),
    ],
)
async def test_a_2xx_that_is_not_lokis_answer_is_unavailable(body: str, content_type: str, complaint: str) -> None:
    """HTML, cut-off JSON and JSON of another shape with status 200 are never read as `no lines`."""
    with pytest.raises(SourceUnavailable, match=complaint):
        await loki(plain(200, body, content_type)).search(QUERY)


async def test_an_html_error_page_is_not_quoted() -> None:
    """A proxy's error page is named as a page and not poured into the message."""
    with pytest.raises(SourceUnavailable, match="HTTP 502: an HTML page") as raised:
        await loki(plain(502, "<html>" + "x" * 9000, "text/html")).search(QUERY)
    assert len(str(raised.value)) < 200


async def test_a_json_error_gives_its_message() -> None:
    """Gateways that wrap the error in JSON are unwrapped."""
    with pytest.raises(QueryError, match="HTTP 400: parse error : unexpected IDENTIFIER"):
        await loki(plain(400, '{"code":400,"message":"parse error : unexpected IDENTIFIER"}')).search(QUERY)


async def test_a_server_that_drips_is_given_up_in_time() -> None:
    """A body that never ends, byte after byte, is a timeout of the whole request and not of one read."""

    async def drip() -> object:
        while True:
            await asyncio.sleep(0.01)
            yield b" "

    client = loki(lambda _: httpx.Response(200, content=drip()), timeout_s=0.2)  # type: ignore[arg-type]
    with pytest.raises(SourceUnavailable, match=r"no answer within 0\.2 s"):
        await client.search(QUERY)


async def test_a_refused_connection_is_unavailable() -> None:
    """Nothing listening on a port is SourceUnavailable."""
    client = LokiLogs(base_url="http://127.0.0.1:9", timeout_s=2)
    with pytest.raises(SourceUnavailable, match="ConnectError"):
        await client.search(QUERY)
    await client.aclose()


async def test_an_answer_that_is_too_large_is_stopped() -> None:
    """The body is read up to a bound, after decompression."""
    client = loki(plain(200, "x" * 10_000), max_body_bytes=1_000)
    with pytest.raises(QueryBudget, match="larger than 1000 bytes"):
        await client.search(QUERY)


async def test_tenant_headers_authorization_and_prefix_are_sent() -> None:
    """Every request carries the tenant and the given headers, below the path prefix."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"status": "success", "data": ["a"]})

    client = LokiLogs(
        base_url="https://gateway.test/",
        tenant="team-a",
        headers={"X-Extra": "1"},
        auth=("reader", SECRET),
        prefix="/logs/",
        transport=httpx.MockTransport(answer),
    )
    assert await client.labels(start_ns=1, end_ns=2) == ("a",)
    assert str(seen[0].url) == "https://gateway.test/logs/loki/api/v1/labels?start=1&end=2"
    assert seen[0].headers["X-Scope-OrgID"] == "team-a"
    assert seen[0].headers["X-Extra"] == "1"
    assert seen[0].headers["Authorization"].startswith("Basic ")


async def test_a_label_name_cannot_change_the_path() -> None:
    """What is not a label name is refused before a request is made."""
    with pytest.raises(QueryError, match="not a label name"):
        await loki(plain(200, "")).label_values("../../admin", start_ns=1, end_ns=2)


def test_an_address_that_is_none_is_a_config_error() -> None:
    """A malformed base URL is told at construction."""
    with pytest.raises(ConfigError, match="not a URL"):
        LokiLogs(base_url="http://host:notaport")


async def test_a_missing_data_field_means_no_names() -> None:
    """Loki leaves `data` out when there are no labels; that is an empty answer."""
    body = json.dumps({"status": "success"})
    assert await loki(plain(200, body, "application/json")).labels(start_ns=1, end_ns=2) == ()


async def test_server_warnings_are_kept() -> None:
    """A partial answer's warnings reach the result."""
    body = {"status": "success", "warnings": ["partial"], "data": {"resultType": "streams", "result": []}}
    result = await loki(lambda _: httpx.Response(200, json=body)).search(QUERY)
    assert result.warnings == ("partial",)

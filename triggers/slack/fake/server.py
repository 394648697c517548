"""A fake Slack on loopback: `/api/<method>`, uploads, the Socket Mode websocket, signed requests to an HTTP door.

    async with FakeSlack() as slack:
        settings = Slack(bot_token=…, app_token=…, channel="C1", api_url=slack.api_url)
        …
        slack.fail("chat.postMessage", "ratelimited", retry_after=1)
        await slack.mention("what changed?", user="U1", channel="C1")
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from triggers.slack.fake.methods import Methods
from triggers.slack.fake.people import People
from triggers.slack.fake.workspace import Refused, Workspace, decoded

ACK_SECONDS = 3.0
PASSING = {"ratelimited": 429, "service_unavailable": 503, "internal_error": 500}


@dataclass
class Fault:
    """One answer other than usual. `lost`: the call is carried out, but its answer never arrives."""

    code: str
    retry_after: float = 0.0
    lost: bool = False


@dataclass(frozen=True)
class Ack:
    """How the app answered one delivery: in how many seconds, with what. `status` is HTTP's, 0 for no answer."""

    seconds: float
    payload: dict[str, Any] = field(default_factory=dict)
    status: int = 200


class FakeSlack(People):
    """`workspace` is what it holds; `calls` every method that was called with its arguments and time."""

    def __init__(self, workspace: Workspace | None = None, *, signing_secret: str = "secret") -> None:
        self.workspace = workspace or Workspace()
        self.calls: list[tuple[str, dict[str, Any], float]] = []
        self.revoked = False
        self.away = False
        self.door = ""
        self._secret = signing_secret
        self._faults: dict[str, deque[Fault]] = {}
        self._sockets: list[web.WebSocketResponse] = []
        self._acks: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._runner: web.AppRunner | None = None
        self._methods = Methods(self.workspace, upload_url=lambda identity: f"{self.url}/upload/{identity}")
        self._connected = asyncio.Event()
        self.connections = 0
        self.url = ""

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    async def __aenter__(self) -> FakeSlack:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen on loopback."""
        app = web.Application(client_max_size=20_000_000)
        app.router.add_post("/api/{method}", self._api)
        app.router.add_get("/api/{method}", self._api)
        app.router.add_post("/upload/{file}", self._take_file)
        app.router.add_get("/socket", self._socket)
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        for socket in list(self._sockets):
            await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # -- faults -----------------------------------------------------------------------------------------------

    def fail(self, method: str, code: str, *, times: int = 1, retry_after: float = 0.0) -> None:
        """The next calls of a method are refused with this code."""
        self._faults.setdefault(method, deque()).extend(Fault(code, retry_after) for _ in range(times))

    def lose_answer(self, method: str) -> None:
        """The next call is carried out, and then the connection breaks."""
        self._faults.setdefault(method, deque()).append(Fault("", lost=True))

    async def disconnect(self, *, politely: bool = True) -> None:
        """Close all websockets, with Slack's warning or without."""
        self._connected.clear()
        for socket in list(self._sockets):
            if politely:
                await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})
            await socket.close()

    async def connected(self, seconds: float = 10) -> None:
        """Until an app is connected by Socket Mode."""
        await asyncio.wait_for(self._connected.wait(), seconds)

    def called(self, method: str) -> list[dict[str, Any]]:
        """Arguments of every call of a method, in order."""
        return [arguments for name, arguments, _ in self.calls if name == method]

    # -- the Web API ------------------------------------------------------------------------------------------

    async def _api(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        arguments = await _arguments(request)
        self.calls.append((name, arguments, time.monotonic()))
        if self.away:
            return web.Response(status=503, text="<html>away</html>", content_type="text/html")
        fault = self._faults[name].popleft() if self._faults.get(name) else None
        if fault is not None and not fault.lost:
            return _refusal(fault)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.revoked or not token.startswith(("xoxb-", "xapp-")):
            return web.json_response({"ok": False, "error": "token_revoked" if self.revoked else "invalid_auth"})
        if name == "apps.connections.open":
            if not token.startswith("xapp-"):
                return web.json_response({"ok": False, "error": "not_allowed_token_type"})
            return web.json_response({"ok": True, "url": f"{self.url.replace('http', 'ws')}/socket"})
        try:
            answer = self._methods.call(name, arguments)
        except Refused as refused:
            return web.json_response({"ok": False, "error": refused.code, **refused.more})
        if fault is not None and request.transport is not None:
            request.transport.close()
        return web.json_response(answer, headers={"x-oauth-scopes": ",".join(self.workspace.scopes)})

    async def _take_file(self, request: web.Request) -> web.Response:
        content = await request.read()
        if request.content_type.startswith("multipart/"):
            content = content.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
        self.workspace.files[request.match_info["file"]]["content"] = content
        return web.Response(text="OK")

    # -- deliveries -------------------------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        self.connections += 1
        await socket.send_json({"type": "hello", "num_connections": 1})
        self._connected.set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    data = json.loads(message.data)
                    waiting = self._acks.pop(data.get("envelope_id", ""), None)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(data.get("payload") or {})
        finally:
            self._sockets.remove(socket)
            if not self._sockets:
                self._connected.clear()
        return socket

    async def deliver(
        self, kind: Literal["events_api", "interactive", "slash_commands"], payload: dict[str, Any]
    ) -> Ack:
        """To the HTTP `door` if one is set, else by Socket Mode; as Slack, once more where nobody answers in 3 s."""
        if self.door:
            return await self._deliver_http(kind, payload)
        for attempt in range(2):
            await self.connected()
            ack = await self._deliver_socket(kind, payload, attempt)
            if ack.status:
                return ack
        return ack

    async def _deliver_socket(self, kind: str, payload: dict[str, Any], attempt: int) -> Ack:
        identity = f"env-{len(self.calls)}-{time.monotonic_ns()}"
        waiting = asyncio.get_running_loop().create_future()
        self._acks[identity] = waiting
        began = time.monotonic()
        envelope = {"type": kind, "envelope_id": identity, "payload": payload, "accepts_response_payload": True,
                    "retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        try:
            await self._sockets[-1].send_json(envelope)
            answer = await asyncio.wait_for(waiting, ACK_SECONDS)
        except (TimeoutError, ConnectionError, IndexError):
            return Ack(time.monotonic() - began, status=0)
        return Ack(time.monotonic() - began, answer)

    async def _deliver_http(self, kind: str, payload: dict[str, Any]) -> Ack:
        text = json.dumps(payload)
        body = text if kind == "events_api" else urlencode({"payload": text})
        content = "application/json" if kind == "events_api" else "application/x-www-form-urlencoded"
        began = time.monotonic()
        async with aiohttp.ClientSession() as session, session.post(
            self.door, data=body.encode(), headers={"Content-Type": content, **self.signature(body)}
        ) as response:
            said = await response.text()
        parsed = json.loads(said) if said.startswith("{") else {}
        return Ack(time.monotonic() - began, parsed, response.status)

    def signature(self, body: str, *, age_seconds: int = 0) -> dict[str, str]:
        """The headers that prove a request is Slack's."""
        at = str(int(time.time()) - age_seconds)
        digest = hmac.new(self._secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}


async def _arguments(request: web.Request) -> dict[str, Any]:
    given: dict[str, Any] = {k: decoded(v) for k, v in request.query.items()}
    if request.method == "POST":
        if request.content_type == "application/json":
            return {**given, **await request.json()}
        given |= {k: decoded(v) for k, v in (await request.post()).items()}
    return given


def _refusal(fault: Fault) -> web.Response:
    headers = {"Retry-After": str(int(fault.retry_after) or 1)} if fault.code == "ratelimited" else {}
    return web.json_response({"ok": False, "error": fault.code}, status=PASSING.get(fault.code, 200), headers=headers)

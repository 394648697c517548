"""Socket Mode: connected, and connected again, for as long as the process runs."""

from __future__ import annotations

import asyncio

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
PING_SECONDS = 10.0
_log = structlog.get_logger(__name__)


async def stay_connected(
    app: AsyncApp, *, app_token: str, web: AsyncWebClient, stop: asyncio.Event, ping_seconds: float = PING_SECONDS
) -> None:
    """Until `stop`. A Slack that is away, or a token that was revoked, is tried again ever more slowly; once
    connected, the client replaces connections that end or fall silent by itself."""
    pause = FIRST_PAUSE
    while not stop.is_set():
        door = AsyncSocketModeHandler(app, app_token, web_client=web, ping_interval=ping_seconds)
        try:
            await _until(stop, door.connect_async())  # type: ignore[no-untyped-call]
            if not stop.is_set():
                _log.info("connected to Slack")
                await stop.wait()
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            _log.warning("Slack cannot be reached; trying again", reason=f"{type(error).__name__}: {error}"[:300])
        finally:
            await door.close_async()  # type: ignore[no-untyped-call]
        try:
            await asyncio.wait_for(stop.wait(), pause)
        except TimeoutError:
            pause = min(pause * 2, LONGEST_PAUSE)


async def _until(stop: asyncio.Event, work: object) -> None:
    """Connecting may itself go on for ever while Slack is away: it ends with the process."""
    connecting = asyncio.ensure_future(work)  # type: ignore[call-overload]
    ended = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((connecting, ended), return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            await connecting
    finally:
        for task in (connecting, ended):
            task.cancel()
        await asyncio.gather(connecting, ended, return_exceptions=True)

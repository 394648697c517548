"""Slack's Web API with its troubles sorted: what may work later, and what Slack itself refused and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from config.errors import SourceRefused, SourceUnavailable
from config.slack_settings import Slack

PATIENCE_SECONDS = 5.0  # a longer Retry-After is handed to whoever can wait: the outbox
PASSING = {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
           "team_added_to_org", "accesslimited"}
MENDABLE = {  # an operator can mend these, and what could not be sent must not be lost meanwhile
    "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope",
    "no_permission", "is_archived", "channel_not_found", "not_in_channel", "restricted_action", "ekm_access_denied",
    "org_login_required", "access_denied"}
ONCE = {"chat.postMessage", "chat.postEphemeral", "files.completeUploadExternal", "views.open"}
WRITING = ("chat.", "views.", "assistant.")
LOST_CHANNEL = {"is_archived", "channel_not_found", "not_in_channel", "restricted_action"}
LOST_MESSAGE = {"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"}


@dataclass(frozen=True)
class Reply:
    """`error` is Slack's code, "" when it went well. `scopes` are those the token has, where Slack said."""

    error: str
    data: dict[str, Any] = field(default_factory=dict)
    scopes: frozenset[str] = frozenset()


class ShortWait(AsyncRateLimitErrorRetryHandler):
    """Waits for a short Retry-After by itself."""

    async def _can_retry_async(
        self, *, state: RetryState, request: HttpRequest, response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        limited = response is not None and response.status_code == 429
        return limited and response is not None and _retry_after(response.headers) <= PATIENCE_SECONDS


class HarmlessAgain(AsyncConnectionErrorRetryHandler):
    """Tries a broken connection again, unless the call may have been carried out and would then be so twice."""

    async def _can_retry_async(
        self, *, state: RetryState, request: HttpRequest, response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if request.url.rsplit("/", 1)[-1] in ONCE:
            return False
        return await super()._can_retry_async(state=state, request=request, response=response, error=error)


class SlackApi:
    """`ask` gives Slack's refusals as a value, `tell` raises them. Both raise SourceUnavailable for trouble between."""

    def __init__(self, web: AsyncWebClient) -> None:
        self.web = web

    async def ask(self, method: str, *, token: str = "", **arguments: Any) -> Reply:
        """Call one method. Those that write take JSON; those that read take a form only."""
        given = {k: v for k, v in arguments.items() if v is not None}
        writes = method.startswith(WRITING)
        try:
            answer = await self.web.api_call(method, json=given if writes else None, data=None if writes else given,
                                             params={"token": token} if token else None)  # becomes the header
            return Reply("", dict(answer.data) if isinstance(answer.data, dict) else {}, _scopes(answer.headers))
        except SlackApiError as error:
            return Reply(_code(method, error), error.response.data if isinstance(error.response.data, dict) else {})
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SourceUnavailable(f"Slack {method}: {type(error).__name__}") from error

    async def tell(self, method: str, **arguments: Any) -> dict[str, Any]:
        """As `ask`; SourceUnavailable for what passes or can be mended, SourceRefused for the rest."""
        reply = await self.ask(method, **arguments)
        if reply.error:
            raise trouble(method, reply)
        return reply.data

    async def upload(self, *, content: bytes, filename: str, title: str, channel: str, thread: str) -> None:
        """A file into a thread. The same errors as `tell`."""
        try:
            await self.web.files_upload_v2(content=content, filename=filename, title=title, channel=channel,
                                           thread_ts=thread)
        except SlackApiError as error:
            raise trouble("files.upload", Reply(_code("files.upload", error), {})) from error
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SourceUnavailable(f"Slack upload: {type(error).__name__}") from error


def build_client(settings: Slack, *, with_token: bool = True) -> AsyncWebClient:
    """For publishing and for Socket Mode; the app brings its own token. Connections that break are tried once more."""
    web = AsyncWebClient(
        token=settings.bot_token.get_secret_value() if settings.bot_token and with_token else None,
        base_url=settings.api_url.rstrip("/") + "/", timeout=int(max(1, settings.timeout_seconds)),
        retry_handlers=[HarmlessAgain(max_retry_count=1), ShortWait(max_retry_count=2)])
    return web


def trouble(method: str, reply: Reply) -> SourceUnavailable | SourceRefused:
    """Slack's refusal as an error, with what would mend it."""
    needed = reply.data.get("needed")
    said = f"Slack {method}: {reply.error}" + (f" (needs {needed})" if needed else "")
    if reply.error in PASSING | MENDABLE:
        return SourceUnavailable(said, retry_after_s=float(reply.data.get("retry_after", 0)))
    pointers = (reply.data.get("response_metadata") or {}).get("messages")
    return SourceRefused(said + (f": {'; '.join(map(str, pointers[:3]))}" if pointers else ""))


def _code(method: str, error: SlackApiError) -> str:
    """Slack's code; 429 and 5xx become codes too, with `retry_after` beside them."""
    response = error.response
    status = getattr(response, "status_code", 200)
    if status >= 500:
        raise SourceUnavailable(f"Slack {method} answered {status}") from error
    data = response.data if isinstance(response.data, dict) else None
    if data is None:
        raise SourceUnavailable(f"Slack {method} did not answer JSON") from error
    if status == 429 or data.get("error") == "ratelimited":
        data["retry_after"] = _retry_after(response.headers or {})
        return "ratelimited"
    return str(data.get("error") or "unknown_error")


def _scopes(headers: Any) -> frozenset[str]:
    listed = next((v for k, v in dict(headers or {}).items() if k.lower() == "x-oauth-scopes"), "")
    return frozenset(part.strip() for part in str(listed).split(",") if part.strip())


def _retry_after(headers: Any) -> float:
    value: Any = next((v for k, v in dict(headers).items() if k.lower() == "retry-after"), "1")
    value = value[0] if isinstance(value, list | tuple) and value else value
    try:
        return max(0.0, float(value))
    except (TypeError, ValueError):
        return 1.0

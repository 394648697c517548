"""Two ways out that need no service: the console, and a webhook that posts JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TextIO

import httpx

from config.errors import SourceRefused, SourceUnavailable
from config.settings import Webhook
from triggers.messages import Message

MAX_REFERENCE = 500


def plain_text(message: Message) -> str:
    """One message in a few lines, for people without a better renderer."""
    incident = message.body.get("incident", {})
    head = f"[{incident.get('severity', '?')}] {incident.get('title', '')} ({message.incident_id}): {message.kind}"
    if message.kind == "folded":
        return f"{head} into {message.body.get('survivor')}"
    if message.kind == "failed":
        return f"{head}: {incident.get('error') or 'no reason given'}"
    diagnosis: dict[str, Any] | None = message.body.get("diagnosis")
    if diagnosis is None:
        return head
    lines = [f"{head}: {diagnosis['verdict']}" + (" (already resolved)" if message.body.get("resolved_before") else "")]
    lines += [f"  - {claim['text']} [{', '.join(claim['evidence'])}]" for claim in diagnosis["claims"]]
    lines += [f"  {h['rank']}. {h['status']}: {h['component']['name']} {h['category']}, {h['mechanism']}"
              f" (confidence {h['confidence']:.2f})" for h in diagnosis["hypotheses"]]
    return "\n".join(lines)


class ConsolePublisher:
    """Writes to a stream; it cannot look anything up, so a crash may repeat a message."""

    name = "console"

    def __init__(self, *, stream: TextIO | None = None, render: Callable[[Message], str] = plain_text) -> None:
        self._stream, self._render = stream or sys.stdout, render

    async def find(self, message: Message) -> str | None:
        return None

    async def post(self, message: Message) -> str:
        self._stream.write(self._render(message) + "\n")
        self._stream.flush()
        return message.marker


class WebhookPublisher:
    """POSTs the message as JSON, at least once; receivers tell repeats by `Idempotency-Key`.

    5xx, 408, 425, 429 and network trouble are tried again; other refusals are final.
    """

    def __init__(self, *, settings: Webhook, client: httpx.AsyncClient | None = None) -> None:
        self.name = settings.name
        self._settings = settings
        self._client = client

    async def find(self, message: Message) -> str | None:
        return None

    async def post(self, message: Message) -> str:
        headers = {"Idempotency-Key": message.marker}
        if self._settings.token is not None:
            headers["Authorization"] = f"Bearer {self._settings.token.get_secret_value()}"
        content = {"kind": message.kind, "incident": message.incident_id, "marker": message.marker, **message.body}
        try:
            if self._client is not None:
                answer = await self._client.post(self._settings.url, json=content, headers=headers)
            else:
                async with httpx.AsyncClient(timeout=self._settings.timeout_seconds) as client:
                    answer = await client.post(self._settings.url, json=content, headers=headers)
        except httpx.HTTPError as error:
            raise SourceUnavailable(f"webhook {self.name}: {type(error).__name__}") from error
        if answer.status_code >= 500 or answer.status_code in (408, 425, 429):
            raise SourceUnavailable(f"webhook {self.name} answered {answer.status_code}")
        if answer.is_error:
            raise SourceRefused(f"webhook {self.name} answered {answer.status_code}")
        return str(answer.headers.get("Location", message.marker))[:MAX_REFERENCE]

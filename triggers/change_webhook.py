"""The door of changes: `POST /webhooks/changes`. Deploys, switches and configuration, kept for the questions.

GitHub signs its body and GitLab shows a token; whoever does neither shows the same credentials as everywhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from typing import Any

from fastapi import FastAPI, HTTPException, Request

from config.settings import ChangeDoor, Http
from triggers.alertmanager import read_json
from triggers.auth import Doorkeeper
from triggers.change_formats import Names, read_changes
from triggers.change_log import ChangeLog
from triggers.web import read_body


def add_change_door(app: FastAPI, *, settings: Http, log: ChangeLog) -> None:
    """Adds the route. Answers 202 after the commit; 400, 401 and 413 for what can never be accepted; else 5xx."""
    doorkeeper, door = Doorkeeper(settings.auth), settings.changes
    names = Names(door.services, door.clusters)

    @app.post("/webhooks/changes", status_code=202)
    async def changes(request: Request) -> dict[str, Any]:
        """A deploy, switch or configuration change: Jenkins, GitHub, GitLab, Argo CD or plain JSON."""
        body = await read_body(request, settings.max_body_bytes)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not admitted(doorkeeper, door, headers, body):
            raise HTTPException(401, "credentials are missing or wrong", {"WWW-Authenticate": 'Bearer realm="culprit"'})
        received = time.time_ns() // 1_000_000
        announced = read_changes(read_json(body), headers, received_ms=received, names=names)
        new = await asyncio.to_thread(log.add, announced, received_ms=received)
        return {"status": "stored", "changes": new, "repeated": len(announced) - new}


def admitted(doorkeeper: Doorkeeper, door: ChangeDoor, headers: dict[str, str], body: bytes) -> bool:
    """Whether a sender may announce changes. A sender that claims to be GitHub or GitLab must prove it, once that is
    configured; a forged signature is not made good by an open door.
    """
    if "x-github-event" in headers and door.github_secret is not None:
        return _signed(door.github_secret.get_secret_value(), headers.get("x-hub-signature-256", ""), body)
    if "x-gitlab-event" in headers and door.gitlab_token is not None:
        return _same(headers.get("x-gitlab-token", ""), door.gitlab_token.get_secret_value())
    return doorkeeper.admits(headers.get("authorization"))


def _signed(secret: str, signature: str, body: bytes) -> bool:
    """GitHub: `sha256=` and the HMAC of the body as it was sent."""
    return _same(signature, "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest())


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())

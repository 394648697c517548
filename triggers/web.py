"""The HTTP door: webhooks in, incidents and feedback, health and metrics. OpenAPI at /docs.

A webhook is answered 2xx only after the commit. 4xx is for what can never be accepted (Alertmanager drops it for
good); trouble of ours is 5xx, which it retries.
"""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, Literal

import structlog
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from pydantic import BaseModel, ConfigDict, Field

from agent.alert_payload import AlertGroup
from agent.ledger import Feedback, Ledger
from config.database import Database
from config.errors import BadInput, CulpritError, StoreUnavailable, UnknownThing
from config.settings import Http
from triggers.alertmanager import read_payload
from triggers.auth import Doorkeeper
from triggers.incidents import Incidents
from triggers.intake import Intake
from triggers.metrics import DoorCounters, exposition

INLINE_BYTES = 50_000
COMMIT_SECONDS = 25.0  # Alertmanager gives up on a webhook sooner or later; say 503 before it does
_log = structlog.get_logger(__name__)


class FeedbackBody(BaseModel):
    """What an engineer says about a diagnosis."""

    model_config = ConfigDict(extra="forbid")
    author: str = Field(min_length=1, max_length=200)
    cause: Literal["right", "partly", "wrong", "unknown"] = "unknown"
    action: Literal["right", "partly", "wrong", "unknown"] = "unknown"
    correction: dict[str, str] = Field(default_factory=dict, max_length=20)
    comment: str = Field(default="", max_length=10_000)


def build_web(
    *, settings: Http, database: Database, intake: Intake, incidents: Incidents, ledger: Ledger,
    registry: CollectorRegistry, counters: DoorCounters,
) -> FastAPI:
    """The application; whoever builds it closes `intake` and `database`."""
    app = FastAPI(title="Culprit", description="Incident analysis: alerts in, verified diagnoses out.")
    guarded = _guard(settings)
    _answer_errors(app)
    _add_health(app, database, registry, guarded)
    _add_reads(app, incidents, ledger, settings, guarded)

    @app.post("/webhooks/alertmanager", dependencies=guarded, status_code=202)
    async def alertmanager(request: Request) -> JSONResponse:
        """Alertmanager's webhook, version 4."""
        try:
            body = await read_body(request, settings.max_body_bytes)
            group = await _parsed(body, settings.max_alerts)
            kept = await _committed(intake, group.signals)
        except HTTPException as refused:
            counters.answered(refused.status_code)
            raise
        except BadInput:
            counters.answered(400)
            raise
        except StoreUnavailable:
            counters.answered(503)
            raise
        counters.answered(202)
        return JSONResponse({"status": "stored", "signals": kept, "ignored": len(group.signals) - kept,
                             "truncated": group.truncated}, status_code=202)

    return app


def build_health(*, settings: Http, database: Database, registry: CollectorRegistry) -> FastAPI:
    """What a process without doors shows of itself: health and metrics."""
    app = FastAPI(title="Culprit worker", openapi_url=None)
    _answer_errors(app)
    _add_health(app, database, registry, _guard(settings))
    return app


def _guard(settings: Http) -> list[Any]:
    doorkeeper = Doorkeeper(settings.auth)

    async def admitted(request: Request) -> None:
        if not doorkeeper.admits(request.headers.get("authorization")):
            raise HTTPException(401, "credentials are missing or wrong", {"WWW-Authenticate": 'Bearer realm="culprit"'})

    return [Depends(admitted)]


async def _parsed(body: bytes, max_alerts: int) -> AlertGroup:
    """In a thread if it takes long enough for other requests to notice."""
    now = time.time_ns() // 1_000_000
    if len(body) < INLINE_BYTES:
        return read_payload(body, received_ms=now, max_alerts=max_alerts)
    return await asyncio.to_thread(read_payload, body, received_ms=now, max_alerts=max_alerts)


async def _committed(intake: Intake, signals: Any) -> int:
    try:
        async with asyncio.timeout(COMMIT_SECONDS):
            return await intake.commit(signals)
    except TimeoutError as error:
        raise StoreUnavailable("the commit takes too long; send it again") from error


async def read_body(request: Request, limit: int) -> bytes:
    """The body; 413 as soon as it is known to be larger than `limit`, without reading on."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise HTTPException(413, f"the body is larger than {limit} bytes")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise HTTPException(413, f"the body is larger than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _answer_errors(app: FastAPI) -> None:
    codes = {BadInput: 400, UnknownThing: 404, StoreUnavailable: 503}

    @app.exception_handler(CulpritError)
    async def refused(request: Request, error: CulpritError) -> JSONResponse:
        code = next((c for kind, c in codes.items() if isinstance(error, kind)), 500)
        if code >= 500:
            _log.error("request failed", path=request.url.path, reason=str(error))
        headers = {"Retry-After": "5"} if code == 503 else {}
        return JSONResponse({"detail": str(error)}, status_code=code, headers=headers)


def _add_health(app: FastAPI, database: Database, registry: CollectorRegistry, guarded: list[Any]) -> None:
    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz")
    def ready() -> dict[str, str]:
        """The database answers too."""
        with database.read() as connection:
            connection.exec_driver_sql("SELECT 1 FROM incidents WHERE 1 = 0")
        return {"status": "ready"}

    @app.get("/metrics", dependencies=guarded)
    def metrics() -> Response:
        """Prometheus' text format."""
        return Response(exposition(registry), media_type=CONTENT_TYPE_LATEST)


def _add_reads(app: FastAPI, incidents: Incidents, ledger: Ledger, settings: Http, guarded: list[Any]) -> None:
    @app.get("/incidents", dependencies=guarded)
    def listed(
        state: str | None = None, open: bool = False,
        limit: Annotated[int, Query(ge=1, le=500)] = 50, before: str | None = None,
    ) -> dict[str, Any]:
        """Newest first; pass the last id as `before` to go on."""
        return {"incidents": incidents.list(state=state, open_only=open, limit=limit, before=before)}

    @app.get("/incidents/{incident_id}", dependencies=guarded)
    def shown(incident_id: str) -> dict[str, Any]:
        """One incident with signals, diagnosis, runs and feedback."""
        return incidents.show(incident_id)

    @app.post("/incidents/{incident_id}/feedback", dependencies=guarded, status_code=201)
    def said(incident_id: str, body: FeedbackBody, request: Request) -> dict[str, bool]:
        """Store an engineer's verdict. The header `Idempotency-Key` makes repeating it harmless."""
        key = request.headers.get("idempotency-key")
        new = ledger.add_feedback(Feedback(
            incident_id=incident_id, author=body.author, door="http", cause=body.cause, action=body.action,
            correction=dict(body.correction), comment=body.comment, idempotency_key=key[:200] if key else None))
        return {"stored": new}

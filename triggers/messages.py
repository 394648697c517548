"""What leaves: messages, the publishers that send them, and the row that is written before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import sqlalchemy as sa

from config.tables import outbox

MessageKind = Literal["announced", "diagnosed", "resolved", "folded", "failed", "joined"]


@dataclass(frozen=True)
class Message:
    """One message about an incident.

    `marker` identifies it for ever: it is the idempotency key, and the metadata a publisher looks it up by.
    `thread` is the publisher's own reference of the incident's first message ("" if that is this one).
    """

    kind: MessageKind
    incident_id: str
    marker: str
    body: Mapping[str, Any]
    thread: str = ""


class Publisher(Protocol):
    """One way out. Both raise SourceUnavailable to be tried again and SourceRefused to give up."""

    @property
    def name(self) -> str: ...

    async def find(self, message: Message) -> str | None:
        """The reference of a message that was posted with this marker before; None if there is none.

        A publisher that cannot look up answers None and is then at-least-once.
        """
        ...

    async def post(self, message: Message) -> str:
        """Send it with its marker; the answer is the reference under which it can be replied to."""
        ...


def put_message(
    connection: sa.Connection, *, publishers: Sequence[str], kind: MessageKind, incident_id: str, about: str,
    body: Mapping[str, Any], now: int, run_id: str | None = None,
) -> None:
    """Part of the transaction that makes the message true: one row a publisher.

    `about` makes the marker unique: the run id of a diagnosis, the revision of a fold.
    """
    text = json.dumps(body, ensure_ascii=False, default=str)
    rows = [{"publisher": name, "kind": kind, "incident_id": incident_id, "run_id": run_id, "body": text,
             "marker": f"culprit/{name}/{incident_id}/{kind}/{about}", "state": "waiting", "ready_ms": now,
             "created_ms": now} for name in publishers]
    if rows:
        connection.execute(outbox.insert(), rows)

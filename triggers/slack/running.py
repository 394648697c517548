"""Slack inside the long-running processes: beside the HTTP doors of `serve`, and in every worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import sqlalchemy as sa
from fastapi import FastAPI

from agent.conversation import Conversation
from agent.diagnosis import Diagnosis
from agent.investigate import Investigation
from config.tables import places
from triggers.similar import SimilarIncidents
from triggers.slack.assemble import SlackOut, add_slack_door, build_door, run_door
from triggers.talks import ByClusterTalk
from triggers.wiring import Store, build_intake


def slack_conversation(store: Store, investigations: Mapping[str, Investigation]) -> ByClusterTalk:
    """Answers from live state, and from what is stored about incidents."""
    def diagnosis_of(incident_id: str) -> Diagnosis | None:
        found = store.ledger.diagnosis(incident_id)
        return Diagnosis.model_validate(found) if found else None

    def cluster_of(incident_id: str) -> str:
        query = sa.select(places.c.place).where(places.c.incident_id == incident_id)
        with store.database.read() as connection:
            told = " ".join(connection.execute(query).scalars())
        return next((c for c in investigations if c and f'"cluster": "{c}"' in told), "")

    similar = SimilarIncidents(store.database)
    talks = {cluster: Conversation(world=i.world, investigation=i, diagnosis_of=diagnosis_of, similar_to=similar)
             for cluster, i in investigations.items()}
    return ByClusterTalk(talks, cluster_of)


async def open_slack(
    out: SlackOut, app: FastAPI, *, investigations: Mapping[str, Investigation], recorded_ms: int | None,
    stop: asyncio.Event,
) -> None:
    """The door, until `stop`. In a recorded world, questions are asked at the recording's own moment."""
    clock: Callable[[], int] = (lambda: time.time_ns() // 1_000_000) if recorded_ms is None else (lambda: recorded_ms)
    intake = build_intake(out.store)
    door = build_door(out, conversation=slack_conversation(out.store, investigations), intake=intake, now_ms=clock)
    if out.store.settings.slack.mode == "http":
        add_slack_door(app, door)
    try:
        await run_door(out, door, stop=stop)
    finally:
        await asyncio.to_thread(intake.close)
        await out.progress.close()

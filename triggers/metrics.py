"""Numbers about ourselves for Prometheus: the queue, read at each scrape, and this process's counters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config.database import Database
from config.errors import StoreUnavailable
from config.tables import incidents, outbox, signals
from triggers.claims import Claim
from triggers.rows import SEVERITIES

_WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)


class WorkerCounters:
    """Claim latency is from when the incident was queued; the grouping window is part of it."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self._latency = Histogram("culprit_claim_latency_seconds", "From queued to claimed.", ["severity"],
                                  registry=registry, buckets=_WAITS)
        self._attempts = Counter("culprit_attempts", "Claims, by whether an earlier attempt is resumed.", ["resumed"],
                                 registry=registry)
        self._calls = Counter("culprit_model_calls", "Model calls asked of the shared budget.", ["allowed"],
                              registry=registry)
        self._usd = Counter("culprit_model_usd", "What model calls cost, where their price is known.",
                            registry=registry)
        self._ended = Counter("culprit_investigations", "Investigations, by how they ended.", ["outcome"],
                              registry=registry)

    def claimed(self, claim: Claim) -> None:
        """A claim was made."""
        self._attempts.labels(str(claim.run.resumed).lower()).inc()
        if not claim.run.resumed:
            self._latency.labels(claim.incident.severity.value).observe((claim.claimed_ms - claim.queued_ms) / 1000)

    def model_call(self, *, allowed: bool) -> None:
        """A model call was within the shared budget, or was not made because it would not have been."""
        self._calls.labels(str(allowed).lower()).inc()

    def spent(self, usd: float) -> None:
        """A model call's price."""
        self._usd.inc(usd)

    def ended(self, outcome: Literal["published", "moved", "refused", "failed", "dead"]) -> None:
        """An investigation ended."""
        self._ended.labels(outcome).inc()


class DoorCounters:
    """What came in over HTTP."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter("culprit_webhook_requests", "Webhook calls, by answer.", ["code"], registry=registry)
        self._signals = Counter("culprit_signals", "Signals committed.", registry=registry)
        self._commit = Histogram("culprit_commit_seconds", "Time of an intake commit.", registry=registry)

    def answered(self, code: int) -> None:
        """A webhook call was answered."""
        self._requests.labels(str(code)).inc()

    def committed(self, count: int, seconds: float) -> None:
        """A batch of signals is on disk."""
        self._signals.inc(count)
        self._commit.observe(seconds)


class QueueCollector(Collector):
    """Depth by state and severity, oldest waiting age, dead letters, undelivered messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        return []  # registering must not ask the database

    def collect(self) -> Iterator[Metric]:
        try:
            yield from self._read()
        except StoreUnavailable:
            up = GaugeMetricFamily("culprit_database_up", "Whether the database answers.", value=0)
            yield up

    def _read(self) -> list[Metric]:
        now = self._database.now()
        counted = sa.select(incidents.c.state, incidents.c.severity, sa.func.count().label("n")) \
            .where(incidents.c.state != "merged").group_by(incidents.c.state, incidents.c.severity)
        oldest = sa.select(now - sa.func.min(incidents.c.queued_ms)).where(incidents.c.state == "queued")
        with self._database.read() as connection:
            depths = connection.execute(counted).all()
            age = connection.execute(oldest).scalar()
            waiting = connection.execute(sa.select(sa.func.count()).where(signals.c.pending)).scalar_one()
            messages = connection.execute(sa.select(outbox.c.state, sa.func.count().label("n"))
                                          .where(outbox.c.state != "sent").group_by(outbox.c.state)).all()
        depth = GaugeMetricFamily("culprit_incidents", "Incidents by state.", labels=["state", "severity"])
        for row in depths:
            depth.add_metric([row.state, SEVERITIES[row.severity].value], row.n)
        unsent = GaugeMetricFamily("culprit_messages_unsent", "Messages not yet delivered.", labels=["state"])
        for row in messages:
            unsent.add_metric([row.state], row.n)
        return [
            depth, unsent,
            GaugeMetricFamily("culprit_queue_oldest_seconds", "Age of the oldest waiting incident.",
                              value=(age or 0) / 1000),
            GaugeMetricFamily("culprit_signals_pending", "Signals not yet grouped.", value=waiting),
            GaugeMetricFamily("culprit_database_up", "Whether the database answers.", value=1),
        ]


def exposition(registry: CollectorRegistry) -> bytes:
    """The text format of /metrics."""
    return generate_latest(registry)

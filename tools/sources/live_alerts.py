"""The live alerts source: Alertmanager for what fires or is suppressed, Prometheus for rules and targets.

Both know the present only. Without Alertmanager, Prometheus' own alerts are read, and what is silenced stays unseen.
"""

from __future__ import annotations

from config.errors import NotCaptured
from tools.sources.alertmanager_alerts import AlertmanagerAlerts
from tools.sources.alerts import Alert, AlertRule, ScrapeTarget
from tools.sources.present import Clock, now_ms, require_present
from tools.sources.prometheus_state import PrometheusState
from tools.sources.shortfall import tell_shortfall


class LiveAlerts:
    """Fits the Alerts seam. At least one of both is set; what the other would tell is said as not captured."""

    def __init__(
        self, *, alertmanager: AlertmanagerAlerts | None, prometheus: PrometheusState | None, clock: Clock = now_ms
    ) -> None:
        self._alertmanager, self._prometheus, self._clock = alertmanager, prometheus, clock

    async def active(self, *, at_ms: int) -> tuple[Alert, ...]:
        """Alerts known now."""
        if self._alertmanager is not None:
            return await self._alertmanager.active(at_ms=at_ms)
        prometheus = self._asked(at_ms, "alerts")
        tell_shortfall("no Alertmanager is configured: what is silenced or inhibited cannot be told")
        return await prometheus.alerts()

    async def rules(self, *, at_ms: int) -> tuple[AlertRule, ...]:
        """Alerting rules as Prometheus evaluates them now."""
        return await self._asked(at_ms, "rules").rules()

    async def targets(self, *, at_ms: int) -> tuple[ScrapeTarget, ...]:
        """What Prometheus scrapes now."""
        return await self._asked(at_ms, "targets").targets()

    def _asked(self, at_ms: int, what: str) -> PrometheusState:
        if self._prometheus is None:
            raise NotCaptured(f"{what}: no Prometheus is configured")
        require_present(at_ms, what, clock=self._clock)
        return self._prometheus
